import Testing

@testable import Preparation

/// Characters that need a context are looked at in time that grows with the text and no faster.
@Suite(.timeLimit(.minutes(5))) struct ContextRulesTests {
    /// Counts how often an element is drawn.
    private final class Draws { var count = 0 }

    private struct CountedText: Collection {
        let scalars: [Unicode.Scalar]
        let draws: Draws

        var startIndex: Int { 0 }
        var endIndex: Int { scalars.count }
        func index(after index: Int) -> Int { index + 1 }
        subscript(index: Int) -> Unicode.Scalar {
            draws.count += 1
            return scalars[index]
        }
    }

    private func draws(_ text: String) -> (count: Int, areKept: Bool) {
        let draws = Draws()
        let areKept = ContextRules.areKept(in: CountedText(scalars: Array(text.unicodeScalars), draws: draws))
        return (draws.count, areKept)
    }

    /// Shapes in which each character asks for a look at all the others.
    static let shapes: [(unit: String, end: String)] = [
        ("\u{30fb}", "\u{30a2}"), ("\u{30fb}", ""), ("\u{660}", ""), ("\u{6f0}", ""), ("\u{660}", "\u{6f0}"),
        ("\u{628}\u{200c}", "\u{628}"), ("\u{628}\u{200c}\u{300}", "\u{628}"), ("\u{300}", "\u{200c}"), ("l\u{b7}", "l"),
    ]

    @Test("no text is gone through more than four times", arguments: shapes)
    func isLinear(_ shape: (unit: String, end: String)) {
        for length in [500, 1000, 4000] {
            let text = String(repeating: shape.unit, count: length) + shape.end
            #expect(draws(text).count <= 4 * text.unicodeScalars.count)
        }
    }

    @Test(
        "the context decides",
        arguments: [
            ("\u{30fb}\u{30fb}\u{30a2}", true), ("\u{30fb}a", false), ("\u{660}\u{661}", true), ("\u{660}\u{6f0}", false),
            ("\u{6f0}\u{660}", false), ("\u{628}\u{200c}\u{628}", true), ("\u{628}\u{300}\u{200c}\u{300}\u{628}", true),
            ("\u{628}\u{200c}", false), ("\u{200c}\u{628}", false), ("\u{628}\u{200c}\u{200c}\u{628}", false),
            ("\u{628}\u{200c}a", false), ("\u{915}\u{94d}\u{200c}", true), ("\u{915}\u{94d}\u{200d}\u{937}", true),
            ("a\u{200d}", false), ("l\u{b7}l\u{b7}l", true), ("l\u{b7}", false), ("l\u{b7}a", false), ("\u{375}", false),
            ("\u{375}\u{3b2}", true), ("\u{5d2}\u{5f3}", true), ("\u{5f3}\u{5d2}", false), ("", true), ("abc", true),
        ])
    func decides(_ text: String, _ areKept: Bool) {
        #expect(ContextRules.areKept(in: text.unicodeScalars) == areKept)
        #expect(draws(text).areKept == areKept)
    }
}
