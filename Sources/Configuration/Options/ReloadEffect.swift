/// What a change of an option means for a server that runs: clauses that several rows share.
enum ReloadEffect {
    static let atOnce = "holds at once, for open sessions too"
    static let newStreams = "new streams have it, open ones keep what they were offered"
    static let newLogins = "the next logins follow it, open sessions live on"
    static let newSessions = "the next sessions follow it, open ones live on"
    static let newConnections = "new connections use it, open ones keep what they have negotiated"
    static let nextQuestion = "the next question to it gets the new answer, open sessions are not asked again"
    static let newPasswords = "passwords set from now on follow it"
    static let pools = "connections are made anew, questions that are under way there fail"
    static let listeners =
        "the new one is bound before anything changes; streams of one that is gone are closed with reset, all others live on"
    static let address = "the new address is bound before the old one is left, sessions live on"
    static let modules = "loaded or unloaded for open sessions too; what a module has stored stays"
    static let workers =
        "workers are started, or drained and ended, once everything else is in force; the connections of outgoing pools are shared out anew"
    static let account =
        "workers are replaced one after another, as xmppctl restart --rolling does; the new ones must be able to write to the database, and the master must be root"
    static let database =
        "all workers are replaced at once: sessions that can be resumed move, the others are closed with system-shutdown; nothing is copied, and the former database is not written any more when the new one begins to be"
    static let nothingYet = "nothing changes: this version does not act on it yet"
}
