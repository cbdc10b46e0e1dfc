internal import Configuration
internal import Glibc
internal import IPC

/// The differences of a configuration that running workers cannot take up. A worker's account is decided at its start: with
/// another, workers are replaced one after another. A worker has one database as long as it lives, and two workers must not
/// store in two: with another database all workers are replaced at once.
struct NewWorkers {
    let isOtherDatabase: Bool
    let isOtherAccount: Bool
    /// Differences that not even new workers can take up; sentences with file and place.
    let problems: [String]

    init(
        from old: MasterSettings, to new: MasterSettings, _ before: ServerConfiguration, _ after: ServerConfiguration,
        isRoot: Bool = geteuid() == 0
    ) {
        isOtherDatabase = before.native.storagePath != after.native.storagePath
        isOtherAccount = old.account != new.account
        guard !isRoot else {
            problems = []
            return
        }
        // A user or group that workers have anyway is no difference.
        let (user, group) = (after.native.user, after.native.group)
        var named: [String] = []
        if before.native.user != user, let user, getpwnam(user)?.pointee.pw_uid != geteuid() { named.append("xmppd.user") }
        if before.native.group != group, let group, getgrnam(group)?.pointee.gr_gid != getegid() { named.append("xmppd.group") }
        problems = named.map { option in
            let line = after.position(of: option).map { ":\($0.line):\($0.column)" } ?? ""
            let remedy = "change User= and Group= of its unit and start it anew, or take this back"
            return
                "\(new.bundle.path)\(line): \(option): has changed, but the master is not root, so that workers are what it is: \(remedy)"
        }
    }

    /// Whether the check must include that new workers can write to the database.
    var tryStorage: Bool { isOtherDatabase || isOtherAccount }

    /// Sentences for the requester of the reload.
    func remarks(sessions: Int, isRehearsal: Bool) -> [String] {
        if isOtherDatabase {
            let verb = isRehearsal ? "would all be" : "have all been"
            return [
                "workers \(verb) replaced at once: of \(sessions) sessions those that can be resumed move, the others are closed"
            ]
        }
        guard isOtherAccount else { return [] }
        let verb = isRehearsal ? "would be" : "are being"
        return ["workers \(verb) replaced one after another; xmppctl status shows how far that is"]
    }
}
