internal import Configuration
internal import IPC
internal import SharedState
internal import Telemetry

/// The changes of a reload, or of a dry run: the result of `reload`.
struct ReloadReport {
    private let path: String
    private let notes: [String]
    private let changes: [ConfigurationChange]
    private let opened: [ListenerSet.Bound]
    private let removed: [ListenerSet.Bound]
    private let goneHosts: [String]
    private var closings: [ReloadEffects.Closing] = []
    private var longestPauseMicroseconds: UInt32 = 0
    /// Sentences about consequences and about workers that are late.
    var remarks: [String] = []

    init(_ candidate: CandidateConfiguration, _ change: ListenerSet.Change, hosts before: [String] = []) {
        path = candidate.settings.bundle.path
        notes = candidate.notes.map(\.description)
        changes = candidate.changes
        opened = change.opened
        removed = change.removed
        goneHosts = before.filter { !candidate.configuration.hosts.contains($0) }
    }

    /// Adds the effects on one worker to those on the others.
    mutating func add(_ effects: ReloadEffects) {
        longestPauseMicroseconds = max(longestPauseMicroseconds, effects.pauseMicroseconds)
        for closing in effects.closings {
            if let place = closings.firstIndex(where: { $0.cause == closing.cause && $0.subject == closing.subject }) {
                closings[place].sessions += closing.sessions
                closings[place].others += closing.others
            } else {
                closings.append(closing)
            }
        }
    }

    func value(generation: UInt32) -> Value {
        .object(
            common(closings) + [
                .init("generation", .int(Int64(generation))), .init("dry_run", false),
                .init("longest_pause_us", .int(Int64(longestPauseMicroseconds))),
            ])
    }

    /// The result of a dry run: sessions are counted in the table, streams of listeners by their counters.
    func rehearsal(_ table: SessionTable, _ counters: ListenerCounters) -> Value {
        let hosts = goneHosts.map { host in
            ReloadEffects.Closing(cause: .host, subject: host, sessions: UInt32(clamping: table.count(host: host)), others: 0)
        }
        let listeners = removed.map { listener in
            ReloadEffects.Closing(
                cause: .listener, subject: endpoint(listener.descriptor.address, listener.descriptor.port), sessions: 0,
                others: UInt32(clamping: counters.open(Int(listener.descriptor.index))))
        }
        return .object(common(hosts + listeners) + [.init("dry_run", true)])
    }

    private func common(_ closings: [ReloadEffects.Closing]) -> [Value.Member] {
        [
            .init("configuration", .string(path)), .init("notes", .array((notes + remarks).map { .string($0) })),
            .init("changes", .array(changes.map(value))), .init("closed", .array(closings.map(value))),
            .init(
                "opened",
                .array(opened.map { .string("\($0.setting.path) \(endpoint($0.descriptor.address, $0.descriptor.port))") })),
        ]
    }

    private func value(_ change: ConfigurationChange) -> Value {
        var members: [Value.Member] = [
            .init("path", .string(change.path)), .init("kind", .string(change.kind.rawValue)),
            .init("effect", .string(change.effect)),
        ]
        if let old = change.old { members.append(.init("old", .string(old))) }
        if let new = change.new { members.append(.init("new", .string(new))) }
        if let line = change.position?.line { members.append(.init("line", .int(Int64(line)))) }
        return .object(members)
    }

    private func value(_ closing: ReloadEffects.Closing) -> Value {
        [
            "cause": .string(closing.cause == .host ? "host" : "listener"), "subject": .string(closing.subject),
            "sessions": .int(Int64(closing.sessions)), "others": .int(Int64(closing.others)),
        ]
    }

    func log() {
        for change in changes { Log.info("option changed", [Field("option", change.path), Field("effect", change.effect)]) }
        for closing in closings {
            Log.notice(
                closing.cause == .host ? "host removed" : "listener removed",
                [Field("name", closing.subject), Field("sessions", closing.sessions), Field("others", closing.others)])
        }
    }
}
