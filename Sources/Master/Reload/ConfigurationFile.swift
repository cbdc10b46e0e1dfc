internal import Configuration
internal import Glibc
internal import IPC

/// Reads a configuration file and checks it as far as the master can; certificates, keys and ciphers are left to the worker
/// program, which has the libraries.
enum ConfigurationFile {
    /// The outcome of reading a file.
    enum Reading {
        case usable(MasterSettings, ServerConfiguration, notes: [Note])
        /// The problems, one a line, as they are printed.
        case refused([String])
    }

    static func read(_ path: String) -> Reading {
        let text: [UInt8]
        do {
            text = try DiskFiles.contents(of: path)
        } catch {
            return .refused(["\(path): cannot read the configuration: \(error); name another with --config"])
        }
        let files = DiskFiles()
        switch ConfigurationLoader.load(text: text, path: path, files: files) {
        case .refused(let problems): return .refused(problems.map(\.description))
        case .loaded(let configuration, let notes):
            let bundle = ConfigurationBundle(
                path: path, text: text, files: files.files.map { .init(name: $0.path, contents: $0.contents) })
            do {
                return .usable(try settings(configuration, bundle), configuration, notes: notes)
            } catch {
                return .refused(["\(path): \(error.description)"])
            }
        }
    }

    /// Parses a configuration that the previous program has read.
    static func read(_ bundle: ConfigurationBundle) -> Reading {
        let files = BundledFiles(bundle.files.map { ConfiguredFile(path: $0.name, contents: $0.contents) })
        switch ConfigurationLoader.load(text: bundle.text, path: bundle.path, files: files) {
        case .refused(let problems): return .refused(problems.map(\.description))
        case .loaded(let configuration, let notes):
            do {
                return .usable(try settings(configuration, bundle), configuration, notes: notes)
            } catch {
                return .refused(["\(bundle.path): \(error.description)"])
            }
        }
    }

    /// A setting that is right in itself and cannot be used on this machine.
    struct SettingsError: Error, CustomStringConvertible {
        let description: String
    }

    private static func settings(_ configuration: ServerConfiguration, _ bundle: ConfigurationBundle) throws(SettingsError)
        -> MasterSettings
    {
        let native = configuration.native
        return MasterSettings(
            bundle: bundle, listeners: configuration.listeners.map(ListenerSetting.init),
            workers: native.workers ?? processors, workerProgram: native.workerProgram ?? OwnProgram.beside("xmppd-worker"),
            controlSocket: native.controlSocket, pidFile: native.pidFile, account: try account(native),
            logLevel: configuration.general.logLevel, stopMilliseconds: native.stopTimeout.milliseconds,
            drainMilliseconds: native.drainTimeout.milliseconds, silenceMilliseconds: native.watchdogTimeout.milliseconds)
    }

    /// The account that the package makes. Workers of a server that root starts become this user where the file names none.
    static let usualAccount = "xmppd"

    /// The account that workers become; nil if the master is not root: they stay what it is.
    private static func account(_ native: NativeConfiguration) throws(SettingsError) -> ProcessAccount? {
        guard geteuid() == 0 else { return nil }
        let name = native.user ?? usualAccount
        guard let user = getpwnam(name) else {
            if native.user == nil { return nil }
            throw SettingsError(description: "xmppd.user: there is no user \"\(name)\" on this machine; create it or name another")
        }
        var account = ProcessAccount(name: name, user: user.pointee.pw_uid, group: user.pointee.pw_gid)
        if let groupName = native.group {
            guard let group = getgrnam(groupName) else {
                throw SettingsError(
                    description: "xmppd.group: there is no group \"\(groupName)\" on this machine; create it or name another")
            }
            account.group = group.pointee.gr_gid
        }
        return account
    }

    /// The number of processors online, 1 to 64: more workers are not possible.
    private static var processors: Int { min(64, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}

extension ListenerSetting {
    init(_ listener: ListenerConfiguration) {
        let kind: ListenerDescriptor.Kind =
            switch listener {
            case .client: .client
            case .component: .component
            case .server: .server
            }
        let stream = listener.stream
        self.init(
            kind: kind, path: stream.place, position: stream.index - 1, address: stream.address,
            port: UInt16(clamping: stream.port), transport: stream.proto == .tcp ? .tcp : .udp,
            backlog: Int32(clamping: stream.backlog), acceptors: stream.numAcceptors, isShared: stream.reusePort)
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }
}
