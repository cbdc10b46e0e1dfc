internal import CPlatform

/// Returns free memory to the system a while after the last work: the master is idle most of its life.
final class MemoryTrimmer {
    /// The time from the last work to the trim, in milliseconds.
    private static let delayMilliseconds: Int64 = 1_000

    private let loop: EventLoop
    private var isArmed = false

    init(on loop: EventLoop) { self.loop = loop }

    /// Notes work; the trim is put off.
    func worked() {
        guard !isArmed else { return }
        isArmed = true
        loop.after(Self.delayMilliseconds) { [weak self] in
            cplatform_settle()
            self?.isArmed = false
        }
    }
}
