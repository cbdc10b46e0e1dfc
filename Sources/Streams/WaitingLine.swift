/// Elements that are added at the end and taken from the front, a few at a time or all. Those that were taken leave the
/// memory together, now and then, so that taking costs a constant time each; an empty line keeps little.
public struct WaitingLine<Element> {
    @usableFromInline var storage: [Element] = []
    @usableFromInline var start = 0

    @inlinable public init() {}

    @inlinable public var count: Int { storage.count - start }
    @inlinable public var isEmpty: Bool { start == storage.count }
    @inlinable public var first: Element? { isEmpty ? nil : storage[start] }
    @inlinable public var elements: ArraySlice<Element> { storage[start...] }

    /// By the place behind the first, which is 0.
    @inlinable public subscript(_ place: Int) -> Element {
        get { storage[start + place] }
        _modify { yield &storage[start + place] }
    }

    @inlinable public mutating func append(_ element: Element) { storage.append(element) }

    @inlinable public mutating func removeFirst(_ number: Int) {
        start += number
        if start == storage.count {
            storage.removeAll(keepingCapacity: start <= 16)
            start = 0
        } else if start > 64, start > storage.count / 2 {
            storage.removeFirst(start)
            start = 0
        }
    }

    @inlinable public mutating func removeLast(_ number: Int) { storage.removeLast(number) }
}

extension WaitingLine: Sendable where Element: Sendable {}

extension WaitingLine: Equatable where Element: Equatable {
    public static func == (one: Self, other: Self) -> Bool { one.elements == other.elements }
}
