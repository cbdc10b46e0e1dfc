internal import Configuration
internal import IPC
internal import Network

/// A configuration with everything made that only the libraries can judge: it can be put in force without failing.
struct PreparedConfiguration: Sendable {
    let configuration: ServerConfiguration
    /// For each client listener, in the order of the file.
    let tls: [ListenerTLS?]

    init(_ bundle: ConfigurationBundle) throws {
        configuration = try ConfigurationReading.read(bundle)
        tls = try TLSSetup.contexts(configuration)
    }

    /// What a client listener is made of, by its position among its kind, from 0.
    func clientListener(_ position: Int) -> (options: ClientListenerConfiguration, tls: ListenerTLS?)? {
        var clients: [ClientListenerConfiguration] = []
        for case .client(let options) in configuration.listeners { clients.append(options) }
        guard position < clients.count else { return nil }
        return (clients[position], tls[position])
    }
}
