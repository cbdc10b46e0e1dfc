/// What the command line of `xmppd` asks for.
public enum MasterCommand: Equatable, Sendable {
    case run(configuration: String)
    case check(configuration: String)
    case show(configuration: String, json: Bool)
    case options(name: String?, json: Bool)
    /// A report on a file of MongooseIM, setting by setting.
    case review(configuration: String, json: Bool)
    case version
    /// The versions of this program's protocols, for a running server that is about to be replaced by it.
    case versions
    /// Go on where the previous program of this process stopped; its state is in that descriptor.
    case adopt(Int32, configuration: String)
    case help

    public static let defaultConfiguration = "/etc/xmppd/xmppd.toml"

    /// - Parameter arguments: without the program's name.
    public init(_ arguments: some Sequence<String>) throws(UsageError) {
        var path = Self.defaultConfiguration
        var verb = Verb.run
        var name: String?
        var isJSON = false
        var state: Int32?
        var arguments = arguments.makeIterator()
        while let argument = arguments.next() {
            switch argument {
            case "-h", "--help":
                self = .help
                return
            case "--version":
                self = .version
                return
            case "--versions":
                self = .versions
                return
            case "--adopt":
                guard let number = arguments.next().flatMap(Int32.init), number > 2 else { throw .missingValue(argument) }
                state = number
            case "--check": verb = .check
            case "--show": verb = .show
            case "--options": verb = .options
            case "--import": verb = .review
            case "--json": isJSON = true
            case "-f", "--foreground": break
            case "-c", "--config", "--name":
                guard let value = arguments.next(), !value.isEmpty else { throw .missingValue(argument) }
                if argument == "--name" { name = value } else { path = value }
            default:
                guard argument.hasPrefix("--config=") else { throw .unknown(argument) }
                path = String(argument.dropFirst("--config=".count))
                if path.isEmpty { throw .missingValue("--config") }
            }
        }
        if let state {
            self = .adopt(state, configuration: path)
            return
        }
        switch verb {
        case .run: self = .run(configuration: path)
        case .check: self = .check(configuration: path)
        case .show: self = .show(configuration: path, json: isJSON)
        case .options: self = .options(name: name, json: isJSON)
        case .review: self = .review(configuration: path, json: isJSON)
        }
    }

    private enum Verb { case run, check, show, options, review }

    public static let usage = """
        usage: xmppd [--config FILE] [--foreground]
               xmppd [--config FILE] --check
               xmppd [--config FILE] --show [--json]
               xmppd --options [--name NAME] [--json]
               xmppd --config FILE --import [--json]

        The XMPP server. It stays in the foreground; `xmppctl start` puts it into the background.

          -c, --config FILE  the configuration (default: \(defaultConfiguration))
          -f, --foreground   accepted; there is no other way
              --check        check the configuration, print every problem, start nothing
              --show         print what holds of every option, and why
              --options      print the options there are, or those of one name
              --name NAME    which options
              --import       print what every setting of a mongooseim.toml comes to
              --json         print as JSON
              --version      print the version
              --versions     print the versions of what the processes speak to one another
          -h, --help         print this

        Signals: TERM and INT stop the server in order, HUP reloads the configuration, USR2 executes the
        program anew in the master's place, without a worker noticing.
        Exit status: 0 stopped in order, 64 wrong usage, 69 another xmppd runs or an address is taken,
        71 the system refused, 78 the configuration has problems.
        """
}

public enum UsageError: Error, Equatable, Sendable, CustomStringConvertible {
    case unknown(String)
    case missingValue(String)

    public var description: String {
        switch self {
        case .unknown(let argument): "unknown argument \"\(argument)\"; see xmppd --help"
        case .missingValue(let argument): "\(argument) needs a value; see xmppd --help"
        }
    }
}
