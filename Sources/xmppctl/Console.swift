import Glibc

/// Where a command reads and writes, and how it becomes another program; tests have one of their own.
struct Console {
    /// A text, with a newline behind it, for standard output.
    var say: (String) -> Void
    /// The same for standard error.
    var complain: (String) -> Void
    /// Draws a line in the place of the last one drawn; nil where standard error is no terminal.
    var draw: ((String) -> Void)?
    /// Whether standard input is a terminal.
    var isInteractive: Bool
    /// Prompts on the terminal and reads a line without echo; nil at the end of the input.
    var readSecret: (_ prompt: String) -> String?
    /// Prompts on the terminal and reads a line; nil at the end of the input.
    var ask: (_ prompt: String) -> String?
    /// The next line of standard input; nil at its end.
    var readLine: () -> String?
    /// Becomes a program. Comes back only if that fails.
    var become: (_ program: String, _ words: [String]) throws(CommandError) -> Void
    var environment: (String) -> String?
}

extension Console {
    static var standard: Console {
        Console(
            say: { write($0, to: STDOUT_FILENO) },
            complain: { write($0, to: STDERR_FILENO) },
            draw: isatty(STDERR_FILENO) == 1 ? { draw($0) } : nil,
            isInteractive: isatty(STDIN_FILENO) == 1,
            readSecret: { Terminal.readSecret(prompt: $0) },
            ask: { prompt in
                write(prompt, to: STDERR_FILENO, isLine: false)
                return Swift.readLine(strippingNewline: true)
            },
            readLine: { Swift.readLine(strippingNewline: true) },
            become: replaceProcess,
            environment: { name in getenv(name).map { String(cString: $0) } })
    }

    /// Clears the line first; an empty text leaves it clear.
    private static func draw(_ text: String) {
        let bytes = Array("\r\u{1B}[K\(text)".utf8)
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }

    private static func write(_ text: String, to descriptor: Int32, isLine: Bool = true) {
        let bytes = Array((isLine ? "\(text)\n" : text).utf8)
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count < 0 && errno != EINTR { return }
            written += max(0, count)
        }
    }

    private static func replaceProcess(_ program: String, _ words: [String]) throws(CommandError) {
        CStrings.with([program] + words) { _ = execv(program, $0) }
        throw CommandError("cannot run \(program): \(reason(errno))")
    }
}

/// The arrays of C strings that exec and spawn want.
enum CStrings {
    static func with<Result>(_ words: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result) -> Result {
        let pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers)
    }
}

/// The system's words for the number of an error.
func reason(_ number: Int32) -> String { String(cString: strerror(number)) }
