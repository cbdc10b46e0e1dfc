public import Configuration
public import Kernel
internal import Network
internal import SASL
internal import Storage
internal import Telemetry
internal import XML
internal import XMPP

/// XEP-0198: stanzas are acknowledged in both directions, and a session whose connection is lost can be resumed.
///
/// `StreamManagementState` counts and keeps stanzas, `Host.resume` finds a session; this module sets the limits. A change of
/// its options holds for sessions that enable stream management afterwards.
public final class StreamManagement: Module {
    public nonisolated static let name = "mod_stream_management"
    public nonisolated static let implements = [XEP(198, "Stream Management", version: "1.6.1")]

    private let terms: StreamManagementState.Terms
    private let forgetsEvery: Int64?

    public init(options: StreamManagementOptions) {
        terms = StreamManagementState.Terms(
            maxUnacked: options.maxUnacked, stanzasPerRequest: options.requests ? options.stanzasPerRequest : nil,
            resumeMilliseconds: options.buffers ? options.resumeTimeout.wholeMilliseconds : nil,
            resumeCountSeconds: options.keepsCounts ? options.resumeCountLifetime.components.seconds : nil)
        forgetsEvery = options.keepsCounts ? options.forgetsCountsEvery.wholeMilliseconds : nil
    }

    public func install(_ declarations: inout Declarations, on host: Host) {
        declarations.features.afterAuthentication.append { StreamManagementXML.feature }
        declarations.onExtension(StreamManagementXML.namespace) { [terms] element, session in
            Self.take(element, session, terms)
        }
        guard let forgetsEvery else { return }
        let timer = Loop.every(forgetsEvery) { [unowned host] in Self.forget(host) }
        declarations.onUnload { timer.cancel() }
    }

    private static func take(_ element: Element, _ session: Session, _ terms: StreamManagementState.Terms) {
        switch element.name {
        case "enable": enable(element, session, terms)
        case "r": session.receive(.request)
        case "a":
            if let count = StreamManagementXML.handled(element) { return session.receive(.answer(count)) }
            session.close(StreamError(.policyViolation, text: "An acknowledgement without a count"))
        default: session.sendNonza(StreamManagementXML.failed(.unexpectedRequest))
        }
    }

    /// XEP-0198 §3: `<enable/>` a second time ends the stream. It is refused first with `<failed/>`, by which clients that
    /// know MongooseIM recognise it. A session can be resumed only if its client has asked for that.
    private static func enable(_ element: Element, _ session: Session, _ terms: StreamManagementState.Terms) {
        var terms = terms
        let wants = element.attribute("resume", equals: "true") || element.attribute("resume", equals: "1")
        if !wants { terms.resumeMilliseconds = nil }
        if let timeout = terms.resumeMilliseconds, let preferred = element["max"].flatMap({ Int64($0) }), preferred > 0 {
            terms.resumeMilliseconds = preferred < timeout / 1000 ? preferred * 1000 : timeout
        }
        let key = terms.resumeMilliseconds == nil ? "" : Base64.encode(RandomPool.take(StreamManagementState.keyLength))
        guard session.enableAcknowledgements(terms, key: key) != nil else {
            session.sendNonza(StreamManagementXML.failed(.unexpectedRequest))
            return session.close(StreamError(.policyViolation, text: "Stream management is enabled already"))
        }
        let name = terms.resumeMilliseconds == nil ? nil : Host.resumptionName(key: key, resource: session.jid.resource)
        session.sendNonza(StreamManagementXML.enabled(id: name, seconds: terms.resumeMilliseconds.map { $0 / 1000 }))
    }

    private static func forget(_ host: Host) {
        Loop.spawn {
            do throws(StorageError) {
                try await host.server.store.sessionCounts.forget(expiredBy: ClockText.now)
            } catch {
                Log.error("cannot forget the counts of old sessions", [Field("error", error)])
            }
        }
    }
}

/// `[modules.mod_stream_management]`.
public struct StreamManagementOptions: ModuleOptionSet {
    var buffers = true
    var maxUnacked: Int? = 100
    var requests = true
    var stanzasPerRequest = 1
    var resumeTimeout = Duration.seconds(600)
    var keepsCounts = false
    var forgetsCountsEvery = Duration.seconds(1800)
    var resumeCountLifetime = Duration.seconds(3600)

    public static let keys: [ModuleOption<Self>] = [
        .init("buffer", \.buffers), .init("buffer_max", \.maxUnacked), .init("ack", \.requests),
        .init("ack_freq", \.stanzasPerRequest),
        .init("resume_timeout", \.resumeTimeout), .init("stale_h.enabled", \.keepsCounts),
        .init("stale_h.repeat_after", \.forgetsCountsEvery), .init("stale_h.geriatric", \.resumeCountLifetime),
    ]

    public init() {}
}
