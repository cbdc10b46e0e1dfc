internal import Glibc

/// Where the lines of the log go.
public enum LogSink: Sendable {
    /// Lines on standard error.
    case standardError
    /// The journal of systemd, with each field as a journal field.
    case journal
    /// The journal when standard error is connected to it (`JOURNAL_STREAM`, systemd.exec(5)), else standard error.
    case automatic

    func destination() -> LogDestination {
        switch self {
        case .standardError: .lines(prefixed: false)
        case .journal: .journal
        case .automatic: standardErrorIsJournal() ? .journal : .lines(prefixed: false)
        }
    }
}

/// A resolved sink. `prefixed` puts sd-daemon(3)'s `<priority>` before each line.
enum LogDestination: Equatable {
    case lines(prefixed: Bool)
    case journal
}

/// Whether `JOURNAL_STREAM` (`device:inode`) names what standard error is. A mere presence of the variable does not
/// count: it is inherited by processes whose standard error was redirected since.
private func standardErrorIsJournal() -> Bool {
    guard let stream = getenv("JOURNAL_STREAM") else { return false }
    var status = stat()
    guard fstat(STDERR_FILENO, &status) == 0 else { return false }
    return String(cString: stream) == "\(status.st_dev):\(status.st_ino)"
}
