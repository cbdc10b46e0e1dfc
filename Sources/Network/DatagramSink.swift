internal import Glibc

/// Reads datagrams, counts them and answers none: a listener with `proto = "udp"` serves nothing.
@LoopActor
public final class DatagramSink {
    private static let batch = 64

    public private(set) var received: UInt64 = 0
    private var watch: Watch
    private let onReceive: @LoopActor () -> Void

    /// Takes over a bound socket.
    public init(adopting descriptor: Int32, onReceive: @escaping @LoopActor () -> Void) {
        self.onReceive = onReceive
        watch = Watch(descriptor)
        if watch.begin(.input, self) != 0 { watch.close() }
    }

    public func close() {
        watch.end()
        Glibc.close(watch.descriptor)
    }
}

extension DatagramSink: PollTarget {
    func readable() {
        var byte: UInt8 = 0
        for _ in 0..<Self.batch {
            if recv(watch.descriptor, &byte, 1, CInt(MSG_DONTWAIT)) < 0 { return }
            received += 1
            onReceive()
        }
    }
}
