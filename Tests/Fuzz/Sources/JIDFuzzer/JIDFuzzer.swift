import CFuzzer
import XMPP

/// What is an address is prepared: it is the same when it is read again, whole or by its parts.
@main
enum JIDFuzzer {
    static func main() {
        var (count, arguments) = (CommandLine.argc, Optional(CommandLine.unsafeArgv))
        _ = LLVMFuzzerRunDriver(&count, &arguments) { start, count in
            JIDFuzzer.read(String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self))
            return 0
        }
    }

    private static func read(_ text: String) {
        guard let jid = JID(text) else { return }
        precondition(JID(jid.description) == jid, "\(jid) is not what \(text.debugDescription) is")
        precondition(JID(local: jid.local, domain: jid.domain, resource: jid.resource) == jid, "the parts of \(jid)")
        precondition(JID.prepared(jid.description) == jid, "\(jid) is taken apart")
        for part in [jid.local, jid.domain, jid.resource] {
            precondition(part.utf8.count <= 1023, "\(jid) has a part that is too long")
        }
    }
}
