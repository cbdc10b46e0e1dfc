import Pools
import Testing

@Suite("Texts for directories and web services", .timeLimit(.minutes(5)))
struct TextTests {
    @Test(
        "what has a meaning in a filter is escaped",
        arguments: [
            ("juliet", "juliet"), ("*", "\\2a"), ("a)(uid=*", "a\\29\\28uid=\\2a"), ("back\\slash", "back\\5cslash"),
            ("zero\0", "zero\\00"), ("čapek", "čapek"), ("", ""),
        ])
    func escapes(_ value: String, _ expected: String) { #expect(DirectoryFilter.escaped(value) == expected) }

    @Test(
        "variables are filled in once, from left to right",
        arguments: [
            ("(uid=%u)", "(uid=romeo)"), ("(&(name=%s)(owner=%D)(user=%u@%d))", "(&(name=one)(owner=cn=%u)(user=romeo@x.org))"),
            ("%s%s%s", "onetwotwo"), ("100%", "100%"), ("%z%%u", "%z%romeo"),
        ])
    func fills(_ pattern: String, _ expected: String) {
        let values: [Character: [String]] = ["u": ["romeo"], "d": ["x.org"], "D": ["cn=%u"], "s": ["one", "two"]]
        #expect(DirectoryFilter.fill(pattern, values) == expected)
    }

    @Test("one condition stands alone, several together")
    func combines() {
        #expect(DirectoryFilter.any(["(a=1)"]) == "(a=1)")
        #expect(DirectoryFilter.any(["(a=1)", "(b=2)"]) == "(|(a=1)(b=2))")
        #expect(DirectoryFilter.all(["(a=1)", "(b=2)"]) == "(&(a=1)(b=2))")
    }

    @Test(
        "fields of a form are percent-encoded, byte by byte",
        arguments: [
            ("romeo", "romeo"), ("a b&c=d", "a%20b%26c%3Dd"), ("čapek", "%C4%8Dapek"), ("100%+", "100%25%2B"), ("-._~", "-._~"),
            ("\n", "%0A"),
        ])
    func encodes(_ text: String, _ expected: String) {
        #expect(FormEncoding.encode([(name: "user", value: text)]) == "user=\(expected)")
    }
}
