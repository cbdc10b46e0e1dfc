public import Network
public import XMPP

/// Requests of the server itself whose answers it waits for, bounded in number and time.
@LoopActor
public final class OutgoingIQs {
    public typealias Completion = @LoopActor (Stanza?) -> Void

    private struct Waiting {
        let from: JID
        let completion: Completion
        let timer: Loop.Timer
    }

    private var waiting: [String: Waiting] = [:]
    private var number: UInt64 = 0

    /// Requests that may be open at once; one more is not sent.
    static let longest = 100_000

    init() {}

    /// Enters a request to `jid`; `completion` gets its answer, or nil after so many milliseconds.
    /// - Returns: the id to send it with; nil if too many are open.
    public func expect(from jid: JID, within milliseconds: Int64, _ completion: @escaping Completion) -> String? {
        guard waiting.count < Self.longest else { return nil }
        number += 1
        let id = "srv-\(number)"
        let timer = Loop.after(milliseconds) { [weak self] in
            self?.waiting.removeValue(forKey: id)?.completion(nil)
        }
        waiting[id] = Waiting(from: jid, completion: completion, timer: timer)
        return id
    }

    func answered(_ stanza: Stanza) {
        guard let id = stanza.id, let entry = waiting[id], entry.from == stanza.from else { return }
        waiting[id] = nil
        entry.timer.cancel()
        entry.completion(stanza)
    }
}
