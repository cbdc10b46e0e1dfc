import ArgumentParser
import IPC
import Operations

struct ReloadCommand: VerbCommand {
    static let verb = "reload"

    @OptionGroup var arguments: VerbArguments<ReloadCommand>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for result: Value) -> String? { ReloadView(result).text }
}

/// What a reload changed: one line for each option, and one for each kind of thing that was closed.
struct ReloadView {
    private let result: Value

    init(_ result: Value) { self.result = result }

    var text: String {
        let notes = (result["notes"]?.array ?? []).compactMap(\.string).map(printable)
        let changes = (result["changes"]?.array ?? []).map(line)
        let opened = (result["opened"]?.array ?? []).compactMap(\.string).map {
            "\(isRehearsal ? "can listen" : "listening"): \(printable($0))"
        }
        return (notes + changes + opened + closings + [summary(changes.count)]).joined(separator: "\n")
    }

    private var isRehearsal: Bool { result["dry_run"] == .bool(true) }

    private func summary(_ changes: Int) -> String {
        let file = result.words("configuration")
        if isRehearsal { return changes == 0 ? "unchanged: \(file)" : "nothing has changed; \(file) can be put in force" }
        return changes == 0 ? "unchanged: \(file) is in force" : "\(file) is in force"
    }

    /// `listen.c2s[1].tls.certfile: contents of "/etc/x.pem" changed: new connections use it, …`
    private func line(_ change: Value) -> String {
        let (old, new) = (change["old"]?.string.map(printable), change["new"]?.string.map(printable))
        let what: String
        switch (change.words("kind"), old, new) {
        case ("changed", let old?, let new?) where old == new: what = "other contents of \(new)"
        case ("changed", let old?, let new?): what = "\(old) → \(new)"
        case ("added", _, let new?): what = "set to \(new)"
        case ("removed", let old?, _): what = "\(old) removed"
        case (let kind, _, _): what = kind
        }
        return "\(change.words("path")): \(what): \(change.words("effect"))"
    }

    /// `3 hosts removed: 12 sessions closed`
    private var closings: [String] {
        ["host", "listener"].compactMap { cause in
            let rows = (result["closed"]?.array ?? []).filter { $0.words("cause") == cause }
            guard !rows.isEmpty else { return nil }
            let sessions = rows.reduce(0) { $0 + ($1.number("sessions") ?? 0) }
            let others = rows.reduce(0) { $0 + ($1.number("others") ?? 0) }
            var parts = sessions > 0 || others == 0 ? [Self.count(sessions, "session")] : []
            if others > 0 {
                parts.append(
                    isRehearsal
                        ? Self.count(others, "stream") : Self.count(others, "stream without session", "streams without session"))
            }
            let names = rows.map { $0.words("subject") }.joined(separator: ", ")
            let doing = isRehearsal ? "to be closed" : "closed"
            return "\(Self.count(Int64(rows.count), cause)) removed (\(names)): \(parts.joined(separator: ", ")) \(doing)"
        }
    }

    private static func count(_ number: Int64, _ thing: String, _ things: String? = nil) -> String {
        number == 1 ? "1 \(thing)" : "\(number) \(things ?? thing + "s")"
    }
}
