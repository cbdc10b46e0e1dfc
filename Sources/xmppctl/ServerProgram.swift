import Glibc

/// Where the program of the server is.
enum ServerProgram {
    private static let directories = ["/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/usr/bin"]

    /// `$XMPPD_PROGRAM`, or `xmppd` beside this program, in the `sbin` beside its directory, or at a usual place.
    static func path(_ console: Console) throws(CommandError) -> String {
        if let path = console.environment("XMPPD_PROGRAM") { return path }
        let own = ownDirectory
        let candidates = ([own, own + "/../sbin"] + directories).map { $0 + "/xmppd" }
        guard let found = candidates.first(where: { access($0, X_OK) == 0 }) else {
            throw CommandError("there is no program xmppd in \(candidates.joined(separator: ", ")): name it in XMPPD_PROGRAM")
        }
        return found
    }

    private static var ownDirectory: String {
        var name = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &name, name.count)
        let path = String(decoding: name.prefix(max(0, count)), as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
