internal import Glibc

/// One step of an element in document order: 16 bytes, its strings lie behind the nodes.
///
/// | kind | `a` | `b` | `c` | `d` |
/// |---|---|---|---|---|
/// | element | offset of the local name | its length and that of the namespace | offset of the namespace | index of the node after the subtree |
/// | attribute | offset of the name | its length | offset of the value | length of the value |
/// | text | offset | – | – | length |
///
/// The two top bits of `b` are the kind. An element's attributes follow it at once, then its content.
struct TapeNode: Equatable {
    enum Kind: UInt32 { case element = 0, attribute = 1, text = 2 }

    static let longestName = (1 << 14) - 1
    static let longestNamespace = (1 << 16) - 1

    var a: UInt32
    var b: UInt32
    var c: UInt32
    var d: UInt32

    var kind: Kind {
        switch b >> 30 {
        case 0: .element
        case 1: .attribute
        default: .text
        }
    }
    var nameLength: Int { Int((b >> 16) & 0x3fff) }
    var namespaceLength: Int { Int(b & 0xffff) }

    static func element(name: Int, length: Int, namespace: Int, namespaceLength: Int, next: UInt32) -> TapeNode {
        TapeNode(a: UInt32(name), b: UInt32(length) << 16 | UInt32(namespaceLength), c: UInt32(namespace), d: next)
    }
    static func attribute(name: Int, length: Int, value: Int, valueLength: Int) -> TapeNode {
        TapeNode(a: UInt32(name), b: 1 << 30 | UInt32(length) << 16, c: UInt32(value), d: UInt32(valueLength))
    }
    static func text(at offset: Int, length: Int) -> TapeNode {
        TapeNode(a: UInt32(offset), b: 2 << 30, c: 0, d: UInt32(length))
    }
}

struct TapeSize {
    var nodes: Int
    var bytes: Int
}

/// The storage of an element: its nodes and, behind them, its strings in UTF-8. One allocation; never
/// changed after it is made, which is what makes it safe to share.
final class Tape: ManagedBuffer<TapeSize, TapeNode> {
    static func make(nodes: UnsafeBufferPointer<TapeNode>, bytes: UnsafeBufferPointer<UInt8>) -> Tape {
        let room = nodes.count + (bytes.count + 15) / 16
        let buffer = Tape.create(minimumCapacity: room) { _ in TapeSize(nodes: nodes.count, bytes: bytes.count) }
        let tape = unsafeDowncast(buffer, to: Tape.self)
        tape.withUnsafeMutablePointerToElements { target in
            if let source = nodes.baseAddress { target.update(from: source, count: nodes.count) }
            if let source = bytes.baseAddress {
                UnsafeMutableRawPointer(target + nodes.count).copyMemory(from: source, byteCount: bytes.count)
            }
        }
        return tape
    }

    /// Lends the nodes and the strings.
    @inline(__always)
    func lend<R>(_ body: (_ nodes: UnsafePointer<TapeNode>, _ bytes: UnsafePointer<UInt8>) -> R) -> R {
        withUnsafeMutablePointers { size, nodes in
            let bytes = UnsafeRawPointer(nodes + size.pointee.nodes).assumingMemoryBound(to: UInt8.self)
            return body(UnsafePointer(nodes), bytes)
        }
    }

    @inline(__always)
    func lend<R>(
        _ body: (_ nodes: UnsafePointer<TapeNode>, _ bytes: UnsafePointer<UInt8>, _ size: TapeSize) -> R
    ) -> R {
        withUnsafeMutablePointers { size, nodes in
            let bytes = UnsafeRawPointer(nodes + size.pointee.nodes).assumingMemoryBound(to: UInt8.self)
            return body(UnsafePointer(nodes), bytes, size.pointee)
        }
    }

    func string(at offset: UInt32, length: Int) -> String {
        lend { _, bytes in
            String(decoding: UnsafeBufferPointer(start: bytes + Int(offset), count: length), as: UTF8.self)
        }
    }
}

/// Whether `length` bytes at `start` are those of `text`.
@inline(__always)
func same(_ start: UnsafePointer<UInt8>, _ length: Int, _ text: String) -> Bool {
    var text = text
    return text.withUTF8 { $0.count == length && equalBytes(start, $0.baseAddress, length) }
}

@inline(__always)
func equalBytes(_ one: UnsafePointer<UInt8>, _ other: UnsafePointer<UInt8>?, _ length: Int) -> Bool {
    guard let other, length > 0 else { return length == 0 }
    return memcmp(one, other, length) == 0
}
