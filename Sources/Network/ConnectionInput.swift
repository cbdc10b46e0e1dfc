internal import Glibc

extension Connection: PollTarget {
    var isPeer: Bool { true }

    /// What one read takes at most. All connections of the loop use the same memory in turn, so an idle one holds none.
    private static let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 16384, alignment: 16)

    func readable() {
        if !isInputOver { _ = receive() }
    }

    func writable() {
        let failure = writeQueue.retry()
        if failure != 0 { return abort(.broken(errno: failure)) }
        if !writeQueue.isBlocked { markDirty() }
        updateWatch()
    }

    /// The peer is gone, in both directions. What it had sent before is read now, even if reading is paused: the
    /// poller would tell of it again and again.
    func hungUp() {
        while !isInputOver, closing != .now, receive(isLast: true) {
            // The poller tells of it again.
            if TurnClock.isOver { return }
        }
        if isInputOver { watch.end() }
        markDirty()
    }

    /// One read. Whether there may be more. Of a peer that is gone all is taken, however slow it had to be.
    private func receive(isLast: Bool = false) -> Bool {
        let size = isLast ? Self.room.count : min(Self.room.count, shaper?.bucket.allowance(now: Loop.now) ?? .max)
        let count = recv(writeQueue.socket, Self.room.baseAddress, size, CInt(MSG_DONTWAIT))
        if count > 0 {
            process(UnsafeRawBufferPointer(rebasing: Self.room[..<count]))
            return true
        }
        if count == 0 {
            isInputOver = true
            updateWatch()
            inputClosed()
        } else if errno != EAGAIN, errno != EINTR {
            abort(.broken(errno: errno))
        }
        return false
    }

    /// Bytes from the socket.
    func process(_ bytes: UnsafeRawBufferPointer) {
        NetworkCounters.current.bytesIn += UInt64(bytes.count)
        guard closing == .no else { return }
        if let preamble { return readPreamble(preamble, bytes) }
        charge(bytes.count)
        // Whoever has waited comes first, and a debt is paid after what caused it.
        if isHeldBack || held != nil { return hold(bytes) }
        let taken = consume(bytes)
        if taken < bytes.count, closing == .no { hold(UnsafeRawBufferPointer(rebasing: bytes[taken...])) }
    }

    /// Delivers, until reading is paused. How many bytes have been dealt with.
    private func consume(_ bytes: UnsafeRawBufferPointer) -> Int {
        if session != nil { return decrypt(bytes) }
        deliver(bytes)
        return bytes.count
    }

    func hold(_ bytes: UnsafeRawBufferPointer) {
        let box = held ?? PausedInput()
        held = box
        guard box.bytes.count + bytes.count <= Self.heldLimit else { return abort(.inputOverflow) }
        box.bytes.append(contentsOf: bytes)
    }

    /// Delivers what has waited, as far as the owner lets it.
    func releaseHeld() {
        deliverRest()
        guard let box = held else { return }
        let bytes = box.bytes
        var at = 0
        held = nil
        bytes.withUnsafeBytes { all in
            while at < all.count, !isHeldBack, closing == .no, at == 0 || !TurnClock.isOver {
                let slice = all[at..<min(at + Self.room.count, all.count)]
                at += consume(UnsafeRawBufferPointer(rebasing: slice))
            }
        }
        guard closing == .no else { return }
        if at < bytes.count {
            box.bytes = Array(bytes[at...])
            held = box
            if !isHeldBack { markDirty() }
        } else if box.ended {
            inputClosed()
        }
    }

    /// End of file, behind whatever waits to be delivered.
    func inputClosed() {
        if held == nil, compression?.rest == nil { return peerEnded() }
        let box = held ?? PausedInput()
        held = box
        box.ended = true
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

    /// Tells the poller what is wanted of the socket now.
    func updateWatch() {
        isReading = closing != .no || !isPaused
        var interest: Poller.Interest = writeQueue.isBlocked ? .output : []
        if isReading, !isInputOver { interest.insert(.input) }
        watch.want(interest)
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
        markDirty()
    }
}
