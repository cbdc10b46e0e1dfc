extension Loop {
    private nonisolated static let isOnThread: Bool = BlockingThread.start { Loop.run() }

    /// Runs the loop on a thread of its own, for programs whose main thread is somebody else's, such as a test runner.
    /// However often it is called there is one thread; false if the system has none.
    @discardableResult
    public nonisolated static func runOnThread() -> Bool { isOnThread }
}
