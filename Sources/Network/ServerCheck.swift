internal import Glibc
internal import Resolver

/// What an administrator is told about the way to another server: what was found, what was tried, and what its certificate is
/// worth. Pure: from values to lines of text.
public struct ServerCheck: Sendable {
    /// Names of one kind that are shown.
    private static let shownNames = 20

    private let report: DialReport
    /// The version of TLS and the cipher; nil without TLS.
    public var tls: String?
    public var certificate: PeerCertificateFacts?
    /// Whether the certificate names the domain; nil: it has not been looked at.
    public var namesDomain: Bool?
    /// What was agreed on after that, and how it ended, in words.
    public var outcome: [String] = []

    public init(_ report: DialReport) { self.report = report }

    /// - Parameter now: in seconds since 1970.
    public func lines(now: Int64) -> [String] { (records + trials + connection + verdict(now) + outcome).map(Self.printable) }

    // MARK: The way

    private var records: [String] {
        let services = [(ServerTargets.directService, report.direct), (ServerTargets.plainService, report.plain)]
        let found = services.flatMap { service, outcome -> [String] in
            switch outcome {
            case nil: []
            case .failure(let failure): ["\(service).\(report.domain): \(failure)"]
            case .success(let answer): answer.services.map { "\(service).\(report.domain): \(Self.text($0))" }
            }
        }
        guard let targets = report.targets else { return found }
        return found + [Self.text(targets, report.domain)]
    }

    private static func text(_ record: ServiceRecord) -> String {
        guard record.isOffered else { return "not offered (\".\")" }
        return "\(record.target), port \(record.port), priority \(record.priority), weight \(record.weight)"
    }

    private static func text(_ targets: ServerTargets, _ domain: String) -> String {
        switch targets.origin {
        case .configuration: return "nothing is looked up: the configuration names \(list(targets))"
        case .literalAddress: return "nothing is looked up: \(domain) is an address"
        case .ownAddresses: return "without such records: \(list(targets))"
        case .serviceRecords where targets.list.isEmpty: return "\(domain) offers no service to other servers"
        case .serviceRecords: return "tried in this order: \(list(targets))"
        }
    }

    private static func list(_ targets: ServerTargets) -> String { targets.list.map(\.description).joined(separator: ", ") }

    private var trials: [String] { report.trials.map(\.description) }

    // MARK: Security

    private var connection: [String] { report.trials.contains { $0.result == .connected } ? [tls ?? "no TLS"] : [] }

    private func verdict(_ now: Int64) -> [String] {
        guard let certificate else { return tls == nil ? [] : ["it has shown no certificate"] }
        var lines = [
            "certificate for \(Self.names(certificate.dnsNames + certificate.srvNames + certificate.xmppAddresses))",
            "purposes: \(certificate.purposes.isEmpty ? "all" : certificate.purposes.joined(separator: ", "))",
            Self.validity(certificate, now),
        ]
        if let reason = certificate.untrustedReason {
            lines.append("not trusted: \(reason)\(certificate.isSelfSigned ? " (it has signed itself)" : "")")
        } else {
            lines.append("trusted")
        }
        if let namesDomain { lines.append(namesDomain ? "it names \(report.domain)" : "it does not name \(report.domain)") }
        return lines
    }

    private static func names(_ names: [String]) -> String {
        if names.isEmpty { return "no name" }
        let more = names.count - shownNames
        return names.prefix(shownNames).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }

    private static func validity(_ certificate: PeerCertificateFacts, _ now: Int64) -> String {
        if now < certificate.notBefore { return "not valid before \(date(certificate.notBefore))" }
        let days = (certificate.notAfter - now) / 86400
        if now > certificate.notAfter { return "expired on \(date(certificate.notAfter)), \(-days) days ago" }
        return "valid until \(date(certificate.notAfter)), for \(days) more days"
    }

    private static func date(_ seconds: Int64) -> String {
        var time = time_t(seconds), parts = tm()
        guard gmtime_r(&time, &parts) != nil else { return "a date that cannot be" }
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(Int(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    }

    /// What others have written must not steer the terminal that shows it.
    private static func printable(_ line: String) -> String {
        String(String.UnicodeScalarView(line.unicodeScalars.map { isShown($0) ? $0 : "?" }))
    }

    private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: false
        default: true
        }
    }
}
