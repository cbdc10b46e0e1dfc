internal import Configuration
internal import IPC
internal import Network

/// The TLS contexts that a configuration describes, and what the library has to say against it.
enum TLSSetup {
    struct Failure: Error {
        let problems: [ReportedProblem]
    }

    /// One set for each client listener, nil for those without TLS; in the order of the file.
    static func contexts(_ configuration: ServerConfiguration) throws(Failure) -> [ListenerTLS?] {
        var sets: [ListenerTLS?] = []
        var problems: [ReportedProblem] = []
        for case .client(let listener) in configuration.listeners {
            guard let tls = listener.tls else {
                sets.append(nil)
                continue
            }
            sets.append(set(tls, listener.index, configuration.general, &problems))
        }
        if !problems.isEmpty { throw Failure(problems: problems) }
        return sets
    }

    private static func set(
        _ tls: TLSListenerConfiguration, _ index: Int, _ general: GeneralConfiguration, _ problems: inout [ReportedProblem]
    ) -> ListenerTLS? {
        let path = "listen.c2s[\(index)].tls"
        var byName: [String: TLSContext] = [:]
        for entry in general.domainCertfiles {
            let options = options(tls, chain: entry.certfile.contents, key: nil, password: nil)
            byName[entry.domain] = context(options, "general.domain_certfile", entry.certfile.path, &problems)
        }
        guard let file = tls.certfile else {
            guard let first = general.domainCertfiles.first.flatMap({ byName[$0.domain] }) else { return nil }
            return ListenerTLS(standard: first, byName: byName)
        }
        let options = options(tls, chain: file.contents, key: tls.keyfile?.contents, password: tls.password?.reveal())
        guard let standard = context(options, path, file.path, &problems) else { return nil }
        return ListenerTLS(standard: standard, byName: byName)
    }

    private static func context(
        _ options: TLSOptions, _ path: String, _ file: String, _ problems: inout [ReportedProblem]
    ) -> TLSContext? {
        do throws(TLSProblem) {
            return try TLSContext(options: options)
        } catch {
            problems.append(
                ReportedProblem(
                    file: "", line: 0, column: 0, path: path,
                    text: "\(error) (certificate file \(file)): correct the file or the option"))
            return nil
        }
    }

    private static func options(
        _ tls: TLSListenerConfiguration, chain: [UInt8], key: [UInt8]?, password: String?
    ) -> TLSOptions {
        TLSOptions(
            certificateChain: chain, privateKey: key, password: password, ciphers: tls.ciphers,
            versions: tls.versions.map { Set($0.compactMap(TLSOptions.Version.init(rawValue:))) },
            protocolOptions: tls.protocolOptions, dhParameters: tls.dhfile?.contents)
    }
}

/// The certificates of a listener.
struct ListenerTLS: Sendable {
    let standard: TLSContext
    let byName: [String: TLSContext]

    /// What a client is shown that names no server by SNI and `domain` in its stream header, if that.
    func contexts(for domain: String?) -> TLSContextSet {
        TLSContextSet(standard: domain.flatMap { byName[$0] } ?? standard, byName: byName)
    }
}
