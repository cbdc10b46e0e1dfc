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
    let registers: Bool
    private let extensions: [String]
    private let clearFeatures: Element
    private let authenticatedFeatures: Element
    private let compressedFeatures: Element

    /// - Parameters:
    ///   - domain: the host's name as `JID.preparedDomain` gives it.
    ///   - mechanisms: what the host's accounts can log in with, in the order to be listed; those that need TLS or
    ///     channel binding are left out where there is none.
    ///   - secret: makes the salts of unknown accounts: the same on all workers and over restarts.
    ///   - iterations: the iteration count of new accounts.
    ///   - registers: whether accounts may be made in band (XEP-0077).
    ///   - certificateRules: how a client certificate becomes a user, in the order of preference.
    ///   - features: what modules add to the features after authentication.
    ///   - extensions: namespaces of top-level elements other than stanzas that modules take from a session.
    public init(
        domain: String, options: StreamOptions, mechanisms: [Mechanism], secret: [UInt8], iterations: Int,
        certificateRules: [CertificateRule] = [.standard], registers: Bool = false, features: [Element] = [],
        extensions: [String] = []
    ) {
        self.domain = domain
        self.options = options
        self.mechanisms = mechanisms
        self.registers = registers
        self.extensions = extensions
        service = SASLService(
            naming: SASLNaming(domain: domain), secret: secret, iterations: iterations, certificateRules: certificateRules)
        clearFeatures = StreamFeatures.beforeAuthentication(
            tls: options.tls, mechanisms: Self.offered(self.mechanisms, options, .clear), bindings: [],
            registers: registers && options.allowsSecretsInClear && options.takesClear)
        compressedFeatures = StreamFeatures.afterAuthentication(
            compresses: false, listsSession: options.listsSession, extra: features)
        authenticatedFeatures =
            options.inflationLimit == nil
            ? compressedFeatures
            : StreamFeatures.afterAuthentication(compresses: true, listsSession: options.listsSession, extra: features)
    }

    /// The features of a stream at this layer (RFC 6120 §4.3.2).
    func features(_ layer: Layer, isCompressed: Bool) -> Element {
        switch layer {
        case .clear: clearFeatures
        case .secured(let bindings, _):
            StreamFeatures.beforeAuthentication(
                tls: .none, mechanisms: offered(layer), bindings: bindings.types, registers: registers)
        case .authenticated: isCompressed ? compressedFeatures : authenticatedFeatures
        }
    }

    /// The mechanisms that a client may choose at this layer.
    func offered(_ layer: Layer) -> [Mechanism] { Self.offered(mechanisms, options, layer) }

    /// What to answer for a mechanism that cannot be chosen at this layer, although perhaps at another.
    func refusal(of mechanism: Mechanism, _ layer: Layer) -> SASLFailure {
        guard mechanisms.contains(mechanism) else { return SASLFailure(.invalidMechanism) }
        if layer == .clear, options.tls != .none { return SASLFailure(.encryptionRequired) }
        return SASLFailure(mechanism.needsCertificate ? .notAuthorized : .invalidMechanism)
    }

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
        _ mechanisms: [Mechanism], _ options: StreamOptions, _ layer: Layer
    ) -> [Mechanism] {
        switch layer {
        case .clear:
            guard options.takesClear else { return [] }
            return mechanisms.filter {
                !$0.bindsChannel && !$0.needsCertificate && (!$0.revealsPassword || options.allowsSecretsInClear)
            }
        case .secured(let bindings, let certificate):
            return mechanisms.filter {
                (!$0.bindsChannel || !bindings.isEmpty) && (!$0.needsCertificate || certificate != nil)
            }
        case .authenticated: return []
        }
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
            password: { Password(given: $0) },
            owner: { address in
                guard let jid = JID(address), jid.isBare, !jid.isDomain, jid.domain == domain else { return nil }
                return jid.local
            })
    }
}
