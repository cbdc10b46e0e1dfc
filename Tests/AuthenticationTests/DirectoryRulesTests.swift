import Configuration
import Pools
import Testing

@testable import Authentication

@Suite("Which entries of a directory are users", .timeLimit(.minutes(1)))
struct DirectoryRulesTests {
    private static func rules(_ options: String) throws -> DirectoryRules {
        let configuration = try TestAccounts.configuration(
            "[auth.ldap]\nbase = \"dc=x\"\n\(options)\n[outgoing_pools.ldap.default]\n[outgoing_pools.ldap.bind]")
        return DirectoryRules(try #require(configuration.ldap), domain: "example.org")
    }

    private static func entry(_ attributes: [String: [String]]) -> DirectoryConnection.Entry {
        DirectoryConnection.Entry(name: "cn=Romeo (Montague),dc=x", attributes: attributes)
    }

    @Test(
        "a user is searched by the attributes that hold names, and by the filter",
        arguments: [
            ("", "(uid=romeo)"),
            ("uids = [{attr = \"mail\", format = \"%u@%d\"}]", "(mail=romeo@example.org)"),
            ("uids = [{attr = \"uid\"}, {attr = \"mail\", format = \"%u@%d\"}]", "(|(uid=romeo)(mail=romeo@example.org))"),
            ("filter = \"(objectClass=person)\"", "(&(objectClass=person)(uid=romeo))"),
        ])
    func searches(_ options: String, _ filter: String) throws {
        let rules = try Self.rules(options)
        #expect(rules.filter(user: "romeo") == filter)
        #expect(rules.filterForAll == filter.replacing("romeo", with: "*"))
    }

    @Test("a name is no filter")
    func escapes() throws {
        #expect(try Self.rules("").filter(user: "*)(uid=a") == "(uid=\\2a\\29\\28uid=a)")
    }

    @Test(
        "a local filter compares one attribute",
        arguments: [
            ("equal", ["chat"], true), ("equal", ["mail"], false), ("equal", [], false), ("notequal", ["chat"], false),
            ("notequal", ["mail"], true),
        ] as [(String, [String], Bool)])
    func allows(_ operation: String, _ values: [String], _ isAllowed: Bool) throws {
        let rules = try Self.rules("local_filter = {operation = \"\(operation)\", attribute = \"Service\", values = [\"chat\"]}")
        #expect(rules.allowsLocally(Self.entry(["service": values])) == isAllowed)
        #expect(rules.attributes == ["uid", "Service"])
    }

    @Test("dn_filter is filled with the entry's name and attributes, escaped")
    func nameFilters() throws {
        let rules = try Self.rules("dn_filter = {filter = \"(&(member=%D)(x=%s)(u=%u))\", attributes = [\"sn\"]}")
        let filter = rules.nameFilter(Self.entry(["sn": ["*"]]), user: "romeo")
        #expect(filter == "(&(member=cn=Romeo \\28Montague\\29,dc=x)(x=\\2a)(u=romeo))")
        #expect(try Self.rules("").nameFilter(Self.entry([:]), user: "romeo") == nil)
    }

    @Test("names are what stands where the format has %u")
    func names() throws {
        let rules = try Self.rules("uids = [{attr = \"uid\"}, {attr = \"mail\", format = \"%u@%d\"}]")
        let entry = Self.entry(["uid": ["romeo"], "mail": ["R@EXAMPLE.org", "r@example.com", "@example.org"]])
        #expect(rules.userNames(of: entry) == ["romeo", "R"])
    }
}
