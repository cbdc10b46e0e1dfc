extension Connection {
    /// How long a proxy may take for its header, in milliseconds. The timer may be 50 ms late.
    private static let headerMilliseconds: Int64 = 900

    /// Nobody looks after the connection until its proxy has said where it comes from.
    func awaitProxyHeader() {
        let preamble = Preamble()
        self.preamble = preamble
        preamble.timer = Loop.after(Self.headerMilliseconds) { [weak self] in self?.refuse() }
    }

    func readPreamble(_ preamble: Preamble, _ bytes: UnsafeRawBufferPointer) {
        // More than a header can have is the client's already.
        let room = ProxyHeader.longest - preamble.bytes.count
        preamble.bytes.append(contentsOf: bytes.prefix(room))
        switch ProxyHeader(preamble.bytes) {
        case .needsMore: if bytes.count > room { refuse() }
        case .malformed: refuse()
        case .complete(let source, let length):
            if let source { peer = source }
            endPreamble()
            listener?.handOver(self)
            let rest = Array(preamble.bytes[length...])
            if !rest.isEmpty { rest.withUnsafeBytes { deliverBehindPreamble($0) } }
            if bytes.count > room { deliverBehindPreamble(UnsafeRawBufferPointer(rebasing: bytes[room...])) }
        }
    }

    private func refuse() {
        listener?.gate?.headerMissing(from: peer)
        abort(.noProxyHeader)
    }

    private func deliverBehindPreamble(_ bytes: UnsafeRawBufferPointer) {
        NetworkCounters.current.bytesIn -= UInt64(bytes.count)  // counted when it came
        process(bytes)
    }

    /// Also when the connection ends before.
    func endPreamble() {
        guard let preamble else { return }
        preamble.timer?.cancel()
        self.preamble = nil
        listener?.gate?.headerEnded()
    }
}
