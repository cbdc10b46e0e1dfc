import Configuration
import Testing

@Suite("The methods of authentication and their options", .timeLimit(.minutes(5)))
struct AuthenticationTests {
    private func authentication(_ text: String) throws -> AuthenticationConfiguration {
        try loaded(least + text).configuration.host("localhost").authentication
    }

    @Test("defaults of every method")
    func defaults() throws {
        let auth = try authentication(
            """
            [auth.internal]
            [auth.anonymous]
            [auth.dummy]
            [auth.external]
              program = "/usr/bin/true"
            [auth.http]
            [auth.jwt]
              secret.value = "s"
              algorithm = "RS386"
              username_key = "sub"
            [auth.ldap]
              base = "ou=people,dc=example,dc=org"
            [auth.pki]
            [auth.rdbms]
            [outgoing_pools.http.auth]
              connection.host = "https://127.0.0.1"
            [outgoing_pools.ldap.default]
            [outgoing_pools.ldap.bind]
            [outgoing_pools.rdbms.default]
              connection.driver = "pgsql"
              connection.host = "localhost"
              connection.database = "x"
              connection.username = "x"
              connection.password = "x"
            """)
        #expect(auth.methods == [.anonymous, .dummy, .external, .http, .internal, .jwt, .ldap, .pki, .rdbms])
        #expect(auth.certificateRules == [.standard])
        #expect(auth.anonymous.map { $0.allowsMechanism && !$0.allowsLogin && !$0.allowsMultipleConnections } == true)
        #expect(auth.dummy?.baseTime == .milliseconds(50) && auth.dummy?.variance == .milliseconds(450))
        #expect(auth.external?.program == "/usr/bin/true" && auth.external?.instances == 1)
        #expect(auth.jwt?.key == .value(Secret("s")) && auth.jwt?.algorithm == .rs384 && auth.jwt?.usernameKey == "sub")
        #expect(auth.ldap?.userNames.map(\.attribute) == ["uid"] && auth.ldap?.bindPoolTag == "bind")
        #expect(auth.rdbms?.estimatesCount == false && auth.http?.basicAuth == nil)
    }

    @Test("what a file says of them")
    func given() throws {
        let auth = try authentication(
            """
            [auth]
              methods = ["jwt", "anonymous"]
              sasl_external = ["auth_id", "standard", "common_name"]
              [auth.anonymous]
                protocol = "both"
                allow_multiple_connections = true
              [auth.jwt]
                secret.env = "JWT_KEY"
                algorithm = "ES512"
                username_key = "user"
            """)
        #expect(auth.methods == [.jwt, .anonymous] && auth.dummy == nil)
        #expect(auth.certificateRules == [.authID, .standard, .commonName])
        #expect(auth.anonymous.map { $0.allowsMechanism && $0.allowsLogin && $0.allowsMultipleConnections } == true)
        #expect(
            auth.jwt?.key == .environment(ConfiguredFile(path: "JWT_KEY", contents: Array("sesame".utf8)))
                && auth.jwt?.algorithm == .es512)
    }

    @Test("a name that nobody has is not free where a method has all names")
    func everybody() throws {
        let text = "[auth.anonymous]\nprotocol = \"login_anon\"\n[auth.pki]"
        let notes = try loaded(least + text).notes.map(\.description)
        #expect(notes.contains { $0.contains("auth.anonymous.protocol") && $0.contains("pki has every user name") }, "\(notes)")
    }

    @Test("where an option stands: in the host's own section, or in the common one")
    func places() throws {
        let configuration = try loaded(
            """
            [general]
              hosts = ["localhost", "b.example"]
              default_server_domain = "localhost"
            [auth.dummy]
              base_time = 1
            [[host_config]]
              host = "b.example"
              [host_config.auth.dummy]
                variance = 2
            """
        ).configuration
        let common = configuration.place(ofAuthentication: "dummy.base_time", on: "localhost")
        #expect(common.path == "auth.dummy.base_time" && common.position?.line == 5)
        let own = configuration.place(ofAuthentication: "dummy.variance", on: "b.example")
        #expect(own.path == "host_config[1].auth.dummy.variance" && own.position?.line == 9)
    }
}
