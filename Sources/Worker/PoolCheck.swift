internal import Configuration
internal import IPC
internal import Network
internal import Pools

/// What only this machine and its libraries can say of the pools that authentication uses.
enum PoolCheck {
    static func problems(_ configuration: ServerConfiguration) -> [ReportedProblem] {
        let methods = Set(configuration.hosts.flatMap { configuration.host($0).authentication.methods })
        let used = configuration.outgoingPools.filter { pool in
            switch pool.kind {
            case .http: methods.contains(.http) && pool.tag == "auth"
            case .rdbms: methods.contains(.rdbms) && pool.tag == "default"
            case .ldap: methods.contains(.ldap)
            }
        }
        return used.flatMap { pool -> [ReportedProblem] in
            let place = configuration.position(of: pool)
            return [OutgoingLibraries.problem(pool.kind), certificateProblem(pool)].compactMap(\.self).map { text in
                ReportedProblem(
                    file: "", line: UInt32(clamping: place?.line ?? 0), column: UInt32(clamping: place?.column ?? 0),
                    path: pool.path, text: text)
            }
        }
    }

    /// Whether the certificate that is shown to the service and its key go together.
    private static func certificateProblem(_ pool: OutgoingPoolConfiguration) -> String? {
        let tls =
            switch pool.connection {
            case .http(let options): options.tls
            case .ldap(let options): options.tls
            case .rdbms(let options): options.tls
            }
        guard let tls, let certificate = tls.certfile else { return nil }
        let options = TLSOptions(
            certificateChain: certificate.contents, privateKey: tls.keyfile?.contents, password: tls.password?.reveal(),
            ciphers: tls.ciphers)
        do throws(TLSProblem) {
            _ = try TLSContext(options: options)
            return nil
        } catch {
            return "\(error) (certificate file \(certificate.path)): correct the file or the option"
        }
    }
}
