internal import Glibc
internal import IPC
internal import Supervision

/// Runs a program that prints a few lines and exits, and collects its output and exit status.
final class CommandRunner {
    enum Answer: Equatable {
        /// The standard output.
        case text(String)
        /// The program could not be run, took too long or printed too much; a sentence.
        case failed(String)
    }

    /// How long a program may take, in milliseconds; past it the program is killed.
    static let patienceMilliseconds: Int64 = 10_000
    /// Most bytes of output that are read; the rest is dropped.
    static let limit = 65_536

    private let program: String
    private var child: WorkerSpawner.Child?
    private var watches: [EventLoop.Watch] = []
    private var text: [UInt8] = []
    private var hasExpired = false
    private var completion: ((Answer) -> Void)?

    /// - Parameter completion: called once, on the loop, never before this returns.
    init(_ program: String, _ words: [String], on loop: EventLoop, completion: @escaping (Answer) -> Void) {
        self.program = program
        self.completion = completion
        do throws(SystemFailure) {
            let child = try WorkerSpawner(program: program).asker(words)
            self.child = child
            watches = [
                loop.watch(child.channel.number, for: Readiness.input) { [weak self] _ in self?.read() },
                loop.watch(child.handle.number, for: Readiness.input) { _ in self.ended() },
            ]
            loop.after(Self.patienceMilliseconds) { [weak self] in self?.expired() }
        } catch {
            loop.after(0) { self.finish(.failed("\(error)")) }
        }
    }

    private func read() {
        guard let child else { return }
        var piece = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = Glibc.read(child.channel.number, &piece, piece.count)
            if count > 0 {
                text += piece.prefix(min(count, Self.limit - text.count))
            } else if count == 0 || errno != EINTR {
                // A descriptor at its end stays readable: without this the loop would not rest.
                if count == 0 { watches.first?.change(to: 0) }
                return
            }
        }
    }

    private func ended() {
        read()
        guard let status = child?.reap() else { return }
        if hasExpired { return finish(.failed("\(program) gave no answer in \(Self.patienceMilliseconds / 1_000) s")) }
        guard ExitStatusWord(status).exit == .status(0) else {
            let words = String(decoding: text.prefix(500), as: UTF8.self).split(separator: "\n").first.map { ": \($0)" } ?? ""
            return finish(.failed("\(program) ended with \(describe(ExitStatusWord(status)))\(words)"))
        }
        finish(.text(String(decoding: text, as: UTF8.self)))
    }

    private func expired() {
        guard completion != nil else { return }
        hasExpired = true
        child?.kill()
    }

    private func finish(_ answer: Answer) {
        for watch in watches { watch.cancel() }
        watches = []
        child = nil
        let completion = completion
        self.completion = nil
        completion?(answer)
    }
}

extension CommandRunner {
    /// Asks a program for the versions of its protocols.
    /// - Parameter completion: called with nil if it can serve beside this program, or with a sentence that says why not.
    static func compare(
        _ program: String, with ours: ProgramVersions, on loop: EventLoop, completion: @escaping (_ objection: String?) -> Void
    ) -> CommandRunner {
        CommandRunner(program, ["--versions"], on: loop) { answer in
            switch answer {
            case .failed(let sentence): completion("\(sentence): it does not say what it speaks")
            case .text(let text):
                guard let versions = ProgramVersions(text) else {
                    return completion("\(program) --versions prints no versions: is it a program of xmppd?")
                }
                completion(versions.objection(ours: ours).map { "\(program) cannot serve beside this server: \($0)" })
            }
        }
    }
}
