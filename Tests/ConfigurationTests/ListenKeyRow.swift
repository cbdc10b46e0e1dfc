/// For every key of `[[listen.*]]`: files that must load, and files that must not, each with the one place that is wrong.
struct ListenKeyRow: Sendable {
    /// Its number among the keys of listeners (`ListenKeys`).
    let number: Int
    let good: [String]
    let bad: [(text: String, path: String)]

    init(_ number: Int, _ good: [String], _ bad: [(text: String, path: String)]) {
        self.number = number
        self.good = good
        self.bad = bad
    }
}

/// What rows of listeners begin with.
enum ListenTexts {
    static let client = "[[listen.c2s]]\nport = 5222\n"
    static let server = "[[listen.s2s]]\nport = 5269\n"
    static let component = "[[listen.service]]\nport = 8888\npassword = \"secret\"\n"
    static let web = "[[listen.http]]\nport = 5280\n"
    static let clientTLS = client + "[listen.c2s.tls]\n"
    static let fastTLS = clientTLS + "certfile = \"both.pem\"\n"
    static let justTLS = clientTLS + "module = \"just_tls\"\ncertfile = \"cert.pem\"\nkeyfile = \"key.pem\"\n"
    static let justTLSWithAuthority = justTLS + "cacertfile = \"ca.pem\"\n"
    static let serverTLS = server + "[listen.s2s.tls]\n"
    static let webTLS = web + "[listen.http.tls]\ncertfile = \"cert.pem\"\nkeyfile = \"key.pem\"\n"
    static let webSocket = handler("mod_websockets")
    static let componentOverWebSocket =
        webSocket + "[listen.http.handlers.mod_websockets.service]\npassword = \"secret\"\n"
    static let graphQL = handler("mongoose_graphql_handler", "schema_endpoint = \"admin\"\n")

    static func handler(_ name: String, _ lines: String = "") -> String {
        web + "[[listen.http.handlers.\(name)]]\nhost = \"_\"\npath = \"/api\"\n" + lines
    }
}
