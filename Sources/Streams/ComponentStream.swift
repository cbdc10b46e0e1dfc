internal import SASL
public import XML
public import XMPP

/// The stream of an external component, from its header to its end (XEP-0114), on the side of the server.
///
/// Pure: no socket, no clock, no await. The shell executes the actions in order and hands their answers back as events.
/// Elements are in `jabber:client`, whatever the stream's own namespace is. After the end every event is ignored.
public struct ComponentStream: Sendable {
    /// Namespace of a component's stream.
    public static let namespace = "jabber:component:accept"

    public enum Event: Sendable {
        /// A header, a fresh id for the response, which cannot be guessed, and the listener's password.
        case header(StreamHeader, id: String, password: String)
        case element(Element)
        case footer
        /// What came is not XML, or more than the limits allow.
        case malformed(Malformed)
        /// An answer to `register`: from now on the domain is the component's.
        case registered
        /// The other answer to `register`.
        case refused(StreamError)
        /// The clock of `restartClock` ran out.
        case timeout
        /// The server ends the stream: shutdown, replacement, policy.
        case close(StreamError?)
        /// The connection is gone.
        case disconnected
    }

    public enum Action: Equatable, Sendable {
        /// Write a header from the domain that the component named, with this id; nil: any that cannot be guessed.
        case open(from: String?, id: String?)
        /// The component knows the password: let it have the domain, and answer `registered` or `refused`.
        /// `isSubdomain`: it wants the name below each host.
        case register(String, isSubdomain: Bool)
        /// Write the empty handshake by which the server accepts.
        case accept
        case deliver(Element)
        /// The proof was wrong. For the log and for limits by address.
        case authenticationFailed(String)
        case restartClock
        case stopClock
        /// The end: write the error, if any, and the footer; close when they are flushed.
        case close(StreamError?)
        /// The end: close without another byte.
        case drop
    }

    private enum State: Sendable {
        case opening
        case handshaking(domain: String, isSubdomain: Bool, id: String, password: String)
        case registering
        case established
        case closed
    }

    private var state = State.opening

    public init() {}

    /// Whether an answer of the shell is awaited, so that nothing from the component may be handed in.
    public var isWaiting: Bool { if case .registering = state { true } else { false } }
    public var isClosed: Bool { if case .closed = state { true } else { false } }
    public var isEstablished: Bool { if case .established = state { true } else { false } }

    /// What is to be done after `event`. The end comes as `close` or `drop`, once.
    public mutating func handle(_ event: Event) -> [Action] {
        switch (event, state) {
        case (_, .closed): return []
        case (.disconnected, _): return end(.drop)
        case (.close(let error), _): return finish(error)
        case (.timeout, _): return finish(StreamError(.connectionTimeout))
        case (.malformed(let malformed), _): return finish(StreamError(malformed: malformed))
        case (.footer, _): return end(.close(nil))
        case (.header(let header, let id, let password), .opening): return opened(header, id, password)
        case (.element(let element), .handshaking(let domain, let isSubdomain, let id, let password)):
            return shakeHands(element, domain, isSubdomain, id, password)
        case (.registered, .registering):
            state = .established
            return [.accept, .stopClock]
        case (.refused(let error), .registering): return end(.close(error))
        case (.element(let element), .established): return received(element)
        case (.header, _): return fail(.policyViolation, "A header out of place")
        case (.element, _), (.registered, _), (.refused, _): return fail(.internalServerError)
        }
    }

    private mutating func opened(_ header: StreamHeader, _ id: String, _ password: String) -> [Action] {
        let domain = header["to"].flatMap { JID.preparedDomain($0) }
        let response = Action.open(from: domain, id: id)
        if let error = Self.fault(in: header) { return end(.close(error), after: [response]) }
        guard let domain else {
            let isMissing = (header["to"] ?? "").isEmpty
            return end(.close(StreamError(isMissing ? .hostUnknown : .improperAddressing)), after: [response])
        }
        state = .handshaking(domain: domain, isSubdomain: header["is_subdomain"] == "true", id: id, password: password)
        return [response, .restartClock]
    }

    private static func fault(in header: StreamHeader) -> StreamError? {
        guard header.namespace == Namespace.stream else { return StreamError(.invalidNamespace) }
        guard header.name == "stream" else { return StreamError(.badFormat, text: "The root element is not a stream") }
        return header.namespaces.content == namespace ? nil : StreamError(.invalidNamespace)
    }

    private mutating func shakeHands(
        _ element: Element, _ domain: String, _ isSubdomain: Bool, _ id: String, _ password: String
    ) -> [Action] {
        guard element.is("handshake", Namespace.client) else { return fail(.notAuthorized, "A handshake comes first") }
        guard ComponentHandshake.isValid(element.text, id: id, password: password) else {
            state = .closed
            return [.authenticationFailed(domain), .close(StreamError(.notAuthorized, text: "The handshake is wrong"))]
        }
        state = .registering
        return [.stopClock, .register(domain, isSubdomain: isSubdomain)]
    }

    private mutating func received(_ element: Element) -> [Action] {
        if Stanza.kind(of: element) != nil { return [.deliver(element)] }
        if element.is("error", Namespace.stream) { return end(.close(nil)) }
        return fail(.unsupportedStanzaType)
    }

    private mutating func fail(_ condition: StreamError.Condition, _ text: String? = nil) -> [Action] {
        end(.close(StreamError(condition, text: text)))
    }

    /// Ends the stream, whose header may not have been written.
    private mutating func finish(_ error: StreamError?) -> [Action] {
        let isOpening = if case .opening = state { true } else { false }
        return end(.close(error), after: isOpening ? [.open(from: nil, id: nil)] : [])
    }

    private mutating func end(_ last: Action, after actions: [Action] = []) -> [Action] {
        state = .closed
        return actions + [last]
    }
}
