internal import CPlatform
internal import Glibc
internal import Resolver

/// One connection on its way to being there.
@LoopActor
final class ConnectAttempt: PollTarget {
    /// The connection, or the system's words for why there is none. In a later turn than the attempt's beginning.
    typealias Done = @LoopActor (ConnectAttempt, String?) -> Void

    let destination: PeerAddress
    private var done: Done?
    private var watch: Watch?

    init(_ address: InternetAddress, port: UInt16, _ done: @escaping Done) {
        destination = PeerAddress(address, port: port)
        self.done = done
        var place = cplatform_address()
        let isAddress = cplatform_parse_address(address.description, &place) == 0
        place.port = port
        let socket = isAddress ? cplatform_begin_tcp(&place) : -EINVAL
        if socket >= 0 { wait(for: socket) } else { fail(-socket) }
    }

    private func wait(for socket: CInt) {
        var watch = Watch(socket)
        let failure = watch.begin(.output, self)
        self.watch = watch
        if failure != 0 { fail(failure) }
    }

    /// It is not waited for any longer.
    func abandon() {
        done = nil
        watch?.close()
        watch = nil
    }

    /// Makes it a connection, once it is there. Nil if the system has no memory to spare.
    func take() -> Connection? {
        guard var own = watch else { return nil }
        watch = nil
        own.end()
        let connection = Connection(socket: own.descriptor, peer: destination, listener: nil)
        return connection.begin() ? connection : nil
    }

    func readable() { writable() }

    func writable() {
        guard let watch else { return }
        var number: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        if getsockopt(watch.descriptor, SOL_SOCKET, SO_ERROR, &number, &length) != 0 { number = errno }
        if number != 0 { return finish(number) }
        // Whoever takes it has other plans for the descriptor.
        let call = done
        done = nil
        call?(self, nil)
        if self.watch != nil { abandon() }
    }

    private func fail(_ number: CInt) { Loop.submit { [self] in finish(number) } }

    private func finish(_ number: CInt) {
        let call = done
        abandon()
        call?(self, String(cString: strerror(number)))
    }
}
