import SASL
import Streams
import XML
import XMPP

typealias Action = ClientStream.Action
typealias Event = ClientStream.Event

let romeo = JID.prepared(local: "romeo", domain: "example.net")
let orchard = JID.prepared(local: "romeo", domain: "example.net", resource: "orchard")
let bindings = ChannelBindings(exporter: Array("exported".utf8), serverEndPoint: Array("certificate".utf8))
let nonce = [UInt8](repeating: 9, count: 18)

/// XML as a client writes it into a stream with the usual header.
func xml(_ text: String) -> Element {
    do {
        return try Array(text.utf8).withUnsafeBytes {
            try ElementParser().element($0, in: .client, limits: Limits(bytes: 100_000))
        }
    } catch {
        preconditionFailure("\(error) in \(text)")
    }
}

/// A header as a client writes it; `to` and `version` as given, or left out.
func header(
    to: String? = "example.net", version: String? = "1.0", from: String? = nil, content: String = "jabber:client",
    name: String = "stream", streams: String = "http://etherx.jabber.org/streams", language: String? = nil
) -> StreamHeader {
    var text = "<stream:\(name) xmlns='\(content)' xmlns:stream='\(streams)'"
    for (key, value) in [("to", to), ("version", version), ("from", from), ("xml:lang", language)] {
        if let value { text += " \(key)='\(value)'" }
    }
    do {
        return try Array((text + ">").utf8).withUnsafeBytes { try ElementParser().header($0, limits: Limits(bytes: 10_000)) }
    } catch {
        preconditionFailure("\(error) in \(text)")
    }
}

func options(_ tls: StreamOptions.TLSMode, change: (inout StreamOptions) -> Void = { _ in }) -> StreamOptions {
    var options = StreamOptions(tls: tls, defaultDomain: "default.example")
    change(&options)
    return options
}

func offer(
    _ options: StreamOptions, domain: String = "example.net", mechanisms: [Mechanism]? = nil, registers: Bool = false,
    features: [Element] = []
) -> StreamOffer {
    StreamOffer(
        domain: domain, options: options,
        mechanisms: mechanisms ?? [.scram(.sha256, plus: true), .scram(.sha256, plus: false), .plain], secret: [1, 2, 3],
        iterations: 4096, registers: registers, features: features, extensions: ["urn:xmpp:csi:0"])
}

/// A stream, the offer that its headers get, and what came of the last event.
struct Conversation {
    var stream: ClientStream
    let offered: StreamOffer

    init(_ tls: StreamOptions.TLSMode = .none, registers: Bool = false, change: (inout StreamOptions) -> Void = { _ in }) {
        let options = options(tls, change: change)
        stream = ClientStream(options: options)
        offered = offer(options, registers: registers)
    }

    mutating func handle(_ event: Event) -> [Action] { stream.handle(event) }

    /// What an element from the client leads to.
    mutating func say(_ text: String) -> [Action] { stream.handle(.element(xml(text))) }

    mutating func open() -> [Action] { stream.handle(.header(header(), offered)) }

    /// Past the first features.
    static func opened(
        _ tls: StreamOptions.TLSMode = .none, registers: Bool = false, change: (inout StreamOptions) -> Void = { _ in }
    ) -> Conversation {
        var conversation = Conversation(tls, registers: registers, change: change)
        _ = conversation.open()
        return conversation
    }

    /// Past STARTTLS and the features after it.
    static func secured(_ bindings: ChannelBindings = bindings, registers: Bool = false) -> Conversation {
        var conversation = Conversation.opened(.required, registers: registers)
        _ = conversation.say(starttls)
        _ = conversation.handle(.secured(bindings))
        _ = conversation.open()
        return conversation
    }

    /// Past the password, before the header after it.
    static func authenticated(change: (inout StreamOptions) -> Void = { _ in }) -> Conversation {
        var conversation = Conversation.opened(change: change)
        _ = conversation.say(auth("PLAIN", "\0romeo\0pencil"))
        _ = conversation.handle(.verdict(.accepted))
        return conversation
    }

    /// Past the features that list binding.
    static func bindable(change: (inout StreamOptions) -> Void = { _ in }) -> Conversation {
        var conversation = Conversation.authenticated(change: change)
        _ = conversation.open()
        return conversation
    }

    static func established() -> Conversation {
        var conversation = Conversation.bindable()
        _ = conversation.say(bind())
        _ = conversation.handle(.bound(orchard))
        return conversation
    }
}

let starttls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
let zlib = "<compress xmlns='\(Namespace.compression)'><method>zlib</method></compress>"
let session = "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>"

func auth(_ mechanism: String, _ message: String) -> String {
    "<auth xmlns='\(Namespace.sasl)' mechanism='\(mechanism)'>\(Base64.encode(Array(message.utf8)))</auth>"
}

func authRaw(_ mechanism: String, _ text: String) -> String {
    "<auth xmlns='\(Namespace.sasl)' mechanism='\(mechanism)'>\(text)</auth>"
}

func response(_ text: String) -> String { "<response xmlns='\(Namespace.sasl)'>\(text)</response>" }

func bind(_ resource: String? = nil, id: String = "b1") -> String {
    let inner = resource.map { "<resource>\($0)</resource>" } ?? ""
    return "<iq type='set' id='\(id)'><bind xmlns='\(Namespace.bind)'>\(inner)</bind></iq>"
}

func failure(_ condition: String, text: String? = nil) -> Action {
    let words = text.map { "<text xml:lang='en'>\($0)</text>" } ?? ""
    return .send(xml("<failure xmlns='\(Namespace.sasl)'><\(condition)/>\(words)</failure>"))
}

/// The name of the SASL condition that was sent, if any.
func saslCondition(_ actions: [Action]) -> String? {
    for case .send(let element) in actions where element.is("failure", Namespace.sasl) { return element.firstChild?.name }
    return nil
}

/// The end among these actions: `close(condition)`, `close`, `drop`, or nil for none.
func end(_ actions: [Action]) -> String? {
    for action in actions {
        switch action {
        case .close(let error?): return error.condition.rawValue
        case .close(nil): return "close"
        case .drop: return "drop"
        default: continue
        }
    }
    return nil
}
