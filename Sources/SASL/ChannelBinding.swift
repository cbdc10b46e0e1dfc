/// A channel binding type for TLS (registry of RFC 5056); the raw value is its name on the wire.
public enum ChannelBindingType: String, Sendable, Hashable, CaseIterable {
    /// RFC 9266; the only one for TLS 1.3 that names the connection.
    case tlsExporter = "tls-exporter"
    /// RFC 5929 §4: the hash of the server's certificate.
    case tlsServerEndPoint = "tls-server-end-point"
    /// RFC 5929 §3; for TLS 1.2 with extended master secret only, where some clients know no other.
    case tlsUnique = "tls-unique"
}

/// The channel binding data of one TLS connection, by type; empty without TLS.
public struct ChannelBindings: Sendable, Equatable {
    /// 32 bytes of keying material under the label `EXPORTER-Channel-Binding` (RFC 9266 §2).
    public var exporter: [UInt8]?
    /// The certificate hashed as RFC 5929 §4.1 says.
    public var serverEndPoint: [UInt8]?
    /// The first Finished message of the handshake; never of TLS 1.3 (RFC 9266 §3).
    public var unique: [UInt8]?

    public init(exporter: [UInt8]? = nil, serverEndPoint: [UInt8]? = nil, unique: [UInt8]? = nil) {
        self.exporter = exporter
        self.serverEndPoint = serverEndPoint
        self.unique = unique
    }

    public static let none = ChannelBindings()

    public subscript(type: ChannelBindingType) -> [UInt8]? {
        switch type {
        case .tlsExporter: exporter
        case .tlsServerEndPoint: serverEndPoint
        case .tlsUnique: unique
        }
    }

    /// The types with data, the better first: what XEP-0440 advertises.
    public var types: [ChannelBindingType] { ChannelBindingType.allCases.filter { self[$0] != nil } }

    public var isEmpty: Bool { types.isEmpty }
}
