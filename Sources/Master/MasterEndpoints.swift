internal import IPC
internal import Supervision

/// Where this master can be found: its lock files and its control socket. A reload may move each of them.
final class MasterEndpoints {
    /// Another place, taken beside the present one; dropping it gives up what is new in it.
    struct Move {
        fileprivate var locks: [String: InstanceLock] = [:]
        fileprivate var control: ControlServer?
        fileprivate let paths: [String]
        fileprivate let group: UInt32?
    }

    /// Takes each request; answers through the client, now or later.
    var handler: (ControlRequest, ControlClient) -> Void = { _, _ in } {
        didSet { control.handler = handler }
    }

    private let loop: EventLoop
    private var path: String
    private var group: UInt32?
    private var locks: [String: InstanceLock]
    private var control: ControlServer
    /// Sockets that were left, for as long as somebody who came by them has a request under way.
    private var former: [ControlServer] = []

    /// Takes the place that the settings name; each is held by one master.
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

    /// Goes on at the place of another image of the program.
    init(_ settings: MasterSettings, adopting state: MasterState, on loop: EventLoop) {
        self.loop = loop
        path = settings.controlSocket
        group = settings.account?.group
        locks = Dictionary(state.locks.map { ($0.path, InstanceLock(adopting: $0)) }, uniquingKeysWith: { first, _ in first })
        control = ControlServer(path, adopting: state.control, state.clients, on: loop)
    }

    /// What another image of the program needs of it; who came by a socket that was left must ask again.
    var possessions: [MasterState.Lock] { locks.values.map(\.possession) }
    var listeningSocket: Int32 { control.listeningSocket }
    var clients: [ControlClient] { control.clients }

    /// Each with the option that says so.
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

    /// Takes another place without leaving this one.
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

    /// Leaves what is no longer named.
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

    /// Takes nobody any more and leaves nothing behind.
    func leave() {
        for server in former + [control] { server.close() }
        for lock in locks.values { lock.release() }
        locks = [:]
    }
}
