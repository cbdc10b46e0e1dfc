import Foundation
import TestKit

/// A program for `auth.external`, in Python: users and passwords in memory, and a few ways to misbehave.
enum PortPrograms {
    /// `USER`'s password is `USER-pw`. It writes its process ids to a file, and
    /// - ends in the middle of the question for the user `crash`,
    /// - never answers for `hang`,
    /// - answers something else for `babble`.
    static func write(to directory: ScratchDirectory, python: String) throws -> String {
        let text = """
            #!\(python)
            import os, sys, time
            with open("\(directory.file("port-pids"))", "a") as pids: pids.write(f"{os.getpid()}\\n")
            known = {name: name + "-pw" for name in ("juliet", "romeo", "crash", "hang", "babble")}
            read, write = sys.stdin.buffer, sys.stdout.buffer
            while len(head := read.read(2)) == 2:
                verb, user, domain, *rest = read.read(int.from_bytes(head, "big")).decode().split(":", 3)
                password = rest[0] if rest else None
                if user == "crash" and verb == "auth": os._exit(3)
                if user == "hang" and verb == "auth": time.sleep(3600)
                right = user in known and domain == "localhost"
                if verb == "auth": right = right and known[user] == password
                elif verb == "setpass" and right: known[user] = password
                elif verb == "tryregister":
                    right = not right and not user.startswith("no")
                    if right: known[user] = password
                elif verb == "removeuser" and right: del known[user]
                answer = b"what?" if user == "babble" and verb == "auth" else bytes((0, int(right)))
                write.write(len(answer).to_bytes(2, "big") + answer)
                write.flush()
            """
        let path = directory.file("port.py")
        try directory.write(text, to: "port.py")
        guard chmod(path, 0o755) == 0, chmod(directory.path, 0o755) == 0 else { throw TestFailure("chmod failed") }
        return path
    }

    /// Processes of the program that have been started, by its own account, and not ended.
    static func living(in directory: ScratchDirectory) -> [Int32] {
        directory.read("port-pids").split(separator: "\n").compactMap { Int32($0) }.filter { isThere($0) }
    }

    static func started(in directory: ScratchDirectory) -> Int {
        directory.read("port-pids").split(separator: "\n").count
    }

    /// Whether there is a process of this number, be it a zombie.
    static func isThere(_ pid: Int32) -> Bool { FileManager.default.fileExists(atPath: "/proc/\(pid)") }
}
