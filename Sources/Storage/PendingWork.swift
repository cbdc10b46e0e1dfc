/// Work that waits for a connection, with its caller: attempted at least once, answered exactly once.
protocol PendingWork: AnyObject, Sendable {
    /// Whether its transaction must be on the disk before it is answered.
    var isDurable: Bool { get }
    /// The failure that it would be answered with now.
    var failure: StorageError? { get }
    /// Runs the work and keeps its result, replacing an earlier one. Returns the failure, if it failed.
    func attempt(_ connection: any SQLConnection) -> StorageError?
    /// Replaces whatever result it has by a failure.
    func fail(_ error: StorageError)
    /// Hands the result to the caller.
    func answer()
}

/// The work of one call of `read` or `write`.
///
/// `@unchecked`: it is owned by the caller until it is queued, then by the one thread that took it from the queue.
final class PendingCall<T: Sendable>: PendingWork, @unchecked Sendable {
    let isDurable: Bool
    private let work: @Sendable (any SQLConnection) throws(StorageError) -> T
    private let caller: CheckedContinuation<Result<T, StorageError>, Never>
    private var result: Result<T, StorageError> = .failure(.unavailable("the work was not run"))

    init(
        durable: Bool, caller: CheckedContinuation<Result<T, StorageError>, Never>,
        work: @escaping @Sendable (any SQLConnection) throws(StorageError) -> T
    ) {
        self.isDurable = durable
        self.caller = caller
        self.work = work
    }

    func attempt(_ connection: any SQLConnection) -> StorageError? {
        do throws(StorageError) {
            result = .success(try work(connection))
            return nil
        } catch {
            result = .failure(error)
            return error
        }
    }

    var failure: StorageError? {
        switch result {
        case .success: nil
        case .failure(let error): error
        }
    }

    func fail(_ error: StorageError) { result = .failure(error) }

    func answer() { caller.resume(returning: result) }
}
