public import Configuration
internal import Glibc
internal import Network

/// The processes of a program that is asked, at most so many at once, each asked one thing at a time.
///
/// A process is started when a question finds no other that is free. One that ends or does not answer costs the question
/// that it was asked, and no other; where it never answered anything, the next one is started later and later.
@LoopActor
final class ExternalProgramPool {
    /// How long a question waits for a process, and how long a process may think.
    static let patienceMilliseconds: Int64 = 10_000
    private static let longestQueue = 1000
    private static let pauses: (first: Int64, last: Int64) = (500, 30_000)

    @LoopActor
    private final class Question {
        let request: [UInt8]
        var answer: (([UInt8]?) -> Void)?
        var clock: Loop.Timer?

        init(_ request: [UInt8], _ answer: @escaping ([UInt8]?) -> Void) {
            self.request = request
            self.answer = answer
        }

        func settle(_ bytes: [UInt8]?) {
            clock?.cancel()
            clock = nil
            let answer = answer
            self.answer = nil
            answer?(bytes)
        }
    }

    @LoopActor
    private final class Instance {
        var program: PortProgram?
        var question: Question?
        var isStarting = false
        var hasAnswered = false
        var failures = 0
        /// When it may be started again.
        var restart: Int64 = 0

        var isFree: Bool { program != nil && question == nil }
        var canStart: Bool { program == nil && !isStarting && Loop.now >= restart }
    }

    private let words: [String]
    private let instances: [Instance]
    private let outage: OutageLog
    private var waiting: [Question] = []
    private var isClosed = false

    init(_ options: ExternalOptions, _ outage: OutageLog) {
        words = ExternalOptions.words(options.program)
        instances = (0..<options.instances).map { _ in Instance() }
        self.outage = outage
    }

    /// The answer to a request; nil: there is none.
    func ask(_ request: [UInt8]) async -> [UInt8]? {
        guard !isClosed, request.count <= PortProgram.requestLimit else { return nil }
        guard waiting.count < Self.longestQueue else {
            outage.failed("too many questions are waiting for it")
            return nil
        }
        return await withCheckedContinuation { continuation in
            let question = Question(request) { continuation.resume(returning: $0) }
            question.clock = Loop.after(Self.patienceMilliseconds) { [self] in
                waiting.removeAll { $0 === question }
                outage.failed("all its processes are busy")
                question.settle(nil)
            }
            waiting.append(question)
            serve()
        }
    }

    func close() {
        isClosed = true
        for instance in instances {
            instance.program?.close()
            instance.question?.settle(nil)
        }
        for question in waiting { question.settle(nil) }
        waiting = []
    }

    private func serve() {
        while !isClosed, !waiting.isEmpty {
            if let free = instances.first(where: \.isFree) {
                put(waiting.removeFirst(), to: free)
            } else if let idle = instances.first(where: \.canStart) {
                start(idle)
            } else {
                break
            }
        }
        // Nobody will be there before the questions have waited too long.
        if instances.allSatisfy({ $0.program == nil && !$0.isStarting }) {
            for question in waiting { question.settle(nil) }
            waiting = []
        }
    }

    private func put(_ question: Question, to instance: Instance) {
        guard let program = instance.program else { return }
        instance.question = question
        question.clock?.cancel()
        question.clock = Loop.after(Self.patienceMilliseconds) { [self] in
            outage.failed("it does not answer, and was killed")
            program.kill()
            program.close()
        }
        if !program.send(question.request) { program.close() }
    }

    private func start(_ instance: Instance) {
        instance.isStarting = true
        Loop.spawn { [self] in
            do throws(PortProgram.StartFailure) {
                let program = try await PortProgram.start(words)
                instance.isStarting = false
                if isClosed { return program.close() }
                instance.program = program
                instance.hasAnswered = false
                program.heard = { [self] in heard($0, from: instance) }
            } catch {
                instance.isStarting = false
                pause(instance, "\(error)")
            }
            serve()
        }
    }

    private func heard(_ event: PortProgram.Event, from instance: Instance) {
        switch event {
        case .answer(let bytes):
            // An answer to nothing: there is no telling what the next one would be to.
            guard let question = instance.question else { return instance.program?.close() ?? () }
            instance.question = nil
            instance.hasAnswered = true
            instance.failures = 0
            question.settle(bytes)
        case .ended(let reason):
            instance.program = nil
            let question = instance.question
            instance.question = nil
            if !isClosed { pause(instance, reason) }
            question?.settle(nil)
        }
        serve()
    }

    /// An end after answers may happen; one before any will happen again.
    private func pause(_ instance: Instance, _ reason: String) {
        outage.failed(reason)
        guard !instance.hasAnswered else { return }
        instance.failures += 1
        let pause = Self.pauses.first << min(instance.failures - 1, 10)
        instance.restart = Loop.now + min(pause, Self.pauses.last)
    }
}

extension ExternalOptions {
    /// The path alone, if there is such a program; else arguments follow it.
    public static func words(_ program: String) -> [String] {
        access(program, X_OK) == 0 ? [program] : program.split(separator: " ").map(String.init)
    }
}
