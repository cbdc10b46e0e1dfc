internal import Glibc

/// Asks the DNS and waits for the answer: for programs with nothing else to do meanwhile.
public struct BlockingResolver {
    public let options: ResolverOptions

    public init(_ options: ResolverOptions) { self.options = options }

    public func answer(to question: DNSQuestion) -> DNSQuery.Outcome {
        let descriptors = Descriptors()
        let query = DNSQuery(question, options) { descriptors.events[$0] = Self.events($1, $2) }
        while query.outcome == nil {
            var list = descriptors.events.map { pollfd(fd: $0.key, events: $0.value, revents: 0) }
            let count = poll(&list, nfds_t(list.count), Int32(clamping: query.waitMilliseconds))
            // Time alone may have been what it waited for.
            if count <= 0 { query.proceed() }
            for entry in list where entry.revents != 0 {
                let isOver = Int32(entry.revents) & (POLLERR | POLLHUP) != 0
                let reads = isOver || Int32(entry.revents) & POLLIN != 0
                query.proceed(readable: reads ? entry.fd : nil, writable: Int32(entry.revents) & POLLOUT != 0 ? entry.fd : nil)
            }
        }
        return query.outcome ?? .failure(.timeout)
    }

    /// What is waited for, by descriptor.
    private final class Descriptors {
        var events: [Int32: Int16] = [:]
    }

    private static func events(_ reads: Bool, _ writes: Bool) -> Int16? {
        guard reads || writes else { return nil }
        return Int16(reads ? POLLIN : 0) | Int16(writes ? POLLOUT : 0)
    }
}
