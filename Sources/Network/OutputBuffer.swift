internal import Glibc

/// Bytes gathered for one peer. Blocks come from a pool and go back to it when sent, so an idle peer holds none.
///
/// Not tied to the loop by its type; every user is.
final class OutputBuffer {
    private(set) var base: UnsafeMutableRawPointer
    private(set) var capacity: Int
    /// Where the unsent bytes begin and end.
    private(set) var start = 0
    private(set) var end = 0

    private init(capacity: Int) {
        self.capacity = capacity
        base = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    var count: Int { end - start }
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base + start, count: end - start) }

    func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        let place = reserve(bytes.count)
        place.copyMemory(from: source, byteCount: bytes.count)
        end += bytes.count
    }

    /// Room for `count` more bytes at the end; `commit` what was put there.
    func reserve(_ count: Int) -> UnsafeMutableRawPointer {
        if end + count > capacity { grow(toHold: self.count + count) }
        return base + end
    }

    func commit(_ count: Int) { end += count }

    /// The first `count` bytes have been sent.
    func consume(_ count: Int) {
        start += count
        if start == end { (start, end) = (0, 0) }
    }

    private func grow(toHold needed: Int) {
        if needed <= capacity, start >= capacity / 2 {
            base.copyMemory(from: base + start, byteCount: count)
        } else {
            var larger = capacity * 2
            while larger < needed { larger *= 2 }
            let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
            moved.copyMemory(from: base + start, byteCount: count)
            base.deallocate()
            base = moved
            capacity = larger
        }
        (start, end) = (0, end - start)
    }

    // MARK: The pool

    private static let initialCapacity = 2048
    private static let pooledCapacity = 16384
    private static let poolLimit = 64

    @LoopActor private static var pool: ContiguousArray<OutputBuffer> = []

    @LoopActor static func take() -> OutputBuffer { pool.popLast() ?? OutputBuffer(capacity: initialCapacity) }

    /// Gives an empty buffer back. Nobody else may hold it.
    @LoopActor static func give(_ buffer: OutputBuffer) {
        guard buffer.capacity <= pooledCapacity, pool.count < poolLimit else { return }
        (buffer.start, buffer.end) = (0, 0)
        pool.append(buffer)
    }
}
