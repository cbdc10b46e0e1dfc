import Configuration
import Glibc
import IPC
import Kernel
import Network
import SharedState
import TestKit
import Testing

@testable import Worker

/// One worker in this process: a segment, a database, listeners with sockets of their own, and no master. Its loop is that of
/// all tests of this room; a suite starts it before its tests.
@LoopActor
final class WorkerStage {
    nonisolated static let domain = "localhost"

    let runtime: WorkerRuntime
    /// The segment as another process would see it.
    let segment: SharedSegment
    /// The port of each listener, in the order of the file.
    nonisolated let ports: [UInt16]
    private let directory: ScratchDirectory
    var databasePath: String { directory.file("worker.sqlite") }
    /// Like that of a process, each lives to the end.
    private static var runtimes: [WorkerRuntime] = []

    /// - Parameters:
    ///   - listeners: the lines of each `[[listen.c2s]]`.
    ///   - rest: whatever else the file says.
    ///   - passwords: how they are kept.
    init(
        _ listeners: String..., access: String = "all", rest: String = "", files: [ConfigurationBundle.File] = [],
        passwords: String = "scram", catalog: [any Module.Type] = []
    ) async throws {
        directory = try ScratchDirectory()
        let bundle = Self.bundle(listeners, access: access, rest: rest, in: directory, files: files, passwords: passwords)
        segment = try SharedSegment.create(workers: 128, sessions: 1000)
        let arguments = WorkerArguments(slot: 0, incarnation: 1, workers: 1, logLevel: "error")
        runtime = try await WorkerRuntime.make(
            arguments, try PreparedConfiguration(bundle), segment: fcntl(segment.descriptor, F_DUPFD_CLOEXEC, 0),
            catalog: catalog)
        Self.runtimes.append(runtime)
        var ports: [UInt16] = []
        for position in listeners.indices {
            let socket = try ListeningSocket()
            runtime.listen(Self.descriptor(position, socket.port), socket.descriptor)
            ports.append(socket.port)
        }
        self.ports = ports
    }

    /// The listener at this position, as the master describes it.
    nonisolated static func descriptor(_ position: Int, _ port: UInt16) -> ListenerDescriptor {
        ListenerDescriptor(
            index: UInt16(position), kind: .client, position: UInt16(position), address: "127.0.0.1", port: port)
    }

    nonisolated static func bundle(
        _ listeners: [String], access: String = "all", rest: String = "", in directory: ScratchDirectory,
        files: [ConfigurationBundle.File] = [], passwords: String = "scram"
    ) -> ConfigurationBundle {
        let text = """
            [general]
              hosts = ["\(domain)"]
              default_server_domain = "\(domain)"
              registration_timeout = "infinity"
            [auth.internal]
            [auth.password]
              format = "\(passwords)"
              scram_iterations = 4096
            \(listeners.enumerated().map { listener($0, access, $1) }.joined(separator: "\n"))
            [xmppd]
              storage.path = "\(directory.file("worker.sqlite"))"
            \(rest)
            """
        return ConfigurationBundle(path: "stage.toml", text: Array(text.utf8), files: files)
    }

    private nonisolated static func listener(_ position: Int, _ access: String, _ lines: String) -> String {
        """
        [[listen.c2s]]
          port = \(5222 + position)
          access = "\(access)"
          \(lines)
        """
    }

    /// Another configuration of the same worker.
    func bundle(_ listeners: String...) -> ConfigurationBundle { Self.bundle(listeners, in: directory) }

    /// The lines of `tls` of a listener with that certificate, and the files that a bundle has for it.
    nonisolated static func tls(_ mode: String, _ certificate: Certificate, in directory: ScratchDirectory) -> (
        lines: String, files: [ConfigurationBundle.File]
    ) {
        let lines = """
            tls.mode = "\(mode)"
              tls.module = "just_tls"
              tls.verify_mode = "none"
              tls.certfile = "\(certificate.certificate)"
              tls.keyfile = "\(certificate.key)"
            """
        let files = [certificate.certificate, certificate.key].map { path in
            ConfigurationBundle.File(
                name: path, contents: Array(directory.read(String(path.split(separator: "/").last ?? "")).utf8))
        }
        return (lines, files)
    }

    /// Reads something on the loop.
    func see<T: Sendable>(_ fact: @LoopActor (WorkerRuntime) throws -> T) rethrows -> T { try fact(runtime) }

    /// Waits until something holds on the loop; false after ten seconds.
    func until(_ condition: @LoopActor (WorkerRuntime) -> Bool) async -> Bool {
        // By a clock that runs, also where the loop's stands.
        let deadline = Deadline(seconds: 10)
        while !condition(runtime) {
            if deadline.hasPassed { return false }
            try? await Task.sleep(for: .milliseconds(1))
        }
        return true
    }

    /// Makes an account by the administrator's verb.
    func account(_ user: String, password: String = "secret") async throws {
        let result = await runtime.server.perform(
            "account.add", ["jid": .string("\(user)@\(Self.domain)"), "password": .string(password)])
        guard case .success = result else { throw TestFailure("no account: \(result)") }
    }

    /// Puts another configuration in force, as at the end of a reload.
    func apply(_ bundle: ConfigurationBundle, _ listeners: [ListenerDescriptor]) async throws -> ReloadEffects {
        let staged = StagedConfiguration(generation: 2, bundle: bundle, workers: 1, listeners: listeners)
        return await runtime.apply(try PreparedConfiguration(bundle), staged)
    }

    /// Closes everything. Nothing can be asked of the stage afterwards.
    func end() async {
        runtime.stopAccepting(othersGoOn: false)
        runtime.closeAll()
        await runtime.finish()
    }
}

/// A bound socket that the system chose the port of. Who takes the descriptor closes it.
struct ListeningSocket {
    let descriptor: Int32
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && Glibc.listen(descriptor, 16) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw TestFailure("no port to listen at") }
        port = UInt16(bigEndian: address.sin_port)
    }
}
