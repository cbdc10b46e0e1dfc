internal import Configuration
internal import Glibc
internal import IPC

/// What of a configuration only new workers can follow. Who they run as is decided at their start: they are replaced one after
/// another. A worker has one database as long as it lives, and sessions of two workers must not be stored in two: then all
/// of them give way at once.
struct NewWorkers {
    let isOtherDatabase: Bool
    let isOtherAccount: Bool
    /// Why it cannot be; sentences with file and place.
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
        // Who names what the workers are anyway asks for nothing.
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

    /// Whether it must be found out that the new workers can write to the database.
    var tryStorage: Bool { isOtherDatabase || isOtherAccount }

    /// What whoever asked for the reload should know.
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
