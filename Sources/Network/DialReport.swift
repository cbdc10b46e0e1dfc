public import Resolver

/// What the search for a domain's server has found and tried.
public struct DialReport: Sendable {
    public let domain: String
    /// The answers for the service with TLS from the first byte, and for the one with STARTTLS; nil: not asked.
    public internal(set) var direct: DNSQuery.Outcome?
    public internal(set) var plain: DNSQuery.Outcome?
    /// Nil as long as that is not known.
    public internal(set) var targets: ServerTargets?
    public internal(set) var trials: [ConnectionRace.Trial] = []

    init(domain: String) { self.domain = domain }
}

/// Why there is no connection to a domain's server.
public struct DialFailure: Error, Sendable, CustomStringConvertible {
    public enum Reason: Sendable, Equatable {
        /// The domain says that it has no server for others.
        case notOffered
        /// None of its addresses could be connected to.
        case noConnection
    }

    public let reason: Reason
    public let report: DialReport

    /// Whether there is no such server, rather than one that cannot be reached now: nothing that was tried had an address.
    public var isNotFound: Bool {
        if reason == .notOffered { return true }
        return !report.trials.isEmpty
            && report.trials.allSatisfy { trial in
                if case .notFound(let failure) = trial.result {
                    failure.isAnswer || failure == .badName
                } else {
                    trial.result == .noAddress
                }
            }
    }

    /// In one line, with the last that was tried.
    public var description: String {
        switch reason {
        case .notOffered: return "\(report.domain) has no service for other servers (SRV \".\")"
        case .noConnection:
            guard let last = report.trials.last else { return "no time was left to connect to \(report.domain)" }
            let others = report.trials.count > 1 ? ", the last of \(report.trials.count) tried" : ""
            return "\(last)\(others)"
        }
    }
}

extension ConnectionRace.Trial: CustomStringConvertible {
    /// `xmpp.example.org:5269 at 192.0.2.1: Connection refused`.
    public var description: String {
        let place: String
        switch target.place {
        case .name: place = address.map { "\(target) at \($0)" } ?? "\(target)"
        case .address: place = "\(target)"
        }
        return "\(place): \(result)"
    }
}

extension ConnectionRace.Trial.Result: CustomStringConvertible {
    public var description: String {
        switch self {
        case .connected: "connected"
        case .failed(let reason): reason
        case .noAnswer: "no answer in time"
        case .abandoned: "another address was faster"
        case .notFound(let failure): failure.description
        case .noAddress: "no address of a version of IP that is in use"
        case .outOfTime: "no time was left"
        }
    }
}
