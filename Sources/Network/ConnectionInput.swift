internal import Glibc
internal import NIOCore

/// The event library's view of a connection. It is called on the loop only, which the isolated conformance relies on.
@LoopActor
final class ConnectionHandler: @LoopActor ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let connection: Connection
    init(_ connection: Connection) { self.connection = connection }

    func channelActive(context: ChannelHandlerContext) { connection.listener.connectionOpened(connection) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        if buffer.capacity < SharedReadBuffers.chunk {
            buffer.withUnsafeReadableBytes { connection.readFirst($0) }
        } else {
            buffer.withUnsafeReadableBytes { connection.process($0) }
            SharedReadBuffers.giveBack(buffer)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if connection.closing == .no { connection.updateReading() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else { return }
        connection.inputClosed()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        connection.abort(.broken(errno: (error as? IOError)?.errnoCode ?? 0))
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection.finalize(connection.hasEnded ? .peerClosed : .broken(errno: 0))
    }

    func handlerRemoved(context: ChannelHandlerContext) { connection.finalize(.broken(errno: 0)) }
}

extension Connection {
    private static let firstBytes = UnsafeMutableRawBufferPointer.allocate(byteCount: SharedReadBuffers.chunk, alignment: 16)

    /// The first read of a connection takes a few bytes only (see `SharedReadBuffers`): the rest is read here.
    func readFirst(_ bytes: UnsafeRawBufferPointer) {
        let whole = Self.firstBytes
        whole.copyMemory(from: bytes)
        var count = bytes.count
        if count == SharedReadBuffers.first, let base = whole.baseAddress {
            // Errors and the end of file are left to the event library, which meets them at its next read.
            count += max(0, recv(outlet.socket, base + count, whole.count - count, SocketFlags.receive))
        }
        process(UnsafeRawBufferPointer(rebasing: whole[..<count]))
    }

    /// Bytes from the socket.
    func process(_ bytes: UnsafeRawBufferPointer) {
        NetworkCounters.current.bytesIn += UInt64(bytes.count)
        guard closing == .no else { return }
        charge(bytes.count)
        // Whoever has waited comes first, and a debt is paid after what caused it.
        if isPausedByOwner || held != nil { return hold(bytes) }
        let taken = consume(bytes)
        if taken < bytes.count, closing == .no { hold(UnsafeRawBufferPointer(rebasing: bytes[taken...])) }
    }

    /// Delivers, until reading is paused. How many bytes have been dealt with.
    private func consume(_ bytes: UnsafeRawBufferPointer) -> Int {
        if session != nil { return decrypt(bytes) }
        delegate?.connection(self, received: bytes)
        return bytes.count
    }

    func hold(_ bytes: UnsafeRawBufferPointer) {
        let box = held ?? HeldInput()
        held = box
        guard box.bytes.count + bytes.count <= Self.heldLimit else { return abort(.inputOverflow) }
        box.bytes.append(contentsOf: bytes)
    }

    /// Delivers what has waited, as far as the owner lets it.
    func releaseHeld() {
        guard let box = held else { return }
        let bytes = box.bytes
        var at = 0
        held = nil
        bytes.withUnsafeBytes { all in
            while at < all.count, !isPausedByOwner, closing == .no {
                let slice = all[at..<min(at + SharedReadBuffers.chunk, all.count)]
                at += consume(UnsafeRawBufferPointer(rebasing: slice))
            }
        }
        guard closing == .no else { return }
        if at < bytes.count {
            box.bytes = Array(bytes[at...])
            held = box
        } else if box.ended {
            peerEnded()
        }
    }

    /// End of file, behind whatever waits to be delivered.
    func inputClosed() {
        if let held { held.ended = true } else { peerEnded() }
    }

    /// No more will come.
    func peerEnded() {
        guard !hasEnded else { return }
        hasEnded = true
        if closing != .no { return markDirty() }
        if handshake != nil { return abort(.tls(TLSProblem(.handshake, "the peer closed before it was done"))) }
        delegate?.connectionEnded(self)
    }

    // MARK: Whether to read

    /// Tells the event library whether we want input, when that has changed.
    func updateReading() {
        let wanted = closing != .no || !isPaused
        guard wanted != isReading, !isClosed else { return }
        isReading = wanted
        do {
            try outlet.channel?.syncOptions?.setOption(.autoRead, value: wanted)
        } catch {
            isReading = true   // only a closed channel refuses
        }
    }

    private func charge(_ count: Int) {
        guard let shaper else { return }
        let wait = shaper.bucket.take(count, now: Loop.now)
        guard wait > 0 else { return }
        shaper.timer?.cancel()
        shaper.timer = Loop.after(wait) { [weak self] in
            self?.shaper?.timer = nil
            self?.markDirty()
        }
    }
}
