// What the master and its workers may say to one another. The whole contract is this file; `ContractCoding.swift`
// holds only the order of the fields, `WorkerArguments.swift` the command line that a worker is started with.
//
// Descriptors of a worker at its start: 0 /dev/null, 1 and 2 as the master's, 3 the control channel (AF_UNIX stream);
// nothing else is open. INT, TERM and HUP are blocked, since a terminal or a service manager sends them to the whole family;
// a worker stops when it is told to. End of file on 3 means that the master is gone: the worker finishes what is begun and leaves.
//
// A worker's life:
//   worker: hello → master: logLevel?, configure, segment, listener…, mesh…, start → worker: ready (or refused)
//   then, at any time, master: prepare, listener…, commit/abort; mesh, meshGone, collectOrphans, operation, logLevel,
//   drain, stop; worker: report.
// A worker that is not ready within the deadline is killed. One that receives a malformed message exits with status 70;
// one that sends a malformed message is killed and named.
//
// A slot is 0 to 127: that of a worker's position, or that plus 64, so that a worker and its replacement live side by side.
//
// `xmppd-worker --versions` prints one line, `ProgramVersions`, and ends with status 0.
// `xmppd-worker --check` reads one `configure` on descriptor 0 and answers `ready` or `refused` on descriptor 1 (both
// the same AF_UNIX stream socket); its exit status is 0 or 78. `--storage` may follow, to find out whether the database can be
// written as well, and `--account`, as in `WorkerArguments`.

/// The version of everything in this file. A worker of another version is refused at its hello.
public let contractVersion: UInt16 = 4

/// The descriptor of a worker's control channel.
public let controlDescriptor: Int32 = 3

/// Master → worker.
public enum MasterMessage: Sendable, Equatable {
    /// The first message after the hello: the checked configuration. Reply: none, or `refused`.
    case configure(ConfigurationBundle)
    /// With a descriptor: the shared-memory segment. Reply: none.
    case segment
    /// With a descriptor: a bound, listening socket; a listener may have several. Accept nothing before `start` or, after a
    /// `prepare`, before its `commit`. Reply: none.
    case listener(ListenerDescriptor)
    /// With a descriptor: one end of a stream to another worker, which replaces any earlier one to that slot. Reply: none.
    case mesh(slot: UInt8, incarnation: UInt32)
    /// That worker is dead: its sessions are orphans. Reply: none.
    case meshGone(slot: UInt8, incarnation: UInt32)
    /// All that a worker needs has been handed over. Reply: `ready` or `refused`, within the deadline.
    case start
    /// Build this configuration completely, beside the one in force. With it, these listeners are all there are: one that
    /// is known by its index stays, also at another address, one that is missing goes. The sockets of those at new
    /// addresses follow as `listener`. There will be so many positions. Reply: `prepared` or `rejected`.
    case prepare(generation: UInt32, ConfigurationBundle, workers: UInt8, listeners: [ListenerDescriptor])
    /// Put the prepared configuration in force. Reply: `committed`.
    case commit(generation: UInt32)
    /// Forget the prepared configuration and close the sockets that came with it. Reply: none.
    case abort(generation: UInt32)
    /// Stop accepting, hand sessions that can be resumed to the worker in that slot, give the others that time, end the
    /// rest with `system-shutdown`, leave. Reply: `leaving` again and again, `stopped`, then exit 0.
    case drain(successor: UInt8, deadlineMilliseconds: UInt32)
    /// Announce the end of the sessions that this slot's workers up to that one have left behind. Reply: `collected`.
    case collectOrphans(slot: UInt8, incarnation: UInt32)
    /// Stop accepting, end every stream with `system-shutdown`, leave within the deadline. Reply: `leaving` again
    /// and again, `stopped`, then exit 0.
    case stop(deadlineMilliseconds: UInt32)
    /// Carry out an administrator's verb. Reply: any number of `operationProgress`, then one `operationReply`, same id.
    case operation(id: UInt64, verb: String, arguments: Value)
    /// The level of the log, by its name in the configuration. Reply: none.
    case logLevel(String)
}

/// Worker → master.
public enum WorkerMessage: Sendable, Equatable {
    /// The first message of a worker. Reply: `configure` and the rest.
    case hello(Hello)
    /// Connections are being served. Reply: none.
    case ready
    /// This worker cannot serve that configuration; it exits with status 78. Reply: none.
    case refused([ReportedProblem])
    /// How the worker fares; sent once a second, and its absence is visible. Reply: none.
    case report(LoadReport)
    /// The configuration of `prepare` can be put in force. Reply: `commit` or `abort`.
    case prepared(generation: UInt32)
    /// The configuration of `prepare` cannot be put in force; nothing has changed. Reply: `abort`.
    case rejected(generation: UInt32, [ReportedProblem])
    /// The configuration of `prepare` is in force, and this is what it did. Reply: none.
    case committed(generation: UInt32, ReloadEffects)
    /// A part of the result of a verb that answers little by little. Reply: none.
    case operationProgress(id: UInt64, Value)
    /// The end of a verb. Reply: none.
    case operationReply(id: UInt64, OperationResult)
    /// How far a worker is with `drain` or `stop`. Reply: none.
    case leaving(LeaveReport)
    /// Nothing is left of what the workers of this slot up to that one had in the session table. Reply: none.
    case collected(slot: UInt8, incarnation: UInt32)
    /// Every stream has ended after `stop` or `drain`; the exit follows. Reply: none.
    case stopped
}

/// Who a worker is.
public struct Hello: Sendable, Equatable {
    public var version: UInt16
    public var pid: Int32
    public var slot: UInt8
    public var incarnation: UInt32

    public init(version: UInt16 = contractVersion, pid: Int32, slot: UInt8, incarnation: UInt32) {
        self.version = version
        self.pid = pid
        self.slot = slot
        self.incarnation = incarnation
    }
}

/// A configuration as its source text, with the contents of every file that it names, so that a worker runs the same
/// `Configuration` code over the same bytes and needs no file.
public struct ConfigurationBundle: Sendable, Equatable {
    public struct File: Sendable, Equatable {
        /// As the configuration names it.
        public var name: String
        public var contents: [UInt8]

        public init(name: String, contents: [UInt8]) {
            self.name = name
            self.contents = contents
        }
    }

    public var path: String
    public var text: [UInt8]
    public var files: [File]

    public init(path: String, text: [UInt8], files: [File]) {
        self.path = path
        self.text = text
        self.files = files
    }
}

/// What came of a reload in one worker.
public struct ReloadEffects: Sendable, Equatable {
    /// Streams that were closed because what they depended on is gone.
    public struct Closing: Sendable, Equatable {
        public enum Cause: UInt8, Sendable { case host = 1, listener }

        public var cause: Cause
        /// The domain, or the listener's former address and port.
        public var subject: String
        /// Streams with a session, and those that had none yet.
        public var sessions: UInt32
        public var others: UInt32

        public init(cause: Cause, subject: String, sessions: UInt32, others: UInt32) {
            self.cause = cause
            self.subject = subject
            self.sessions = sessions
            self.others = others
        }
    }

    public var closings: [Closing]
    /// The longest time that the worker did nothing else, in microseconds.
    public var pauseMicroseconds: UInt32

    public init(closings: [Closing] = [], pauseMicroseconds: UInt32 = 0) {
        self.closings = closings
        self.pauseMicroseconds = pauseMicroseconds
    }
}

/// A listening socket. All workers wait at the same one, or each at one of its own (SO_REUSEPORT).
public struct ListenerDescriptor: Sendable, Equatable {
    public enum Kind: UInt8, Sendable { case client = 1, server, component, http }

    /// A datagram socket is bound, not listening: what comes is read and counted, never answered.
    public enum Transport: UInt8, Sendable { case tcp = 1, udp }

    /// The listener's number for as long as it lives, whatever its place in the configuration: that of its shared counters.
    public var index: UInt16
    public var kind: Kind
    /// Position in the configuration's list of its kind (`listen.c2s[1]`), from 0.
    public var position: UInt16
    /// Numeric.
    public var address: String
    /// The bound port, also where the configuration says 0.
    public var port: UInt16
    public var transport: Transport

    public init(
        index: UInt16, kind: Kind, position: UInt16, address: String, port: UInt16, transport: Transport = .tcp
    ) {
        self.index = index
        self.kind = kind
        self.transport = transport
        self.position = position
        self.address = address
        self.port = port
    }
}

/// How a worker fares.
public struct LoadReport: Sendable, Equatable {
    public var sessions: UInt32
    public var connections: UInt32
    /// Stanzas handled since the start.
    public var stanzas: UInt64
    /// How late the loop's last timer was, in microseconds.
    public var lagMicroseconds: UInt32
    /// The connections to other services that are in use.
    public var pools: [PoolReport]

    public init(
        sessions: UInt32, connections: UInt32, stanzas: UInt64, lagMicroseconds: UInt32, pools: [PoolReport] = []
    ) {
        self.sessions = sessions
        self.connections = connections
        self.stanzas = stanzas
        self.lagMicroseconds = lagMicroseconds
        self.pools = pools
    }
}

/// What a worker that leaves still has.
public struct LeaveReport: Sendable, Equatable {
    public var sessions: UInt32
    /// Those before login included.
    public var connections: UInt32
    /// Sessions that another worker has taken over, since the beginning of the end.
    public var moved: UInt32
    /// Sessions that are being handed over now.
    public var moving: UInt32

    public init(sessions: UInt32, connections: UInt32, moved: UInt32, moving: UInt32) {
        self.sessions = sessions
        self.connections = connections
        self.moved = moved
        self.moving = moving
    }
}

/// How a worker's pool of connections to another service fares.
public struct PoolReport: Sendable, Equatable {
    public enum State: UInt8, Sendable { case untried = 0, up, down }

    /// `http`, `ldap` or `rdbms`.
    public var kind: String
    public var tag: String
    /// The host that has the pool for itself; empty for one that all share.
    public var host: String
    public var state: State
    /// How long it has been so.
    public var sinceMilliseconds: UInt64
    public var connections: UInt32
    /// Questions that wait for a connection.
    public var waiting: UInt32
    /// Questions and tries to connect that failed, since the pool was made.
    public var failures: UInt64
    /// Why it is down; empty if it is not.
    public var reason: String

    public init(
        kind: String, tag: String, host: String, state: State, sinceMilliseconds: UInt64, connections: UInt32,
        waiting: UInt32, failures: UInt64, reason: String
    ) {
        self.kind = kind
        self.tag = tag
        self.host = host
        self.state = state
        self.sinceMilliseconds = sinceMilliseconds
        self.connections = connections
        self.waiting = waiting
        self.failures = failures
        self.reason = reason
    }
}

/// A mistake in a configuration that only a worker can see: a certificate, a cipher, a chain.
public struct ReportedProblem: Sendable, Equatable {
    public var file: String
    /// From 1; 0 if the problem has no place in a file.
    public var line: UInt32
    public var column: UInt32
    /// `listen.c2s[1].tls.certfile`
    public var path: String
    /// What was found, what was expected, what to do.
    public var text: String

    public init(file: String, line: UInt32, column: UInt32, path: String, text: String) {
        self.file = file
        self.line = line
        self.column = column
        self.path = path
        self.text = text
    }
}

/// What came of a verb.
public enum OperationResult: Sendable, Equatable {
    case success(Value)
    /// - Parameters:
    ///   - code: stable, for programs: `not-found`, `bad-argument`, `unavailable` …
    ///   - text: a sentence for people.
    case failure(code: String, text: String)
}
