internal import CAres
internal import Glibc

/// One question on its way to the name servers and back, by c-ares. Whoever drives it waits for its descriptors and its time,
/// and calls `proceed`.
///
/// Each question has a channel of its own, and so a port of its own, which nobody can guess from another question; and
/// `/etc/resolv.conf` is read as it is now. It belongs to one thread.
public final class DNSQuery {
    public typealias Outcome = Result<DNSAnswer, DNSFailure>
    /// What is waited for at a descriptor from now on; neither: it is about to be closed.
    public typealias Watch = (_ descriptor: Int32, _ reads: Bool, _ writes: Bool) -> Void

    /// In so many parts a try is divided; the question is sent again after the first, and then after twice as long each time.
    private static let partsOfTry: Int64 = 4
    /// How often each name server is asked within a try, at most.
    private static let sendsPerTry: Int32 = 3

    private let question: DNSQuestion
    private let options: ResolverOptions
    private let state: State
    /// c-ares' object; owned. Nil before the first and after the last try.
    private var channel: OpaquePointer?
    private var triesLeft: Int
    /// When the try is over, in milliseconds of the system's monotonic clock.
    private var tryEnds: Int64 = 0

    public init(_ question: DNSQuestion, _ options: ResolverOptions, watch: @escaping Watch) {
        self.question = question
        self.options = options
        state = State(question.kind, watch)
        triesLeft = max(1, options.tries)
        if DNSName.isLegal(question.name) { beginTry() } else { state.outcome = .failure(.badName) }
        settle()
    }

    deinit { end() }

    /// Nil as long as nothing is known.
    public var outcome: Outcome? { state.outcome }

    /// How long to wait for the descriptors before `proceed()` is to be called all the same.
    public var waitMilliseconds: Int64 {
        guard let channel else { return 0 }
        let rest = max(0, tryEnds - Self.now), wait = cares_wait(channel)
        return wait < 0 ? rest : min(rest, wait)
    }

    /// Does what the descriptors allow, and what it is time for.
    public func proceed(readable: Int32? = nil, writable: Int32? = nil) {
        guard let channel, outcome == nil else { return }
        cares_proceed(channel, readable ?? -1, writable ?? -1)
        if outcome == nil, Self.now >= tryEnds {
            end()
            if triesLeft > 0 { beginTry() } else { state.outcome = .failure(.timeout) }
        }
        settle()
    }

    /// Gives up; there is no outcome then, unless there was one.
    public func cancel() {
        triesLeft = 0
        end()
    }

    // MARK: c-ares

    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    private func beginTry() {
        triesLeft -= 1
        tryEnds = Self.now + max(1, Int64(options.timeout / .milliseconds(1)))
        open()
    }

    private func open() {
        let milliseconds = max(1, tryEnds - Self.now)
        let servers = options.servers.isEmpty ? nil : options.servers.map(\.description).joined(separator: ",")
        let pointer = Unmanaged.passUnretained(state).toOpaque()
        let firstWait = Int32(clamping: max(1, milliseconds / Self.partsOfTry))
        let status = cares_open(
            &channel, firstWait, Self.sendsPerTry, servers, state.keepsRefusals ? 1 : 0,
            { state, descriptor, reads, writes in
                guard let state else { return }
                Unmanaged<State>.fromOpaque(state).takeUnretainedValue().watch(descriptor, reads != 0, writes != 0)
            }, pointer)
        guard let channel else { return state.answered(status, nil, 0) }
        cares_ask(
            channel, question.name, Int32(question.kind.rawValue),
            { state, status, bytes, length in
                guard let state else { return }
                Unmanaged<State>.fromOpaque(state).takeUnretainedValue().answered(status, bytes, length)
            }, pointer)
    }

    private func settle() {
        if state.isWithoutReason, outcome == nil {
            // Asked once more, whoever refused says so.
            (state.isWithoutReason, state.keepsRefusals) = (false, true)
            end()
            open()
        }
        if outcome != nil { end() }
    }

    private func end() {
        guard let channel else { return }
        self.channel = nil
        // Tells the question that its channel is no more, and the driver that its descriptors are not.
        cares_close(channel)
    }
}

extension DNSQuery {
    /// What c-ares is given to call back. It outlives the channel.
    fileprivate final class State {
        /// Bytes of an answer above which it is not read: records of a service have some hundred. Compressed names make
        /// reading a longer one work.
        static let answerLimit = 16_384

        let kind: DNSQuestion.Kind
        let watch: Watch
        var outcome: Outcome?
        /// All servers have been passed over, and it is not known why.
        var isWithoutReason = false
        var keepsRefusals = false

        init(_ kind: DNSQuestion.Kind, _ watch: @escaping Watch) {
            self.kind = kind
            self.watch = watch
        }

        func answered(_ status: Int32, _ bytes: UnsafePointer<UInt8>?, _ length: Int) {
            guard outcome == nil else { return }
            let meaning = cares_meaning_of(status)
            // The time for the whole try is the limit: c-ares has only been through its own.
            if meaning == cares_end || meaning == cares_timeout { return }
            if meaning == cares_unreachable, !keepsRefusals { return isWithoutReason = true }
            guard meaning == cares_ok, let bytes else { return outcome = .failure(Self.failure(status)) }
            guard length <= Self.answerLimit else { return outcome = .failure(.malformed) }
            switch kind {
            case .ipv4: outcome = addresses(bytes, length, isIPv6: false)
            case .ipv6: outcome = addresses(bytes, length, isIPv6: true)
            case .service: outcome = services(bytes, length)
            }
        }

        private func addresses(_ bytes: UnsafePointer<UInt8>, _ length: Int, isIPv6: Bool) -> Outcome {
            let size = isIPv6 ? 16 : 4
            var room = [UInt8](repeating: 0, count: size * DNSAnswer.addressLimit)
            var count = 0
            let status = cares_read_addresses(bytes, length, isIPv6 ? 1 : 0, &room, DNSAnswer.addressLimit, &count)
            guard cares_meaning_of(status) == cares_ok else { return .failure(Self.failure(status)) }
            let found = (0..<count).compactMap { InternetAddress(bytes: room[($0 * size)..<(($0 + 1) * size)]) }
            return found.isEmpty ? .failure(.noData) : .success(DNSAnswer(addresses: found))
        }

        /// What has been read of services.
        private final class Services {
            var found: [ServiceRecord] = []
            var count = 0

            func take(_ priority: UInt16, _ weight: UInt16, _ port: UInt16, _ target: String) {
                count += 1
                // The root's name has no text.
                guard target.isEmpty || target == "." || DNSName.isLegal(target) else { return }
                let name = target.isEmpty ? "." : target.lowercased()
                found.append(ServiceRecord(priority: priority, weight: weight, port: port, target: name))
            }
        }

        private func services(_ bytes: UnsafePointer<UInt8>, _ length: Int) -> Outcome {
            let services = Services()
            let status = cares_read_services(
                bytes, length,
                { services, priority, weight, port, target in
                    guard let services, let target else { return }
                    let text = String(cString: target)
                    Unmanaged<Services>.fromOpaque(services).takeUnretainedValue().take(priority, weight, port, text)
                }, Unmanaged.passUnretained(services).toOpaque())
            guard cares_meaning_of(status) == cares_ok else { return .failure(Self.failure(status)) }
            if services.found.isEmpty { return .failure(services.count == 0 ? .noData : .malformed) }
            return .success(DNSAnswer(services: services.found))
        }

        static func failure(_ status: Int32) -> DNSFailure {
            switch cares_meaning_of(status) {
            case cares_no_name: .noSuchName
            case cares_no_data: .noData
            case cares_timeout: .timeout
            case cares_unreachable: .unreachable
            case cares_refused: .refused
            case cares_server_failure: .serverFailure
            case cares_malformed: .malformed
            case cares_bad_name: .badName
            default: .system(cares_text(status).map { String(cString: $0) } ?? "status \(status)")
            }
        }
    }
}
