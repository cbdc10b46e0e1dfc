import Glibc
import Testing
import XML

/// Every stream of the corpus, which the fuzzer made or found, looks the same however it is cut, and is bounded.
@Suite(.timeLimit(.minutes(5)))
struct CorpusTests {
    @Test func isThere() { #expect(Corpus.files("stream").count > 20) }

    @Test(arguments: Corpus.files("stream")) func reads(_ name: String) throws {
        let input = try Corpus.contents("stream", name)
        let parser = ElementParser()
        let limits = Limits(bytes: 2000, depth: 16, attributes: 16)
        let whole = StreamReading.transcript([input], limits: limits, parser: parser)
        #expect(StreamReading.transcript(input.map { [$0] }, limits: limits, parser: parser) == whole)
        for cut in stride(from: 0, to: input.count, by: max(1, input.count / 200)) {
            #expect(StreamReading.transcript([input[..<cut], input[cut...]], limits: limits, parser: parser) == whole)
        }
    }
}

/// The inputs in `Tests/Corpora`.
enum Corpus {
    private static func folder(_ name: String) -> String {
        (#filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast() + ["..", "Corpora", Substring(name)])
            .joined(separator: "/")
    }

    static func files(_ corpus: String) -> [String] {
        guard let directory = opendir(folder(corpus)) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    static func contents(_ corpus: String, _ name: String) throws -> [UInt8] {
        let file = try #require(fopen("\(folder(corpus))/\(name)", "r"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF { bytes.append(UInt8(byte)) }
        return bytes
    }
}
