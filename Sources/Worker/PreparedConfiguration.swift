internal import Configuration
internal import IPC
internal import Network

/// A configuration with everything made that only the libraries can judge: it can be put in force without failing.
struct PreparedConfiguration: Sendable {
    let configuration: ServerConfiguration
    /// For each listener of `configuration`, in its order.
    let tls: [ListenerTLS?]
    let federationTLS: FederationTLS

    init(_ bundle: ConfigurationBundle) throws {
        configuration = try ConfigurationReading.read(bundle)
        tls = try TLSSetup.contexts(configuration)
        federationTLS = try TLSSetup.federation(configuration)
    }

    /// What a client listener is made of, by its position among its kind, from 0.
    func clientListener(_ position: Int) -> (options: ClientListenerConfiguration, tls: ListenerTLS?)? {
        var clients: [(options: ClientListenerConfiguration, tls: ListenerTLS?)] = []
        for case (.client(let options), let tls) in zip(configuration.listeners, tls) { clients.append((options, tls)) }
        return position < clients.count ? clients[position] : nil
    }

    /// What a listener for other servers is made of, by its position among its kind, from 0.
    func serverListener(_ position: Int) -> (options: ServerListenerConfiguration, tls: ListenerTLS?)? {
        var servers: [(options: ServerListenerConfiguration, tls: ListenerTLS?)] = []
        for case (.server(let options), let tls) in zip(configuration.listeners, tls) { servers.append((options, tls)) }
        return position < servers.count ? servers[position] : nil
    }

    /// What a listener for components is made of, by its position among its kind, from 0.
    func componentListener(_ position: Int) -> (options: ComponentListenerConfiguration, tls: ListenerTLS?)? {
        var components: [(options: ComponentListenerConfiguration, tls: ListenerTLS?)] = []
        for case (.component(let options), let tls) in zip(configuration.listeners, tls) { components.append((options, tls)) }
        return position < components.count ? components[position] : nil
    }
}
