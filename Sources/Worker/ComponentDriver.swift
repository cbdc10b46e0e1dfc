internal import Configuration
internal import Kernel
internal import Network
internal import SharedState
internal import Streams
internal import Telemetry
internal import XML
internal import XMPP

/// Drives one component's stream: its parts become events of `ComponentStream`, and what that decides is carried out here.
@LoopActor
final class ComponentDriver {
    /// Milliseconds that a component gets to close its side after the server's.
    private static let lingerMilliseconds: Int64 = 1_000

    let carrier: any StreamCarrier
    private let listener: ComponentListener
    private var stream = ComponentStream()
    private var component: Component?
    private var timer: Loop.Timer?

    init(_ carrier: any StreamCarrier, listener: ComponentListener) {
        self.carrier = carrier
        self.listener = listener
        carrier.setRate(listener.rate)
        restartClock()
    }

    // MARK: What the stream decides

    private func handle(_ event: ComponentStream.Event) {
        for action in stream.handle(event) { perform(action) }
    }

    private func perform(_ action: ComponentStream.Action) {
        switch action {
        case .open(let domain, let id):
            carrier.write(markup: StreamMarkup.componentHeader(from: domain, id: id ?? StreamMarkup.randomName()))
        case .register(let domain, let isSubdomain): register(domain, isSubdomain)
        case .accept: carrier.write(markup: StreamMarkup.handshake)
        case .deliver(let element): component?.receive(element)
        case .authenticationFailed(let domain):
            report("component refused", [Field("component", domain), Field("reason", "wrong handshake")])
        case .restartClock: restartClock()
        case .stopClock: stopClock()
        case .close(let error): finish(error)
        case .drop:
            endComponent()
            carrier.drop()
        }
    }

    private func register(_ domain: String, _ isSubdomain: Bool) {
        let options = listener.options
        let registration = listener.server.components.register(
            domain, isSubdomain: isSubdomain, connection: carrier.id, terms: listener.terms, stream: carrier,
            replaces: options.conflictBehaviour == .kickOld, now: WallClock.seconds)
        switch registration {
        case .registered(let component):
            self.component = component
            carrier.limits = listener.limits
            report("component registered", [Field("component", domain)])
            handle(.registered)
        case .conflict(let taken):
            report("component refused", [Field("component", domain), Field("reason", "\(taken) is served already")])
            handle(.refused(StreamError(.conflict, text: "\(taken) is served already")))
        case .full:
            report("component refused", [Field("component", domain), Field("reason", "too many components")])
            handle(.refused(StreamError(.resourceConstraint, text: "There are too many components")))
        }
    }

    private func restartClock() {
        stopClock()
        guard let time = listener.stepTimeoutMilliseconds else { return }
        timer = Loop.after(time) { [self] in handle(.timeout) }
    }

    private func stopClock() {
        timer?.cancel()
        timer = nil
    }

    private func finish(_ error: StreamError?) {
        stopClock()
        endComponent()
        if let error {
            listener.shared.cell?.add(.streamErrors)
            report("stream error", [Field("condition", error.condition.rawValue), Field("text", error.text ?? "")])
            carrier.write(error.element)
        }
        carrier.finish(lingering: Self.lingerMilliseconds)
    }

    private func endComponent() {
        guard let component else { return }
        self.component = nil
        component.end()
    }

    private func report(_ event: @autoclosure () -> String, _ fields: @autoclosure () -> [Field]) {
        guard Log.isEnabled(.info) else { return }
        Log.info(
            event(),
            [
                Field("connection", carrier.id), Field("listener", listener.options.place), Field("address", carrier.address),
            ] + fields())
    }
}

extension ComponentDriver: StreamDriver {
    var progress: StreamProgress {
        if stream.isClosed { return .closed }
        return stream.isWaiting ? .waiting : .ready
    }

    var queueBound: Int? { listener.options.maxFSMQueue }

    func receivedHeader(_ header: StreamHeader) {
        handle(.header(header, id: StreamMarkup.randomName(), password: listener.options.password.reveal()))
    }

    func takes(_ bytes: UnsafeRawBufferPointer) -> Bool { false }
    func receivedElement(_ element: Element) { handle(.element(element)) }
    func receivedFooter() { handle(.footer) }
    func receivedMalformed(_ malformed: Malformed) { handle(.malformed(malformed)) }
    func receivedAll() { listener.pauseIfCongested(self) }
    func secured() {}
    func drained() { component?.streamDidDrain() }
    func end(_ error: StreamError?) { handle(.close(error)) }

    func release(_ error: StreamError?) {
        if let error { end(error) } else { handle(.disconnected) }
    }

    func peerEnded() { handle(.disconnected) }

    func carrierClosed(_ reason: CloseReason) {
        let domain = component?.jid
        handle(.disconnected)
        endComponent()
        stopClock()
        report("connection closed", [Field("reason", reason)] + (domain.map { [Field("component", $0)] } ?? []))
        listener.closed(self)
    }
}

extension ComponentDriver: AcceptedStream {
    var isClosed: Bool { stream.isClosed }
    /// A component is no session; it is closed with its listener.
    var hasSession: Bool { false }

    func isOpen(to host: Host) -> Bool { false }

    func followOptions() {
        guard !stream.isClosed else { return }
        carrier.setRate(listener.rate)
        component?.apply(listener.terms)
        if component != nil { carrier.limits = listener.limits }
    }
}
