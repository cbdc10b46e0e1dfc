internal import CPlatform
internal import Glibc
internal import IPC
internal import SharedState
internal import Supervision

/// A failure to start with a configuration that is right.
struct StartFailure: Error, CustomStringConvertible {
    /// The exit status of the process.
    let status: Int32
    let description: String
}

extension MasterProcess {
    /// Makes the directory of a file, not those above it: /run is empty after each boot.
    static func makeDirectory(of path: String) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        mkdir(String(path[..<slash]), 0o755)
    }

    static func bind(_ settings: MasterSettings) throws(StartFailure) -> ListenerSet {
        let sockets = try SocketActivation.take()
        let (places, problems) = SocketActivation.match(sockets.map(\.0), settings.listeners)
        guard problems.isEmpty else {
            throw StartFailure(status: ExitStatus.configuration, description: problems.joined(separator: "\nxmppd: "))
        }
        let handed = Dictionary(uniqueKeysWithValues: zip(places, sockets.map(\.1)))
        do throws(ListenerSet.Failure) {
            return try ListenerSet(settings.listeners, workers: settings.workers, handed: handed)
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
        return segment
    }
}

/// The resources that the master holds from its start to its end.
struct MasterResources {
    let seat: MasterEndpoints
    let listeners: ListenerSet
    let segment: SharedSegment

    static func take(_ settings: MasterSettings, on loop: EventLoop) throws -> MasterResources {
        let seat = try MasterEndpoints(settings, on: loop)
        do {
            let listeners = try MasterProcess.bind(settings)
            return MasterResources(seat: seat, listeners: listeners, segment: try MasterProcess.segment(settings))
        } catch {
            seat.leave()
            throw error
        }
    }

    /// The resources of the previous program.
    static func adopt(_ state: MasterState, _ settings: MasterSettings, on loop: EventLoop) throws -> MasterResources {
        MasterResources(
            seat: MasterEndpoints(settings, adopting: state, on: loop), listeners: ListenerSet(adopting: state.listeners),
            segment: try SharedSegment(attach: state.segment))
    }

    func release() {
        seat.leave()
    }
}

extension Descriptor {
    /// Blocks these signals and opens a signalfd(2) for them.
    static func signals(_ numbers: [Int32]) throws(SystemFailure) -> Descriptor {
        try descriptor(cplatform_signalfd(numbers, numbers.count), "signalfd")
    }
}
