import Glibc
import IPC

/// Check mode: refuses a configuration that says `# the worker refuses this`, and hangs or crashes on demand.
enum FakeCheck {
    static func run() -> Int32 {
        let channel = BlockingChannel(adopting: 0, limit: FrameLimit.worker)
        guard let frame = try? channel.receive(timeout: 10_000), case .configure(let bundle)? = try? MasterMessage(frame) else {
            return 70
        }
        let text = String(decoding: bundle.text, as: UTF8.self)
        if text.contains("# the worker crashes on this") { abort() }
        guard text.contains("# the worker refuses this") else {
            try? channel.send(WorkerMessage.ready.encoded())
            return 0
        }
        let problem = ReportedProblem(
            file: bundle.path, line: 1, column: 2, path: "listen.c2s[1].tls.certfile", text: "has expired")
        try? channel.send(WorkerMessage.refused([problem]).encoded())
        return 78
    }
}
