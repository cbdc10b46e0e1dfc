import CFuzzer
import XML

/// However a stream is cut (its length says how), the same must be found in it; no more than the limit may be kept;
/// and what was found must be found again in what is written.
@main
enum StreamFuzzer {
    static func main() {
        var (count, arguments) = (CommandLine.argc, Optional(CommandLine.unsafeArgv))
        _ = LLVMFuzzerRunDriver(&count, &arguments) { start, count in
            StreamFuzzer.read(Array(UnsafeBufferPointer(start: start, count: count)))
            return 0
        }
    }

    private static func read(_ input: [UInt8]) {
        let limits = Limits(bytes: 1500, depth: 16, attributes: 16)
        var whole = StreamReading(limits: limits)
        whole.feed(input)
        let step = input.count % 16 + 1
        var cut = StreamReading(limits: limits, parser: whole.parser)
        for at in stride(from: 0, to: input.count, by: step) { cut.feed(input[at..<min(at + step, input.count)]) }
        precondition(whole.transcript == cut.transcript, "\(whole.transcript) is not \(cut.transcript)")
        precondition(cut.mostKept <= limits.bytes, "\(cut.mostKept) bytes were kept")
        for found in whole.transcript where found.hasPrefix("<") { readAgain(found, whole.parser) }
    }

    private static func readAgain(_ text: String, _ parser: ElementParser) {
        let inside = Array("<s>".utf8)
        let bytes = Array(text.utf8)
        let limits = Limits(bytes: 1 << 20)
        do {
            let header = try inside.withUnsafeBytes { try parser.header($0, limits: limits) }
            let element = try bytes.withUnsafeBytes { try parser.element($0, in: header.namespaces, limits: limits) }
            precondition(element.description == text, "\(text) is read as \(element)")
        } catch {
            preconditionFailure("\(text) is not read again: \(error)")
        }
    }
}
