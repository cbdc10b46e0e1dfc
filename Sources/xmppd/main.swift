// xmppd: the master process. Everything it does is in the room `Master`.
import Glibc
import IPC
import Master

func say(_ text: String, on descriptor: Int32) {
    let bytes = Array("\(text)\n".utf8)
    _ = write(descriptor, bytes, bytes.count)
}

let command: MasterCommand
do {
    command = try MasterCommand(CommandLine.arguments.dropFirst())
} catch {
    say("xmppd: \(error)", on: STDERR_FILENO)
    exit(64)
}

switch command {
case .help: say(MasterCommand.usage, on: STDOUT_FILENO)
case .version: say("\(ServerVersion.name) \(ServerVersion.number)", on: STDOUT_FILENO)
case .versions: say(MasterProcess.versions, on: STDOUT_FILENO)
case .adopt(let state, let path): exit(MasterProcess().adopt(state, path))
case .check(let path): exit(MasterProcess().check(path))
case .show(let path, let json): exit(MasterProcess().show(path, json: json))
case .options(let name, let json): exit(MasterProcess().options(name, json: json))
case .review(let path, let json): exit(MasterProcess().review(path, json: json))
case .run(let path): exit(MasterProcess().run(path))
}
