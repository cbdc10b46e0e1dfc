public import Configuration
internal import IPC
public import Kernel
internal import Network
internal import SASL
internal import Storage
internal import XML
internal import XMPP

/// XEP-0054: the user's vCard, which any entity may read and only its owner write. Contacts learn of its photo by presence
/// (XEP-0153).
///
/// A user without a card looks like one that does not exist (XEP-0054 §3.3).
public final class VCardTemp: Module {
    public nonisolated static let name = "mod_vcard"
    public nonisolated static let implements = [
        XEP(54, "vcard-temp", version: "1.3.0"),
        XEP(153, "vCard-Based Avatars", version: "1.1.1"),
    ]

    static let namespace = "vcard-temp"
    /// Most bytes of a card, its photo included; a larger one is refused.
    private static let longestCard = 256 << 10

    public init(options: NoModuleOptions) {}

    public func install(_ declarations: inout Declarations, on host: Host) {
        declarations.features.advertise(Self.namespace)
        declarations.features.advertiseAccount(Self.namespace)
        let avatar = VCardAvatar(host: host)
        avatar.install(&declarations)
        declarations.iq.onRendered("vCard", Self.namespace, at: .account) { (request) async throws(StanzaError) in
            guard request.isSet else { return try await Self.get(request) }
            try await Self.set(request, avatar)
            return nil
        }
        declarations.iq.open("vCard", Self.namespace, to: .everyone)
        declarations.iq.on("vCard", Self.namespace, at: .server) { (request) throws(StanzaError) in
            guard !request.isSet else { throw StanzaError(.forbidden) }
            return Element("vCard", Self.namespace, [:], [Element("FN", Self.namespace, text: ServerVersion.name)])
        }
    }

    private static func get(_ request: IQRequest) async throws(StanzaError) -> [UInt8] {
        let card = try await askStorage(try await request.host.server.store.vCards.get(UserKey(request.to)))
        guard let card else { throw StanzaError(request.isOwn ? .itemNotFound : .serviceUnavailable) }
        return card.xml
    }

    private static func set(_ request: IQRequest, _ avatar: VCardAvatar) async throws(StanzaError) {
        guard request.isOwn else { throw StanzaError(.forbidden) }
        let xml = request.payload.rendered(within: Namespace.client)
        guard xml.count <= longestCard else {
            throw StanzaError(.policyViolation, text: "A vCard may have \(longestCard) bytes")
        }
        let cards = request.host.server.store.vCards
        // An empty card is stored as none, so that it looks like that of a user who never had one.
        if request.payload.firstChild == nil {
            _ = try await askStorage(try await cards.remove(UserKey(request.to)))
            avatar.changed(request.to, to: .none)
        } else {
            let photo = VCardPhoto(of: request.payload)
            try await askStorage(try await cards.set(UserKey(request.to), .init(xml: xml, photoHash: photo.hash)))
            avatar.changed(request.to, to: photo)
        }
    }
}

/// A user's photo, as presence announces it (XEP-0153 §4.1).
enum VCardPhoto: Equatable, Sendable {
    /// There is no card: presence has no element.
    case none
    /// There is a card without a photo.
    case empty
    /// SHA-1 of the photo in lower-case hexadecimal digits.
    case image(String)

    /// The photo of a card; one that cannot be decoded counts as none.
    init(of card: Element) {
        guard let data = card.child("PHOTO")?.child("BINVAL")?.text else {
            self = .empty
            return
        }
        // COMPAT: lines are broken in many ways (XEP-0153 §4.5), which strict base 64 does not know.
        let compact = String(decoding: data.utf8.filter { $0 > 0x20 }, as: UTF8.self)
        guard let image = Base64.decode(compact), !image.isEmpty, let digest = Digest.sha1(image) else {
            self = .empty
            return
        }
        self = .image(Self.hexadecimal(digest))
    }

    /// The stored form, beside the card: empty for a card without a photo.
    init(hash: String?) {
        switch hash {
        case nil: self = .none
        case "": self = .empty
        case let hash?: self = .image(hash)
        }
    }

    var hash: String? {
        switch self {
        case .none: nil
        case .empty: ""
        case .image(let hash): hash
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
