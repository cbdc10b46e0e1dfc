internal import IPC
internal import Supervision

/// The master's lock files and control socket. A reload may move each of them.
final class MasterEndpoints {
    /// Locks and a control socket at other paths, taken beside the present ones; `abandon` gives the new ones up.
    struct Move {
        fileprivate var locks: [String: InstanceLock] = [:]
        fileprivate var control: ControlServer?
        fileprivate let paths: [String]
        fileprivate let group: UInt32?
    }

    /// Handles a request; the answer goes through the client, now or later.
    var handler: (ControlRequest, ControlClient) -> Void = { _, _ in } {
        didSet { control.handler = handler }
    }

    private let loop: EventLoop
    private var path: String
    private var group: UInt32?
    private var locks: [String: InstanceLock]
    private var control: ControlServer
    /// Former control sockets whose clients have requests under way; each is dropped after the last of them.
    private var former: [ControlServer] = []

    /// Locks the files and opens the socket that the settings name; each is one master's.
    init(_ settings: MasterSettings, on loop: EventLoop) throws {
        self.loop = loop
        path = settings.controlSocket
        group = settings.account?.group
        locks = try Self.lock(Self.paths(settings))
        do throws(ControlServer.Failure) {
            control = try ControlServer(path, group: group, on: loop)
        } catch {
            for lock in locks.values { lock.release() }
            throw Self.failure(of: error)
        }
    }

    /// Goes on with the locks and the socket of the previous program.
    init(_ settings: MasterSettings, adopting state: MasterState, on loop: EventLoop) {
        self.loop = loop
        path = settings.controlSocket
        group = settings.account?.group
        locks = Dictionary(state.locks.map { ($0.path, InstanceLock(adopting: $0)) }, uniquingKeysWith: { first, _ in first })
        control = ControlServer(path, adopting: state.control, state.clients, on: loop)
    }

    /// The locks, for the next program. Clients of former sockets are not handed on: they must ask again.
    var possessions: [MasterState.Lock] { locks.values.map(\.possession) }
    var listeningSocket: Int32 { control.listeningSocket }
    var clients: [ControlClient] { control.clients }

    /// The paths of the locks, each with its option.
    private static func paths(_ settings: MasterSettings) -> [(path: String, option: String)] {
        [(settings.controlSocket + ".lock", "xmppd.control_socket"), (settings.pidFile, "xmppd.pid_file")]
    }

    private static func failure(of failure: ControlServer.Failure) -> StartFailure {
        StartFailure(status: ExitStatus.unavailable, description: "xmppd.control_socket: \(failure)")
    }

    private static func lock(_ paths: [(path: String, option: String)]) throws(StartFailure) -> [String: InstanceLock] {
        var locks: [String: InstanceLock] = [:]
        for (path, option) in paths where locks[path] == nil {
            MasterProcess.makeDirectory(of: path)
            do throws(InstanceLock.Failure) {
                locks[path] = try InstanceLock(path)
            } catch {
                for lock in locks.values { lock.release() }
                throw StartFailure(status: ExitStatus.unavailable, description: "\(option): \(error)")
            }
        }
        return locks
    }

    /// Takes what other settings name without giving up what is there.
    func prepare(_ settings: MasterSettings) throws(StartFailure) -> Move {
        let paths = Self.paths(settings)
        var move = Move(paths: paths.map(\.path), group: settings.account?.group)
        move.locks = try Self.lock(paths.filter { locks[$0.path] == nil })
        guard settings.controlSocket != path else { return move }
        do throws(ControlServer.Failure) {
            move.control = try ControlServer(settings.controlSocket, group: move.group, on: loop)
        } catch {
            abandon(move)
            throw Self.failure(of: error)
        }
        return move
    }

    func abandon(_ move: Move) {
        move.control?.close()
        for lock in move.locks.values { lock.release() }
    }

    /// Puts a move in force and gives up what the settings no longer name.
    func take(_ move: Move, _ settings: MasterSettings) {
        for (path, lock) in locks where !move.paths.contains(path) {
            lock.release()
            locks[path] = nil
        }
        locks.merge(move.locks) { old, _ in old }
        if let new = move.control {
            control.retire()
            former.append(control)
            control = new
            control.handler = handler
            path = settings.controlSocket
        } else if move.group != group {
            control.give(to: move.group)
        }
        group = move.group
        former.removeAll(where: \.isDeserted)
    }

    /// Whether replies still wait to be sent.
    var isFlushed: Bool { control.isFlushed && former.allSatisfy(\.isFlushed) }

    /// Closes the sockets and removes the files.
    func leave() {
        for server in former + [control] { server.close() }
        for lock in locks.values { lock.release() }
        locks = [:]
    }
}
