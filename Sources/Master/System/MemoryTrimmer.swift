internal import CPlatform

/// Gives back the memory that work needed when the work is over: the master waits most of its life.
final class MemoryTrimmer {
    /// How long after the last work, in milliseconds.
    private static let delay: Int64 = 1_000

    private let loop: EventLoop
    private var isArmed = false

    init(on loop: EventLoop) { self.loop = loop }

    /// Something was done.
    func worked() {
        guard !isArmed else { return }
        isArmed = true
        loop.after(Self.delay) { [weak self] in
            cplatform_settle()
            self?.isArmed = false
        }
    }
}
