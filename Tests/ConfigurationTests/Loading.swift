import Configuration

/// Files of a test, by name.
func certificates() -> BundledFiles {
    func pem(_ labels: String...) -> [UInt8] {
        Array(labels.map { "-----BEGIN \($0)-----\nMAo=\n-----END \($0)-----\n" }.joined().utf8)
    }
    return BundledFiles([
        ConfiguredFile(path: "both.pem", contents: pem("CERTIFICATE", "PRIVATE KEY")),
        ConfiguredFile(path: "cert.pem", contents: pem("CERTIFICATE", "CERTIFICATE")),
        ConfiguredFile(path: "key.pem", contents: pem("ENCRYPTED PRIVATE KEY")),
        ConfiguredFile(path: "ca.pem", contents: pem("CERTIFICATE")),
        ConfiguredFile(path: "dh.pem", contents: pem("DH PARAMETERS")),
        ConfiguredFile(path: "crl.pem", contents: pem("X509 CRL")),
        ConfiguredFile(path: "empty.pem", contents: []),
        ConfiguredFile(path: "environment variable JWT_KEY", contents: Array("sesame".utf8)),
        ConfiguredFile(path: "environment variable JWT_SECRET", contents: Array("sesame".utf8)),
        ConfiguredFile(path: "secret.txt", contents: Array("sesame".utf8)),
    ])
}

/// The tree of the options, which each check would make anew if nobody kept it.
private let options = OptionTable.tree()

func load(_ text: String, path: String = "test.toml") -> ConfigurationLoader.Result {
    _ = options
    return ConfigurationLoader.load(text: Array(text.utf8), path: path, files: certificates())
}

/// What a text that must load gives; nil, with every problem recorded by the caller's expectation, if it does not.
func loaded(_ text: String) throws -> (configuration: ServerConfiguration, notes: [Note]) {
    switch load(text) {
    case .loaded(let configuration, let notes): return (configuration, notes)
    case .refused(let problems): throw Refused(problems: problems)
    }
}

struct Refused: Error, CustomStringConvertible {
    let problems: [Problem]
    var description: String { problems.map(\.description).joined(separator: "\n") }
}

func problems(_ text: String) -> [Problem] {
    switch load(text) {
    case .loaded: []
    case .refused(let problems): problems
    }
}

/// The least that a file must have, on one line, so that what follows begins on the second.
let least = "general = { hosts = [\"localhost\"], default_server_domain = \"localhost\" }\n"
