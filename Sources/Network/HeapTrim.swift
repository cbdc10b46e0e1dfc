internal import CPlatform

/// Gives memory back to the system after mass disconnects: the allocator alone would keep it.
@LoopActor
enum HeapTrim {
    private static let threshold = 1000
    private static var closed = 0
    private static var closedAtLook = 0
    private static var isWatching = false

    /// To be called for each connection that ends.
    static func connectionClosed() {
        closed += 1
        guard closed >= threshold, !isWatching else { return }
        isWatching = true
        watch()
    }

    /// Trims as soon as a second has passed without further closes.
    private static func watch() {
        closedAtLook = closed
        Loop.after(1000) {
            if closed != closedAtLook { return watch() }
            isWatching = false
            closed = 0
            malloc_trim(0)
        }
    }
}
