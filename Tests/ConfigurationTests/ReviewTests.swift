import Configuration
import Testing

/// What is said of every setting of a file.
@Suite(.timeLimit(.minutes(5)))
struct ReviewTests {
    private func rows(_ text: String) -> [String: ConfigurationReview.Row] {
        let review = ConfigurationLoader.review(text: Array((least + text).utf8), path: "test.toml", files: certificates())
        #expect(Set(review.rows.map(\.path)).count == review.rows.count)
        return Dictionary(review.rows.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    }

    @Test func everySettingHasOneVerdict() throws {
        let rows = rows(
            """
            [auth]
              scram_iterations = 5000
              [auth.internal]
            [acl]
              admin = [{ user = "ada" }, { user = "eve" }]
            [modules.mod_roster]
              backend = "rdbms"
            [modules.mod_muc]
              host = "muc.@HOST@"
            [modules.mod_offline]
            [modules.mod_presence]
            """)
        let verdicts = rows.mapValues(\.verdict)
        #expect(
            verdicts == [
                "general.hosts": .works, "general.default_server_domain": .works, "auth.password.scram_iterations": .works,
                "auth.internal": .works, "acl.admin": .works, "modules.mod_roster": .works, "modules.mod_roster.backend": .differs,
                "modules.mod_muc": .notYet, "modules.mod_offline": .works, "modules.mod_presence": .works,
            ])
        #expect(rows["auth.password.scram_iterations"]?.text == "written as scram_iterations")
        #expect(rows["auth.password.scram_iterations"]?.position.line == 3)
        #expect(rows["modules.mod_roster.backend"]?.text.isEmpty == false)
        #expect(rows["modules.mod_muc"]?.text.isEmpty == false)
    }

    @Test func aRefusedFileIsReviewedToo() {
        let rows = rows(
            """
            [modules.mod_nonsense]
            [modules.mod_offline]
            [general_typo]
            """)
        #expect(rows["modules.mod_nonsense"]?.verdict == .refused)
        #expect(rows["modules.mod_nonsense"]?.text.hasPrefix("test.toml:2:") == true)
        #expect(rows["modules.mod_offline"]?.verdict == .works)
        #expect(rows["general_typo"]?.verdict == .refused)
    }

    @Test func whatIsNoTOMLHasOneRow() {
        let review = ConfigurationLoader.review(text: Array("[general".utf8), path: "test.toml", files: certificates())
        #expect(review.rows.map(\.verdict) == [.refused])
        #expect(review.problems.count == 1)
    }

    /// The verdicts agree with what the loader says.
    @Test func reviewAndLoadAgree() throws {
        let text = "[s2s]\n  use_starttls = \"optional\"\n[services.service_mongoose_system_metrics]\n  report = false\n"
        let notes = try loaded(least + text).notes
        let rows = rows(text)
        #expect(rows.values.count { $0.verdict == .notYet } == notes.count { $0.kind == .notYet })
        #expect(rows.values.count { $0.verdict == .differs } == notes.count { $0.kind != .notYet })
    }
}
