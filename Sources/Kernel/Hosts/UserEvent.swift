internal import IPC
internal import XMPP

/// Something that happened to a user and that a module tells the user's sessions, on whichever workers they are.
struct UserEvent {
    let topic: String
    let user: JID
    let payload: [UInt8]

    /// As bytes for another worker. Sessions are named one by one, as for a stanza: each is told once, wherever it has
    /// migrated meanwhile, and no other session of that worker is told a second time.
    func frame(to connections: [UInt64]) -> [UInt8] {
        MeshFrame.event(topic: topic, user: user.bareText, connections: connections, payload: payload).encoded()
    }
}
