internal import CPlatform
internal import Glibc
internal import IPC
internal import SharedState
internal import Supervision

/// Why the server cannot start although its configuration is right.
struct StartFailure: Error, CustomStringConvertible {
    /// The exit status of the process.
    let status: Int32
    let description: String
}

extension MasterProcess {
    /// The control socket and the pid file are each held by one master.
    static func lock(_ settings: MasterSettings) throws(StartFailure) -> [InstanceLock] {
        var locks: [InstanceLock] = []
        for path in [settings.controlSocket + ".lock", settings.pidFile] {
            makeDirectory(of: path)
            do throws(InstanceLock.Failure) {
                locks.append(try InstanceLock(path))
            } catch {
                for lock in locks { lock.release() }
                throw StartFailure(status: ExitStatus.unavailable, description: error.description)
            }
        }
        return locks
    }

    /// The directory itself, not those above it: /run is empty after each boot.
    private static func makeDirectory(of path: String) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        mkdir(String(path[..<slash]), 0o755)
    }

    static func bind(_ settings: MasterSettings) throws(StartFailure) -> ListenerSet {
        do throws(ListenerSet.Failure) {
            return try ListenerSet(settings.listeners, workers: settings.workers)
        } catch {
            throw StartFailure(status: ExitStatus.unavailable, description: error.description)
        }
    }

    static func segment(_ settings: MasterSettings) throws(StartFailure) -> SharedSegment {
        let segment: SharedSegment
        do throws(SegmentError) {
            segment = try SharedSegment.create(workers: WorkerName.slots)
        } catch {
            throw StartFailure(status: ExitStatus.osError, description: "cannot create the shared memory: \(error)")
        }
        let count = settings.listeners.count, limit = ListenerCounters(segment).capacity
        guard count <= limit else {
            throw StartFailure(status: ExitStatus.configuration, description: "\(count) listeners, but at most \(limit) are possible")
        }
        return segment
    }
}

/// What the master holds from its start to its end.
struct Possessions {
    let locks: [InstanceLock]
    let listeners: ListenerSet
    let segment: SharedSegment
    let control: ControlServer

    static func take(_ settings: MasterSettings, on loop: EventLoop) throws -> Possessions {
        let locks = try MasterProcess.lock(settings)
        do {
            let listeners = try MasterProcess.bind(settings)
            let segment = try MasterProcess.segment(settings)
            let control = try ControlServer(settings.controlSocket, group: settings.account?.group, on: loop)
            return Possessions(locks: locks, listeners: listeners, segment: segment, control: control)
        } catch {
            for lock in locks { lock.release() }
            throw error
        }
    }

    /// What another image of the program has held.
    static func adopt(_ state: MasterState, _ settings: MasterSettings, on loop: EventLoop) throws -> Possessions {
        Possessions(
            locks: state.locks.map { InstanceLock(adopting: $0) }, listeners: ListenerSet(adopting: state.listeners),
            segment: try SharedSegment(attach: state.segment),
            control: ControlServer(settings.controlSocket, adopting: state.control, state.clients, on: loop))
    }

    func release() {
        control.close()
        for lock in locks { lock.release() }
    }
}

extension Descriptor {
    /// Blocks these signals and gives a descriptor that tells of them.
    static func signals(_ numbers: [Int32]) throws(SystemFailure) -> Descriptor {
        try descriptor(cplatform_signalfd(numbers, numbers.count), "signalfd")
    }
}
