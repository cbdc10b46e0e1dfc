internal import CPlatform
internal import Glibc

/// The text of one entry: its first 88 bytes lie in the entry, the rest in the overflow area.
///
/// Every access is confined to memory of this text, whatever the entry says.
struct SessionText {
    private let inline: UnsafeMutablePointer<UInt8>
    private let rest: UnsafeMutablePointer<UInt8>?
    /// Bytes, as the entry says.
    let count: Int

    private static let inlineBytes = Int(XMPPD_ENTRY_TEXT)

    @inline(__always)
    init(of entry: UnsafeMutablePointer<xmppd_session_entry>, _ overflow: OverflowStore) {
        inline = xmppd_entry_text(entry)
        count =
            Int(entry.pointee.bare_length) &+ Int(entry.pointee.resource_length) &+ Int(entry.pointee.address_length)
        rest =
            count <= Self.inlineBytes
            ? nil : overflow.bytes(entry.pointee.overflow, units: OverflowStore.units(forTextOf: count))
    }

    /// Whether all bytes have their place.
    var isSound: Bool { count <= Self.inlineBytes || rest != nil }

    /// Compares `length` bytes from `offset` on; they must lie within the text.
    @inline(__always)
    func matches(from offset: Int, _ bytes: UnsafeRawPointer?, _ length: Int) -> Bool {
        guard let bytes, length > 0 else { return length == 0 }
        let near = max(0, min(length, Self.inlineBytes &- offset))
        if near > 0, memcmp(inline + offset, bytes, near) != 0 { return false }
        if near == length { return true }
        guard let rest else { return false }
        return memcmp(rest + (offset &+ near &- Self.inlineBytes), bytes + near, length &- near) == 0
    }

    func copy(from offset: Int, count length: Int, to target: UnsafeMutableRawPointer) {
        let near = max(0, min(length, Self.inlineBytes - offset))
        if near > 0 { memcpy(target, inline + offset, near) }
        if near < length, let rest {
            memcpy(target + near, rest + (offset + near - Self.inlineBytes), length - near)
        }
    }

    func string(from offset: Int, count length: Int) -> String {
        guard isSound else { return "" }
        if offset + length <= Self.inlineBytes {
            return String(decoding: UnsafeBufferPointer(start: inline + offset, count: length), as: UTF8.self)
        }
        return String(unsafeUninitializedCapacity: length) { buffer in
            guard let target = buffer.baseAddress else { return 0 }
            copy(from: offset, count: length, to: target)
            return length
        }
    }

    /// Writes the whole text.
    func fill(with bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        let near = min(bytes.count, Self.inlineBytes)
        memcpy(inline, source, near)
        if near < bytes.count, let rest { memcpy(rest, source + near, bytes.count - near) }
    }
}
