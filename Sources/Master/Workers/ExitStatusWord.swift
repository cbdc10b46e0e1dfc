internal import Supervision

/// Decodes the status word of wait(2).
struct ExitStatusWord {
    let exit: Exit

    init(_ word: Int32) {
        let signal = word & 0x7F
        exit = signal == 0 ? .status(word >> 8 & 0xFF) : .signal(signal)
    }
}

/// `exit status 70`, `killed by signal 9 (SIGKILL)`
func describe(_ word: ExitStatusWord) -> String { describe(word.exit) }

func describe(_ exit: Exit) -> String {
    switch exit {
    case .status(let status): "exit status \(status)"
    case .signal(let number): "killed by signal \(number)" + (signalNames[number].map { " (\($0))" } ?? "")
    }
}

private let signalNames: [Int32: String] = [
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL",
    11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS",
]
