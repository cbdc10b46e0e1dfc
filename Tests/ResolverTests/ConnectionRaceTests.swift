import Testing

@testable import Resolver

/// Transcripts: what happens at which millisecond, and what is to be done.
@Suite(.timeLimit(.minutes(1)))
struct ConnectionRaceTests {
    private static let limits = ConnectionRace.Limits(headStart: .milliseconds(250), attempt: .seconds(10), whole: .seconds(30))
    private static let a = ServerTarget(.name("a"), port: 1)
    private static let b = ServerTarget(.name("b"), port: 2)

    private static func addresses(_ texts: [String]) -> [InternetAddress] { texts.compactMap { InternetAddress($0) } }

    private final class Track {
        var race: ConnectionRace
        init(_ targets: [ServerTarget], _ families: [AddressFamily] = [.ipv6, .ipv4]) {
            race = ConnectionRace(targets, families: families, limits: ConnectionRaceTests.limits)
        }

        func at(_ now: Int64, _ event: ConnectionRace.Event) -> [String] { race.handle(event, now: now).map(Self.text) }

        func found(_ now: Int64, _ texts: String...) -> [String] { at(now, .found(ConnectionRaceTests.addresses(texts))) }

        private static func text(_ action: ConnectionRace.Action) -> String {
            switch action {
            case .lookUp(let name): "look up \(name)"
            case .begin(let attempt): "\(attempt.number) to \(attempt.address)"
            case .abandon(let number): "abandon \(number)"
            case .wake(let time): "wake \(time)"
            case .win(let attempt): "win \(attempt.number)"
            case .giveUp: "give up"
            }
        }
    }

    @Test("both families in turn, the preferred one first, each with its head start")
    func families() {
        let track = Track([Self.a])
        #expect(track.at(0, .started) == ["look up a", "wake 30000"])
        #expect(track.found(10, "192.0.2.1", "192.0.2.2", "2001:db8::1") == ["1 to 2001:db8::1", "wake 260"])
        #expect(track.at(100, .timePassed) == [])
        #expect(track.at(260, .timePassed) == ["2 to 192.0.2.1", "wake 510"])
        #expect(track.at(300, .connected(2)) == ["abandon 1", "win 2"])
        #expect(track.race.record.map(\.result) == [.connected, .abandoned])
        #expect(track.at(310, .connected(1)) == [] && track.at(400, .timePassed) == [])
    }

    @Test("an attempt that fails lets the next begin at once")
    func failureIsFast() {
        let track = Track([Self.a])
        _ = track.at(0, .started)
        _ = track.found(0, "2001:db8::1", "192.0.2.1")
        #expect(track.at(5, .failed(1, reason: "refused")) == ["2 to 192.0.2.1", "wake 10005"])
        #expect(track.at(9, .connected(2)) == ["win 2"])
    }

    @Test("the next target comes when all addresses of one have failed, and not before")
    func targets() {
        let track = Track([Self.a, Self.b])
        _ = track.at(0, .started)
        _ = track.found(0, "2001:db8::1", "192.0.2.1")
        #expect(track.at(250, .timePassed) == ["2 to 192.0.2.1", "wake 10000"])
        #expect(track.at(260, .failed(2, reason: "refused")) == [])
        #expect(track.at(10_000, .timePassed) == ["abandon 1", "look up b", "wake 30000"])
        #expect(track.found(10_001, "192.0.2.9") == ["3 to 192.0.2.9", "wake 20001"])
        #expect(track.at(10_002, .failed(3, reason: "refused")) == ["give up"])
        #expect(
            track.race.record.map(\.result) == [.failed("refused"), .noAnswer, .failed("refused")])
    }

    @Test("a target without addresses is passed over")
    func noAddresses() {
        let track = Track([Self.a, Self.b], [.ipv4])
        _ = track.at(0, .started)
        #expect(track.found(1, "2001:db8::1") == ["look up b"])
        #expect(track.at(2, .notFound(.noSuchName)) == ["give up"])
        #expect(track.race.record.map(\.result) == [.noAddress, .notFound(.noSuchName)])
    }

    @Test("the whole has its limit, whatever is under way", arguments: [false, true])
    func whole(isConnecting: Bool) {
        let track = Track([Self.a, Self.b])
        _ = track.at(0, .started)
        if isConnecting { _ = track.found(29_000, "192.0.2.1") }
        #expect(track.at(30_000, .timePassed) == (isConnecting ? ["abandon 1", "give up"] : ["give up"]))
        #expect(track.race.record.map(\.result) == [.outOfTime])
        #expect(track.found(30_001, "192.0.2.1") == [], "nothing begins afterwards")
    }

    @Test("with three targets, two of which swallow everything, the third is reached in time")
    func blackHoles() throws {
        let hole = try #require(InternetAddress("2001:db8::1"))
        let track = Track([ServerTarget(.address(hole), port: 1), ServerTarget(.address(hole), port: 2), Self.b])
        #expect(track.at(0, .started) == ["1 to 2001:db8::1", "wake 10000"])
        #expect(track.at(10_000, .timePassed) == ["abandon 1", "2 to 2001:db8::1", "wake 20000"])
        #expect(track.at(20_000, .timePassed) == ["abandon 2", "look up b", "wake 30000"])
        #expect(track.found(20_010, "192.0.2.1") == ["3 to 192.0.2.1"])
        #expect(track.at(20_020, .connected(3)) == ["win 3"])
    }

    @Test("what was connected to and is of no use is followed by what is left")
    func refused() {
        let track = Track([Self.a, Self.b])
        _ = track.at(0, .started)
        _ = track.found(0, "2001:db8::1", "192.0.2.1")
        _ = track.at(250, .timePassed)
        #expect(track.at(260, .connected(2)) == ["abandon 1", "win 2"])
        #expect(track.at(300, .refused(reason: "no TLS")) == ["3 to 2001:db8::1", "wake 10300"])
        #expect(track.at(310, .failed(3, reason: "refused")) == ["look up b", "wake 30000"])
        #expect(track.race.record.first?.result == .failed("no TLS"))
        #expect(track.at(311, .notFound(.timeout)) == ["give up"])
        let late = Track([Self.a, Self.b])
        _ = late.at(0, .started)
        _ = late.found(0, "192.0.2.1")
        _ = late.at(1, .connected(1))
        #expect(late.at(30_000, .refused(reason: "no TLS")) == ["give up"])
    }

    @Test("attempts that end at the same time end once each")
    func sameDeadline() {
        let track = Track([Self.a])
        _ = track.at(0, .started)
        _ = track.found(0, "2001:db8::1", "192.0.2.1")
        _ = track.at(250, .timePassed)
        #expect(track.at(20_000, .timePassed) == ["abandon 1", "abandon 2", "give up"])
    }

    /// Whatever happens in whatever order: it ends once, in time, and nothing is begun afterwards.
    @Test func anyOrder() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<400 {
            var race = ConnectionRace([Self.a, Self.b, Self.a], limits: Self.limits)
            var ends = 0, now: Int64 = 0, open: Set<Int> = []
            var event = ConnectionRace.Event.started
            for _ in 0..<200 {
                for action in race.handle(event, now: now) {
                    switch action {
                    case .begin(let attempt):
                        #expect(ends == 0)
                        open.insert(attempt.number)
                    case .abandon(let number): #expect(open.remove(number) != nil)
                    case .win(let attempt): #expect(open.remove(attempt.number) != nil && open.isEmpty)
                    case .giveUp:
                        #expect(open.isEmpty)
                        ends += 1
                    case .lookUp, .wake: break
                    }
                }
                now += Int64.random(in: 0...2000, using: &generator)
                let number = Int.random(in: 0...12, using: &generator)
                let all = Self.addresses(["192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2"])
                event =
                    switch Int.random(in: 0...6, using: &generator) {
                    case 0: .started
                    case 1: .found(Array(all.shuffled(using: &generator).prefix(number % 5)))
                    case 2: .notFound(.timeout)
                    case 3: .connected(number)
                    case 4:
                        {
                            open.remove(number)
                            return .failed(number, reason: "x")
                        }()
                    case 5: .timePassed
                    default: .refused(reason: "x")
                    }
            }
            #expect(ends <= 1)
        }
    }
}
