internal import Network

/// A cache of values that are read, mostly from storage, when they are first needed.
///
/// Bounded: when the newer half is full it replaces the older one, so that values in use stay.
@LoopActor
final class ReadThroughCache<Key: Hashable & Sendable, Value: Sendable, Failure: Error> {
    typealias Read = @LoopActor () async throws(Failure) -> Value

    private let half: Int
    private var newer: [Key: Value] = [:]
    private var older: [Key: Value] = [:]
    private var readings: [Key: Reading] = [:]

    /// A read under way, shared by all callers that need the same key.
    private final class Reading {
        var waiting: [CheckedContinuation<Result<Value, Failure>, Never>] = []
        /// The value has changed since the read began: its result may be the old one.
        var isOutdated = false
    }

    /// - Parameter bound: most values that are kept; the older half is dropped when the newer one is full.
    init(bound: Int) { half = max(1, bound / 2) }

    var count: Int { newer.count + older.count }

    /// The value, if it is in the cache.
    func known(_ key: Key) -> Value? {
        if let value = newer[key] { return value }
        guard let value = older.removeValue(forKey: key) else { return nil }
        keep(value, key)
        return value
    }

    /// The value, read if need be. All callers that need a key while it is read share that read and resume in the order in
    /// which they came. A failure is not kept.
    func value(_ key: Key, read: @escaping Read) async throws(Failure) -> Value {
        if let value = known(key) { return value }
        let result = await withCheckedContinuation { continuation in
            // Another turn of the loop may have come between, and the read be over.
            if let value = known(key) {
                continuation.resume(returning: Result<Value, Failure>.success(value))
            } else if let reading = readings[key] {
                reading.waiting.append(continuation)
            } else {
                let reading = Reading()
                reading.waiting = [continuation]
                readings[key] = reading
                Loop.spawn { [self] in await perform(reading, key, read) }
            }
        }
        return try result.get()
    }

    /// The value has changed to this one; a read under way returns it, too.
    func set(_ value: Value, _ key: Key) {
        invalidate(key)
        keep(value, key)
    }

    /// The value has changed: it is dropped, and a read under way is repeated.
    func invalidate(_ key: Key) {
        newer[key] = nil
        older[key] = nil
        readings[key]?.isOutdated = true
    }

    private func perform(_ reading: Reading, _ key: Key, _ read: Read) async {
        var result: Result<Value, Failure>
        repeat {
            reading.isOutdated = false
            do throws(Failure) { result = .success(try await read()) } catch { result = .failure(error) }
            if reading.isOutdated, let value = known(key) {
                result = .success(value)
                break
            }
        } while reading.isOutdated
        readings[key] = nil
        if case .success(let value) = result { keep(value, key) }
        for continuation in reading.waiting { continuation.resume(returning: result) }
    }

    private func keep(_ value: Value, _ key: Key) {
        if newer.count >= half {
            older = newer
            newer = [:]
        }
        newer[key] = value
    }
}
