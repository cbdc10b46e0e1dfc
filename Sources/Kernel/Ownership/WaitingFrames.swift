internal import IPC
internal import Streams

/// Frames that wait with the worker that has them: nobody serves the owner's index, or the mesh to it is full.
struct WaitingFrames {
    /// Frames, and their bytes, that wait at most; further ones are refused.
    static let maxFrames = 4096
    static let maxBytes = 8 << 20
    /// Milliseconds for which one waits; then it is refused.
    static let patienceMilliseconds: Int64 = 10_000

    private struct Entry {
        let frame: OwnedFrame
        /// In milliseconds of `Loop.now`.
        let since: Int64
    }

    private var lines: [OwnedKey: WaitingLine<Entry>] = [:]
    private var size = FrameSize()

    var isEmpty: Bool { lines.isEmpty }
    var keys: [OwnedKey] { Array(lines.keys) }

    func contains(_ key: OwnedKey) -> Bool { !lines.isEmpty && lines[key] != nil }

    /// - Returns: false if too much waits.
    mutating func append(_ frame: OwnedFrame, for key: OwnedKey, now: Int64) -> Bool {
        guard size.add(frame, frames: Self.maxFrames, bytes: Self.maxBytes) else { return false }
        lines[key, default: WaitingLine()].append(Entry(frame: frame, since: now))
        return true
    }

    func first(for key: OwnedKey) -> OwnedFrame? { lines[key]?.first?.frame }

    mutating func removeFirst(for key: OwnedKey) {
        guard let frame = first(for: key) else { return }
        size.remove(frame)
        lines[key]?.removeFirst(1)
        if lines[key]?.isEmpty == true { lines[key] = nil }
    }

    /// Removes those that have waited too long, or all, in order.
    mutating func removeExpired(now: Int64?) -> [OwnedFrame] {
        var expired: [OwnedFrame] = []
        for key in keys {
            while let entry = lines[key]?.first, now.map({ $0 - entry.since >= Self.patienceMilliseconds }) ?? true {
                expired.append(entry.frame)
                removeFirst(for: key)
            }
        }
        return expired
    }

    /// The keys for which frames of other workers wait.
    func keys(passedOnBy slot: UInt8) -> [OwnedKey] {
        lines.filter { $0.value.elements.contains { $0.frame.sender != slot } }.map(\.key)
    }
}

/// Frames that the owner of their keys holds until all workers have settled.
struct HeldFrames {
    /// Frames, and their bytes, that are held at most; further ones are refused.
    static let maxFrames = 4096
    static let maxBytes = 8 << 20

    private var frames: [OwnedFrame] = []
    private var size = FrameSize()

    /// - Returns: false if too much is held.
    mutating func append(_ frame: OwnedFrame) -> Bool {
        guard size.add(frame, frames: Self.maxFrames, bytes: Self.maxBytes) else { return false }
        frames.append(frame)
        return true
    }

    /// Removes all, in the order in which each sender sent its own.
    mutating func removeAll() -> [OwnedFrame] {
        defer { self = Self() }
        return frames.sorted { ($0.sender, $0.number) < ($1.sender, $1.number) }
    }
}

/// How many frames there are, and how long they are together.
private struct FrameSize {
    private var frames = 0
    private var bytes = 0

    /// - Returns: false if there would be too many.
    mutating func add(_ frame: OwnedFrame, frames maxFrames: Int, bytes maxBytes: Int) -> Bool {
        guard frames < maxFrames, bytes + Self.length(frame) <= maxBytes else { return false }
        frames += 1
        bytes += Self.length(frame)
        return true
    }

    mutating func remove(_ frame: OwnedFrame) {
        frames -= 1
        bytes -= Self.length(frame)
    }

    private static func length(_ frame: OwnedFrame) -> Int { frame.payload.count + frame.key.utf8.count }
}
