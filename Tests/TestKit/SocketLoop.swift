import CPlatform
import Foundation
import Glibc

/// Who has a socket on a `SocketLoop`; told on the thread of the loop.
public protocol SocketOwner: AnyObject {
    func socketOpened()
    func socketReceived(_ bytes: UnsafeRawBufferPointer)
    /// The connection is over, or there was none.
    /// - Parameter error: what `errno` said; 0 for an orderly end.
    func socketEnded(error: Int32)
}

/// Many clients on one thread: sockets that do not block, and timers.
public final class SocketLoop: @unchecked Sendable {
    fileprivate let poller = epoll_create1(Int32(EPOLL_CLOEXEC))
    /// The two ends of a pipe that wakes the loop.
    private var bell: [Int32] = [-1, -1]
    private let lock = NSLock()
    private var submitted: [Job] = []
    private var hasEnded = false
    private let end = DispatchSemaphore(value: 0)

    private var sockets: [UInt64: LoopSocket] = [:]
    private var lastSocket: UInt64 = 0
    private var timers: [Timer] = []
    private var lastTimer: UInt64 = 0

    /// What another thread waits for. It lets go of the closure before it says so.
    private final class Job {
        private var action: (() -> Void)?
        let done = DispatchSemaphore(value: 0)

        init(_ action: @escaping () -> Void) { self.action = action }

        func run() {
            action?()
            action = nil
            done.signal()
        }
    }

    private struct Timer {
        let at: Int64
        let number: UInt64
        let action: () -> Void
    }

    public init() {
        pipe(&bell)
        for descriptor in bell {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        }
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: 0))
        epoll_ctl(poller, EPOLL_CTL_ADD, bell[0], &event)
        let thread = Thread { [unowned self] in run() }
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Ends the thread and closes all sockets.
    deinit {
        lock.lock()
        hasEnded = true
        lock.unlock()
        ring()
        end.wait()
        for socket in sockets.values { close(socket.descriptor) }
        for descriptor in bell + [poller] { close(descriptor) }
    }

    // MARK: From other threads

    /// Carries something out on the thread of the loop, and gives what came of it.
    public func sync<Answer>(_ action: () throws -> Answer) throws -> Answer {
        var answer: Result<Answer, any Error>?
        withoutActuallyEscaping(action) { action in
            let job = Job { answer = Result { try action() } }
            lock.lock()
            submitted.append(job)
            lock.unlock()
            ring()
            job.done.wait()
        }
        return try answer!.get()
    }

    private func ring() { _ = write(bell[1], "!", 1) }

    // MARK: On the thread of the loop

    /// Connects to the loopback interface.
    public func connect(port: UInt16, _ owner: any SocketOwner) -> LoopSocket {
        lastSocket += 1
        let socket = LoopSocket(lastSocket, port: port, owner, self)
        sockets[lastSocket] = socket
        return socket
    }

    /// Carries something out later. What may be obsolete by then has to find out itself.
    public func after(milliseconds: Int, _ action: @escaping () -> Void) {
        lastTimer += 1
        let timer = Timer(at: Deadline.now + Int64(milliseconds), number: lastTimer, action: action)
        // Those that come last stand first.
        var low = 0, high = timers.count
        while low < high {
            let middle = (low + high) / 2
            if (timers[middle].at, timers[middle].number) > (timer.at, timer.number) { low = middle + 1 } else { high = middle }
        }
        timers.insert(timer, at: low)
    }

    private func run() {
        var events = [epoll_event](repeating: epoll_event(), count: 256)
        while true {
            let now = Deadline.now
            while let timer = timers.last, timer.at <= now {
                timers.removeLast()
                timer.action()
            }
            let wait = timers.last.map { max(0, min(1_000, $0.at - Deadline.now)) } ?? 1_000
            let count = epoll_wait(poller, &events, Int32(events.count), Int32(wait))
            for event in events.prefix(max(0, Int(count))) { tell(event) }
            lock.lock()
            let (jobs, isOver) = (submitted, hasEnded)
            submitted = []
            lock.unlock()
            for job in jobs { job.run() }
            if isOver { break }
        }
        end.signal()
    }

    private func tell(_ event: epoll_event) {
        guard event.data.u64 != 0 else {
            var room = [UInt8](repeating: 0, count: 64)
            while read(bell[0], &room, room.count) > 0 {}
            return
        }
        guard let socket = sockets[event.data.u64] else { return }
        socket.happened(event.events)
    }

    fileprivate func forget(_ number: UInt64) { sockets[number] = nil }
}

/// A connection that does not block. What is sent waits in memory if the other side does not read.
public final class LoopSocket {
    let descriptor: Int32
    fileprivate private(set) var isOver = false
    private let number: UInt64
    private weak let loop: SocketLoop?
    private weak var owner: (any SocketOwner)?
    private var isOpen = false
    private var isClosing = false
    private var pending: [UInt8] = []
    private var interest = EPOLLOUT.rawValue

    fileprivate init(_ number: UInt64, port: UInt16, _ owner: any SocketOwner, _ loop: SocketLoop) {
        self.number = number
        self.owner = owner
        self.loop = loop
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        // What becomes of it, also of one that is refused at once, is told by the poller.
        _ = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        var event = epoll_event(events: interest, data: epoll_data_t(u64: number))
        epoll_ctl(loop.poller, EPOLL_CTL_ADD, descriptor, &event)
    }

    public func send(_ text: String) {
        guard !isOver else { return }
        pending += Array(text.utf8)
        flush()
    }

    /// Ends the connection once everything is sent; its owner hears nothing more.
    public func close() {
        owner = nil
        isClosing = true
        flush()
    }

    /// Ends the connection with a reset, as a machine does that has lost it; its owner hears nothing more.
    public func cut() {
        owner = nil
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        finish()
    }

    private func flush() {
        guard isOpen, !isOver else { return }
        var sent = 0
        while sent < pending.count {
            let count = pending.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, pending.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { break }
            sent += count
        }
        pending.removeFirst(sent)
        if isClosing && pending.isEmpty { return finish() }
        watch(EPOLLIN.rawValue | (pending.isEmpty ? 0 : EPOLLOUT.rawValue))
    }

    private func watch(_ wanted: UInt32) {
        guard wanted != interest else { return }
        interest = wanted
        var event = epoll_event(events: interest, data: epoll_data_t(u64: number))
        if let loop { epoll_ctl(loop.poller, EPOLL_CTL_MOD, descriptor, &event) }
    }

    private func finish() {
        guard !isOver else { return }
        isOver = true
        Glibc.close(descriptor)
        loop?.forget(number)
    }

    private func end(_ error: Int32) {
        let owner = owner
        self.owner = nil
        finish()
        owner?.socketEnded(error: error)
    }

    fileprivate func happened(_ events: UInt32) {
        guard !isOver else { return }
        if !isOpen {
            var error: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
            guard error == 0 else { return end(error) }
            isOpen = true
            owner?.socketOpened()
            return flush()
        }
        if events & EPOLLOUT.rawValue != 0 { flush() }
        if events & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { receive() }
    }

    private func receive() {
        // Once for each event: the others have their turn in between.
        withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 8) { room in
            guard !isOver else { return }
            let count = recv(descriptor, room.baseAddress, room.count, 0)
            if count > 0 {
                owner?.socketReceived(UnsafeRawBufferPointer(rebasing: room[..<count]))
            } else if count == 0 {
                end(0)
            } else if errno != EAGAIN && errno != EINTR {
                end(errno)
            }
        }
    }
}
