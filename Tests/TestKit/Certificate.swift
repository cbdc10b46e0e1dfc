import Foundation

/// A self-made certificate for localhost with its key, in files. Making one takes `openssl`.
public struct Certificate: Sendable {
    public let certificate: String
    public let key: String

    /// Makes one in a directory.
    /// - Parameter address: an IP address that it is good for instead of the name.
    public init(
        in directory: ScratchDirectory, name: String = "cert", commonName: String = "localhost", address: String? = nil
    ) throws {
        guard let openssl = Programs.installed("openssl") else { throw TestFailure("openssl is not installed") }
        certificate = directory.file("\(name).pem")
        key = directory.file("\(name)-key.pem")
        let alternative = address.map { "IP:\($0)" } ?? "DNS:\(commonName)"
        let outcome = try ChildProcess.run(
            openssl,
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", "/CN=\(commonName)", "-addext", "subjectAltName=\(alternative)", "-keyout", key, "-out", certificate,
            ])
        guard outcome.status == 0 else { throw TestFailure("openssl made no certificate: \(outcome.error)") }
    }
}
