import CFuzzer

/// Each byte is an event of a stream between servers, which a peer or a shell could cause; what must hold of all of them holds.
@main
enum ServerStreamFuzzer {
    static func main() {
        var (count, arguments) = (CommandLine.argc, Optional(CommandLine.unsafeArgv))
        _ = LLVMFuzzerRunDriver(&count, &arguments) { start, count in
            let input = Array(UnsafeBufferPointer(start: start, count: count))
            let faults = [IncomingWalk(input).fault, OutgoingWalk(input).fault]
            for case let fault? in faults { preconditionFailure("\(fault) after \(input)") }
            return 0
        }
    }
}
