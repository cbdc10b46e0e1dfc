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
            sets.append(set(tls, listener.index, configuration, &problems))
        }
        if !problems.isEmpty { throw Failure(problems: problems) }
        return sets
    }

    private static func set(
        _ tls: TLSListenerConfiguration, _ index: Int, _ configuration: ServerConfiguration, _ problems: inout [ReportedProblem]
    ) -> ListenerTLS? {
        let general = configuration.general
        var byName: [String: TLSContext] = [:]
        for entry in general.domainCertfiles {
            let options = options(tls, chain: entry.certfile.contents, key: nil, password: nil)
            do throws(TLSProblem) {
                byName[entry.domain] = try TLSContext(options: options)
            } catch {
                let text = "\(error) (certificate file \(entry.certfile.path)): correct the file or the option"
                problems.append(ReportedProblem(file: "", line: 0, column: 0, path: "general.domain_certfile", text: text))
            }
        }
        guard let file = tls.certfile else {
            guard let first = general.domainCertfiles.first.flatMap({ byName[$0.domain] }) else { return nil }
            return ListenerTLS(standard: first, byName: byName)
        }
        let options = options(tls, chain: file.contents, key: tls.keyfile?.contents, password: tls.password?.reveal())
        do throws(TLSProblem) {
            return ListenerTLS(standard: try TLSContext(options: options), byName: byName)
        } catch {
            problems.append(problem(error, tls, index, configuration))
            return nil
        }
    }

    /// At the option that the library complains of.
    private static func problem(
        _ problem: TLSProblem, _ tls: TLSListenerConfiguration, _ index: Int, _ configuration: ServerConfiguration
    ) -> ReportedProblem {
        let option = option(problem.part, tls)
        let place = option.flatMap { configuration.position(ofClientListener: index, "tls.\($0)") }
            ?? configuration.position(ofClientListener: index, "tls")
        let file = tls.certfile.map { " (certificate file \($0.path))" } ?? ""
        return ReportedProblem(
            file: "", line: UInt32(clamping: place?.line ?? 0), column: UInt32(clamping: place?.column ?? 0),
            path: "listen.c2s[\(index)].tls" + (option.map { ".\($0)" } ?? ""),
            text: "\(problem)\(file): correct the file or the option")
    }

    private static func option(_ part: TLSProblem.Part, _ tls: TLSListenerConfiguration) -> String? {
        switch part {
        case .certificate: "certfile"
        case .privateKey: tls.keyfile == nil ? "certfile" : "keyfile"
        case .ciphers: "ciphers"
        case .versions: "versions"
        case .dhParameters: "dhfile"
        case .certificateAuthorities: "cacertfile"
        case .revocationLists: "crlfiles"
        case .library, .handshake, .session: nil
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
