internal import Kernel
internal import Network
internal import Storage
internal import Telemetry
internal import XML
internal import XMPP

/// XEP-0153: adds the hash of the vCard's photo to presence where the client does not do that itself.
///
/// The photo is read from storage at the first presence of a user on this worker and cached; each change is told to all
/// workers.
@LoopActor
final class VCardAvatar {
    private nonisolated static let namespace = "vcard-temp:x:update"
    private static let topic = "vcard.photo"
    /// Most users in the cache; of more, those that have not been needed lately are read again.
    private static let bound = 10_000
    /// Set if the client announces its photo itself.
    private static let isClients = SessionKey<Bool>()

    private unowned let host: Host
    private let photos = ReadThroughCache<String, VCardPhoto, StorageError>(bound: VCardAvatar.bound)

    init(host: Host) { self.host = host }

    func install(_ declarations: inout Declarations) {
        declarations.hooks.outgoing.add(.policy) { outgoing in
            Self.isBroadcast(outgoing) ? self.update(&outgoing) : .next
        }
        declarations.hooks.accountRemoved.add { self.changed($0, to: .none) }
        declarations.onBroadcast(Self.topic) { self.learn($0) }
        declarations.migrate("vcard.photo") {
            $0[Self.isClients] == nil ? nil : []
        } decode: { session, _ in
            session[Self.isClients] = true
        }
    }

    /// Whether it is available presence for all that see the user.
    private static func isBroadcast(_ outgoing: Outgoing) -> Bool {
        outgoing.stanza.kind == .presence && outgoing.isUnaddressed && outgoing.stanza.element["type"] == nil
    }

    /// Adds the hash to presence; reads storage if the photo is not in the cache.
    private func update(_ outgoing: inout Outgoing) -> Decision<Outgoing> {
        let session = outgoing.session
        guard !outgoing.stanza.element.has("x", Self.namespace) else {
            session[Self.isClients] = true
            return .next
        }
        if session[Self.isClients] != nil { session[Self.isClients] = nil }
        if let photo = photos.known(session.jid.local) {
            Self.add(photo, to: &outgoing)
            return .next
        }
        return .waitToChange {
            let photo = await self.read(session)
            return { outgoing in
                Self.add(photo, to: &outgoing)
                return .next
            }
        }
    }

    private static func add(_ photo: VCardPhoto, to outgoing: inout Outgoing) {
        if let update = update(photo) { outgoing.stanza = outgoing.stanza.appending(update) }
    }

    /// The photo of a session's user; none where storage fails.
    private func read(_ session: Session) async -> VCardPhoto {
        let user = session.jid
        do throws(StorageError) {
            return try await photos.value(user.local) { () async throws(StorageError) in
                VCardPhoto(hash: try await InitialPresenceData.of(session).photoHash)
            }
        } catch {
            Log.error("cannot read a photo's hash, presence goes without", [Field("user", user.bareText), Field("error", error)])
            return .none
        }
    }

    /// The element with the hash; nil if the user has no card.
    nonisolated static func update(_ photo: VCardPhoto) -> Element? {
        photo.hash.map { Element("x", namespace, [:], [Element("photo", namespace, text: $0)]) }
    }

    // MARK: Changes

    /// Tells all workers of the photo of a card that has been stored.
    func changed(_ user: JID, to photo: VCardPhoto) {
        let hash = photo.hash.map { [$0] } ?? []
        host.broadcast(Self.topic, Array(([user.local] + hash).joined(separator: "/").utf8))
    }

    /// A user's name and the hash after a slash, which no name contains (RFC 7622 §3.3.1).
    private func learn(_ payload: [UInt8]) {
        let parts = String(decoding: payload, as: UTF8.self).split(
            separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let (user, photo) = (String(parts[0]), VCardPhoto(hash: parts.count > 1 ? String(parts[1]) : nil))
        let old = photos.known(user)
        photos.set(photo, user)
        guard photo != .none, photo != old else { return }
        for session in host.localSessions(of: .prepared(local: user, domain: host.domain)) { announce(session) }
    }

    /// Has the session's last presence broadcast again.
    private func announce(_ session: Session) {
        guard session.isAvailable, session[Self.isClients] == nil, let last = session[PresenceState.key]?.last else { return }
        let contents = last.element.contents.filter { content in
            if case .element(let child) = content { return !child.is("x", Self.namespace) }
            return true
        }
        session.inject(last.element.replacingContents(contents))
    }
}
