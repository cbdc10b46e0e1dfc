public import Synchronization

/// The front of the log of this process: events with fields, one line each. Safe from any thread.
///
/// Before `start` events go to standard error at level `info` without a process name.
public enum Log {
    /// The rank of the level in force; read without a lock by every call.
    @usableFromInline static let threshold = Atomic<UInt8>(LogLevel.info.rank)

    /// The level in force. Setting it takes effect at once, for events of libraries too.
    public static var level: LogLevel {
        get { LogLevel(rank: threshold.load(ordering: .relaxed)) }
        set { threshold.store(newValue.rank, ordering: .relaxed) }
    }

    /// Whether an event of `level` would be written.
    @inlinable public static func isEnabled(_ level: LogLevel) -> Bool {
        level.rank <= threshold.load(ordering: .relaxed)
    }

    /// Names this process, sets its level and chooses where lines go. Also takes over the log of libraries
    /// that speak swift-log; that part happens once in a process, later calls change the rest only.
    ///
    /// - Parameter process: stands in each line, as `worker[1]`.
    public static func start(process: String, level: LogLevel, sink: LogSink = .automatic) {
        Emitter.shared.configure(process: process, destination: sink.destination())
        self.level = level
        LibraryLog.install()
    }

    @inlinable public static func critical(_ event: @autoclosure () -> String, _ fields: @autoclosure () -> [Field] = []) {
        if isEnabled(.critical) { emit(.critical, event(), fields()) }
    }

    @inlinable public static func error(_ event: @autoclosure () -> String, _ fields: @autoclosure () -> [Field] = []) {
        if isEnabled(.error) { emit(.error, event(), fields()) }
    }

    @inlinable public static func warning(_ event: @autoclosure () -> String, _ fields: @autoclosure () -> [Field] = []) {
        if isEnabled(.warning) { emit(.warning, event(), fields()) }
    }

    @inlinable public static func notice(_ event: @autoclosure () -> String, _ fields: @autoclosure () -> [Field] = []) {
        if isEnabled(.notice) { emit(.notice, event(), fields()) }
    }

    @inlinable public static func info(_ event: @autoclosure () -> String, _ fields: @autoclosure () -> [Field] = []) {
        if isEnabled(.info) { emit(.info, event(), fields()) }
    }

    @inlinable public static func debug(_ event: @autoclosure () -> String, _ fields: @autoclosure () -> [Field] = []) {
        if isEnabled(.debug) { emit(.debug, event(), fields()) }
    }

    /// Writes one event whose level is known at run time only, if the level in force lets it through.
    public static func event(_ level: LogLevel, _ event: @autoclosure () -> String, _ fields: @autoclosure () -> [Field] = []) {
        if isEnabled(level) { emit(level, event(), fields()) }
    }

    @usableFromInline static func emit(_ level: LogLevel, _ event: String, _ fields: [Field]) {
        Emitter.shared.emit(level, event, fields)
    }
}
