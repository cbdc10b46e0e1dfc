import Storage

/// Changes of one item, whatever was there before.
extension RosterRepository {
    /// Puts an item into the roster in place of an earlier one.
    func set(_ key: UserKey, _ item: RosterItem) async throws(StorageError) -> Outcome {
        try await modify(key, item.contact) { _ in item }
    }

    /// Removes an item. `old` of the change is nil if there was none.
    func remove(_ key: UserKey, _ contact: String) async throws(StorageError) -> Outcome {
        try await modify(key, contact) { _ in nil }
    }
}
