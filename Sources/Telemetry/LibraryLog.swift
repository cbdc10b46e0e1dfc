internal import Logging
internal import Synchronization

/// What libraries log through swift-log comes out in our form, under our level.
struct LibraryLog: LogHandler {
    private static let installed = Mutex(false)

    /// Takes over swift-log for this process; once, since swift-log does not allow a second time.
    static func install() {
        let first = installed.withLock { done in
            defer { done = true }
            return !done
        }
        if first { LoggingSystem.bootstrap { LibraryLog(label: $0) } }
    }

    let label: String
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    /// Everything passes here; `Log.level` decides.
    var logLevel: Logger.Level = .trace

    init(label: String) { self.label = label }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let level = LogLevel(event.level)
        guard Log.isEnabled(level) else { return }
        var facts = metadata
        if let provided = metadataProvider?.get() { facts.merge(provided) { _, new in new } }
        if let own = event.metadata { facts.merge(own) { _, new in new } }
        let fields = facts.sorted { $0.key < $1.key }.map { Field(name: $0.key, value: "\($0.value)") }
        Log.emit(level, event.message.description, [Field("library", label)] + fields)
    }
}

extension LogLevel {
    init(_ level: Logger.Level) {
        switch level {
        case .trace: self = .all
        case .debug: self = .debug
        case .info: self = .info
        case .notice: self = .notice
        case .warning: self = .warning
        case .error: self = .error
        case .critical: self = .critical
        }
    }
}
