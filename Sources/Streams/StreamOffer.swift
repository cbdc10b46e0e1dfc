public import SASL
public import XML
internal import XMPP

/// What one host offers to the clients of one listener: the streams of both share one.
///
/// It is the answer to a header's `to`. After a change of configuration new headers get a new offer; streams that
/// have one keep it.
public final class StreamOffer: Sendable {
    /// The host's name, prepared.
    public let domain: String
    let options: StreamOptions
    let service: SASLService
    private let mechanisms: [Mechanism]
    private let registers: Bool
    private let extensions: [String]
    private let clearFeatures: Element
    private let authenticatedFeatures: Element

    /// - Parameters:
    ///   - domain: the host's name as `JID.preparedDomain` gives it.
    ///   - mechanisms: what the host's accounts can log in with, in the order to be listed; those that need TLS or
    ///     channel binding are left out where there is none.
    ///   - secret: makes the salts of unknown accounts: the same on all workers and over restarts.
    ///   - iterations: the iteration count of new accounts.
    ///   - registers: whether accounts may be made in band (XEP-0077).
    ///   - features: what modules add to the features after authentication.
    ///   - extensions: namespaces of top-level elements other than stanzas that modules take from a session.
    public init(
        domain: String, options: StreamOptions, mechanisms: [Mechanism], secret: [UInt8], iterations: Int,
        registers: Bool = false, features: [Element] = [], extensions: [String] = []
    ) {
        self.domain = domain
        self.options = options
        self.mechanisms = mechanisms.filter(\.isSupported)
        self.registers = registers
        self.extensions = extensions
        service = SASLService(naming: SASLNaming(domain: domain), secret: secret, iterations: iterations)
        clearFeatures = StreamFeatures.beforeAuthentication(
            tls: options.tls, mechanisms: Self.offered(self.mechanisms, options, bindings: nil), bindings: [],
            registers: registers && options.allowsSecretsInClear && options.takesClear)
        authenticatedFeatures = StreamFeatures.afterAuthentication(listsSession: options.listsSession, extra: features)
    }

    /// The features of a stream at this layer (RFC 6120 §4.3.2).
    func features(_ layer: Layer) -> Element {
        switch layer {
        case .clear: clearFeatures
        case .secured(let bindings):
            StreamFeatures.beforeAuthentication(
                tls: .none, mechanisms: offered(layer), bindings: bindings.types, registers: registers)
        case .authenticated: authenticatedFeatures
        }
    }

    /// The mechanisms that a client may choose at this layer.
    func offered(_ layer: Layer) -> [Mechanism] {
        switch layer {
        case .clear: Self.offered(mechanisms, options, bindings: nil)
        case .secured(let bindings): Self.offered(mechanisms, options, bindings: bindings)
        case .authenticated: []
        }
    }

    /// Whether TLS would make this mechanism choosable.
    func needsTLS(_ mechanism: Mechanism) -> Bool { options.tls != .none && mechanisms.contains(mechanism) }

    /// Whether registration is offered at this layer.
    func registers(_ layer: Layer) -> Bool {
        switch layer {
        case .clear: registers && options.allowsSecretsInClear && options.takesClear
        case .secured: registers
        case .authenticated: false
        }
    }

    /// Whether a module takes elements of this one's namespace.
    func takes(_ element: Element) -> Bool { extensions.contains { element.isIn($0) } }

    private static func offered(
        _ mechanisms: [Mechanism], _ options: StreamOptions, bindings: ChannelBindings?
    ) -> [Mechanism] {
        guard let bindings else {
            guard options.takesClear else { return [] }
            return mechanisms.filter { !$0.bindsChannel && (!$0.revealsPassword || options.allowsSecretsInClear) }
        }
        return bindings.isEmpty ? mechanisms.filter { !$0.bindsChannel } : mechanisms
    }
}

extension StreamOptions {
    /// Whether anything but TLS is offered to a client without TLS.
    var takesClear: Bool {
        switch tls {
        case .none, .optional: true
        case .required, .direct: false
        }
    }
}

extension SASLNaming {
    /// How accounts of a host compare: user names and passwords by RFC 8265, identities as addresses.
    init(domain: String) {
        self.init(
            user: { JID.preparedLocal($0) },
            password: { PRECIS.opaqueString($0).map { Password(prepared: $0) } },
            isOwn: { JID($0) == JID.prepared(local: $1, domain: domain) })
    }
}
