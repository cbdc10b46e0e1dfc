internal import Authentication
internal import Configuration
internal import Glibc
internal import IPC

/// What only a library or the system can judge of the methods of authentication.
enum AuthenticationCheck {
    static func problems(_ configuration: ServerConfiguration) -> [ReportedProblem] {
        var problems: [ReportedProblem] = []
        for host in configuration.hosts {
            let options = configuration.host(host).authentication
            for method in options.methods {
                guard let (option, text) = fault(method, options) else { continue }
                let (path, position) = configuration.place(ofAuthentication: option, on: host)
                let problem = ReportedProblem(
                    file: "", line: UInt32(clamping: position?.line ?? 0), column: UInt32(clamping: position?.column ?? 0),
                    path: path, text: text)
                // Hosts may share a section.
                if !problems.contains(problem) { problems.append(problem) }
            }
        }
        return problems
    }

    private static func fault(
        _ method: AuthenticationMethod, _ options: AuthenticationConfiguration
    ) -> (option: String, text: String)? {
        switch method {
        case .jwt: options.jwt.flatMap(fault)
        case .external: options.external.flatMap(fault)
        case .internal, .rdbms, .anonymous, .ldap, .http, .pki, .dummy: nil
        }
    }

    private static func fault(_ options: JWTOptions) -> (option: String, text: String)? {
        do throws(TokenKey.Problem) {
            _ = try TokenKey(options)
            return nil
        } catch {
            return (error.option, error.text)
        }
    }

    private static func fault(_ options: ExternalOptions) -> (option: String, text: String)? {
        let program = ExternalOptions.words(options.program).first ?? ""
        guard access(program, X_OK) != 0 else { return nil }
        let reason = String(cString: strerror(errno))
        return ("external.program", "found \"\(program)\", expected a program that workers can execute (\(reason))")
    }
}
