import Glibc
import Testing

@testable import XMPP

/// Every text of the corpus, which the fuzzer made or found, is no address, or one that stays the same.
@Suite(.timeLimit(.minutes(5)))
struct JIDCorpusTests {
    @Test func staysTheSame() throws {
        let folder = (#filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast() + ["..", "Corpora", "jid"])
            .joined(separator: "/")
        let directory = try #require(opendir(folder))
        defer { closedir(directory) }
        var read = 0
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard !name.hasPrefix(".") else { continue }
            read += 1
            let file = try #require(fopen("\(folder)/\(name)", "r"))
            defer { fclose(file) }
            var bytes: [UInt8] = []
            while case let byte = getc(file), byte != EOF { bytes.append(UInt8(byte)) }
            guard let jid = JID(String(decoding: bytes, as: UTF8.self)) else { continue }
            #expect(JID(jid.description) == jid, "\(name)")
            #expect(JID(local: jid.local, domain: jid.domain, resource: jid.resource) == jid, "\(name)")
            #expect(JID.prepared(jid.description) == jid, "\(name)")
        }
        #expect(read > 20)
    }
}
