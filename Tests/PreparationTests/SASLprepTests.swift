import Testing

@testable import Preparation

/// RFC 4013 §3 and what passwords of people look like.
@Suite(.timeLimit(.minutes(5))) struct SASLprepTests {
    @Test(
        "a text becomes what the profile makes of it",
        arguments: [
            ("I\u{ad}X", "IX"), ("user", "user"), ("USER", "USER"), ("\u{aa}", "a"), ("\u{2168}", "IX"), ("\u{7}", nil),
            ("\u{627}1", nil), ("\u{627}1\u{628}", "\u{627}1\u{628}"), ("", nil), ("a\u{a0}b", "a b"), ("a\u{200b}b", "a b"),
            ("ｐａｓｓ", "pass"), ("\u{fb01}", "fi"), ("①", "1"), ("x²", "x2"), ("u\u{308}", "ü"), ("a\u{200d}b", "ab"),
            ("\u{ad}", nil), ("\u{e000}", nil), ("\u{fffd}", nil), ("a\u{85}", nil), ("\u{5d0}a", nil),
            ("a\u{200e}", nil), ("\u{e0001}", nil), ("😀", "😀"), ("a b", "a b"), ("\u{feff}x", "x"),
        ] as [(String, String?)])
    func prepares(_ text: String, _ prepared: String?) {
        let result = SASLprep.prepared(text)
        #expect(result.map { Array($0.utf8) } == prepared.map { Array($0.utf8) })
    }
}
