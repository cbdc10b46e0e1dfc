/// What makes a listener the one it was: where it listens, not its place in the file.
public struct ListenerIdentity: Sendable, Equatable {
    /// `c2s`
    public let kind: String
    /// In the list of its kind, from 0.
    public let position: Int
    public let address: String
    public let port: Int
    public let transport: String

    public init(kind: String, position: Int, address: String, port: Int, transport: String) {
        self.kind = kind
        self.position = position
        self.address = address
        self.port = port
        self.transport = transport
    }

    /// Whether both are bound to the same address.
    func isBound(as other: ListenerIdentity) -> Bool {
        kind == other.kind && address == other.address && port == other.port && transport == other.transport
    }

    /// Whether both stand at the same place in the file and speak the same transport.
    func stands(as other: ListenerIdentity) -> Bool {
        kind == other.kind && position == other.position && transport == other.transport
    }
}

/// What becomes of a listener with a new configuration.
///
/// One that is bound to the same address is the same, wherever it stands in the file. Of those that are left, one that
/// stands where a vanished one stood has moved: its sessions go on. Everything else is new or gone.
public enum ListenerFate: Sendable, Equatable {
    /// Its place among the old ones.
    case kept(Int)
    case moved(Int)
    case new

    public var predecessor: Int? {
        switch self {
        case .kept(let old), .moved(let old): old
        case .new: nil
        }
    }

    /// One for each of the new listeners. Several with port 0 and one address are told apart by their places.
    public static func all(of new: [ListenerIdentity], before old: [ListenerIdentity]) -> [ListenerFate] {
        var fates = [ListenerFate](repeating: .new, count: new.count)
        var free = Set(old.indices)
        func settle(_ isMatch: (ListenerIdentity, ListenerIdentity) -> Bool, _ fate: (Int) -> ListenerFate) {
            for place in new.indices where fates[place] == .new {
                guard let match = old.indices.first(where: { free.contains($0) && isMatch(new[place], old[$0]) }) else { continue }
                free.remove(match)
                fates[place] = fate(match)
            }
        }
        settle({ $0.isBound(as: $1) && $0.position == $1.position }, ListenerFate.kept)
        settle({ $0.isBound(as: $1) }, ListenerFate.kept)
        settle({ $0.stands(as: $1) }, ListenerFate.moved)
        return fates
    }
}
