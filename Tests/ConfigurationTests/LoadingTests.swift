import Configuration
import Testing

@Suite(.timeLimit(.minutes(5)))
struct LoadingTests {
    private func client(_ text: String) throws -> ClientListenerConfiguration {
        let configuration = try loaded(least + text).configuration
        guard case .client(let listener) = try #require(configuration.listeners.first) else { throw Refused(problems: []) }
        return listener
    }

    @Test func defaults() throws {
        let (configuration, notes) = try loaded(least)
        let general = configuration.general
        #expect(general.logLevel == "warning" && general.language == "en")
        #expect(general.registrationTimeout == .seconds(600) && general.replacedWaitTimeout == .milliseconds(2000))
        #expect(general.maxFSMQueue == nil && !general.hideServiceName && general.domainCertfiles.isEmpty)
        #expect(configuration.hosts == ["localhost"] && configuration.listeners.isEmpty)
        let native = configuration.native
        #expect(native.workers == nil && native.workerProgram == nil && native.drainTimeout == .seconds(30))
        #expect(native.storagePath == "/var/lib/xmppd/xmppd.sqlite" && native.pidFile == "/run/xmppd/xmppd.pid")
        #expect(native.controlSocket == "/run/xmppd/control.sock" && native.runtimeDirectory == "/run/xmppd")
        #expect(native.beforeLogin.maxStanzaSize == 16384 && native.beforeLogin.maxAuthAttempts == 5)
        #expect(native.maxStanzaSize == 10 << 20 && !native.allowsPlainBeforeTLS)
        let host = configuration.host("localhost")
        #expect(host.modules.isEmpty && host.authentication.methods.isEmpty)
        #expect(host.authentication.scramIterations == 10000 && host.authentication.passwordFormat == .scram)
        #expect(host.authentication.mechanisms.first == .scramSHA512Plus)
        #expect(!host.authentication.mechanisms.contains(.external) && host.authentication.mechanisms.contains(.plain))
        #expect(notes.map(\.path) == ["auth"] && notes.map(\.kind) == [.warning])
    }

    @Test func nameServers() throws {
        #expect(try loaded(least).configuration.native.nameServers.isEmpty)
        let text = "[xmppd]\ndns.servers = [\"192.0.2.1\", \"192.0.2.1:5353\", \"2001:DB8:0::1\", \"[2001:db8::2]:53\"]"
        #expect(
            try loaded(least + text).configuration.native.nameServers == [
                "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::2]:53",
            ])
    }

    @Test func listenerDefaults() throws {
        let listener = try client("[[listen.c2s]]\nport = 5222")
        #expect(listener.address == "0.0.0.0" && listener.port == 5222 && listener.ipVersion == .four)
        #expect(listener.proto == .tcp && listener.backlog == 1024 && listener.numAcceptors == 100)
        #expect(listener.maxStanzaSize == 262_144 && listener.maxFSMQueue == nil && listener.maxConnections == nil)
        #expect(listener.access == "all" && listener.shaper == "none" && listener.zlib == nil)
        #expect(listener.stateTimeout == .milliseconds(5000) && listener.hibernateAfter == .zero)
        #expect(listener.backwardsCompatibleSession && !listener.proxyProtocol && !listener.reusePort)
        #expect(listener.allowedAuthMethods == nil && listener.tls == nil && listener.index == 1)
    }

    @Test func fastTLSDefaults() throws {
        let tls = try #require(try client("[[listen.c2s]]\nport = 1\ntls.certfile = \"both.pem\"").tls)
        #expect(tls.mode == .starttls && tls.module == .fastTLS && tls.verifyMode == .none)
        #expect(tls.ciphers == "TLSv1.2:TLSv1.3" && tls.versions == nil && tls.keyfile == nil)
        #expect(tls.protocolOptions == ["no_sslv2", "no_sslv3", "no_tlsv1", "no_tlsv1_1"])
        #expect(tls.certfile?.path == "both.pem" && tls.certfile?.contents.isEmpty == false)
    }

    @Test func justTLSWithEverything() throws {
        let tls = try #require(
            try client(
                """
                [[listen.c2s]]
                  port = 1
                  [listen.c2s.tls]
                    mode = "starttls_required"
                    module = "just_tls"
                    verify_mode = "selfsigned_peer"
                    certfile = "cert.pem"
                    keyfile = "key.pem"
                    password = "sesame"
                    cacertfile = "ca.pem"
                    dhfile = "dh.pem"
                    ciphers = "ECDHE-RSA-AES128-GCM-SHA256"
                    versions = ["tlsv1.2"]
                    disconnect_on_failure = false
                    crl_files = ["crl.pem"]
                """
            ).tls)
        #expect(tls.mode == .starttlsRequired && tls.module == .justTLS && tls.verifyMode == .selfsignedPeer)
        #expect(tls.keyfile?.path == "key.pem" && tls.password?.reveal() == "sesame" && tls.versions == ["tlsv1.2"])
        #expect(tls.protocolOptions.isEmpty && !tls.disconnectOnFailure && tls.crlFiles.map(\.path) == ["crl.pem"])
    }

    @Test func peerIsAskedForWithAnAuthorityOnly() throws {
        let text = "[[listen.c2s]]\nport = 1\ntls = { certfile = \"both.pem\", cacertfile = \"ca.pem\" }"
        #expect(try client(text).tls?.verifyMode == .peer)
    }

    @Test(arguments: [
        ("ip_address = \"127.0.0.1\"", "127.0.0.1", 4), ("ip_address = \"::1\"", "::1", 6),
        ("ip_version = 6", "::", 6), ("ip_version = 6\nip_address = \"127.0.0.1\"", "::ffff:127.0.0.1", 6),
        ("ip_address = \"2001:DB8:0::1\"", "2001:db8::1", 6), ("ip_version = 4", "0.0.0.0", 4),
    ]) func addresses(_ line: String, _ address: String, _ version: Int) throws {
        let listener = try client("[[listen.c2s]]\nport = 1\n\(line)")
        #expect(listener.address == address && listener.ipVersion.rawValue == version)
    }

    @Test func infinityIsNil() throws {
        let listener = try client(
            """
            [[listen.c2s]]
              port = 1
              max_stanza_size = "infinity"
              hibernate_after = "infinity"
              c2s_state_timeout = "infinity"
              max_connections = "infinity"
            """)
        #expect(listener.maxStanzaSize == nil && listener.hibernateAfter == nil)
        #expect(listener.stateTimeout == nil && listener.maxConnections == nil)
    }

    @Test func portZeroMayBeThereTwice() throws {
        let result = try loaded(least + "[[listen.c2s]]\nport = 0\n[[listen.c2s]]\nport = 0")
        #expect(result.configuration.listeners.count == 2)
    }

    @Test func theGeneralQueueHoldsWithoutAnOwn() throws {
        let text = """
            [general]
              hosts = ["A.Example."]
              default_server_domain = "a.example"
              max_fsm_queue = 1_000
            [[listen.c2s]]
              port = 1
            [[listen.c2s]]
              port = 2
              max_fsm_queue = 5
            """
        let configuration = try loaded(text).configuration
        let queues = configuration.listeners.map { listener in
            guard case .client(let client) = listener else { return Int?.none }
            return client.maxFSMQueue
        }
        #expect(queues == [1000, 5])
        #expect(configuration.hosts == ["a.example"])
    }

    @Test func otherSpellings() throws {
        let (configuration, notes) = try loaded(
            least
                + """
                [auth]
                  scram_iterations = 5000
                  [auth.internal]
                [shaper]
                  slow = { maxrate = 10 }
                  fast = { max_rate = 1000, maxrate = 20 }
                [[listen.c2s]]
                  port = 1
                  state_timeout = 7
                  [listen.c2s.tls]
                    certfile = "both.pem"
                    cacertfile = "ca.pem"
                    verify_peer = true
                    verify_mode = "none"
                """)
        #expect(configuration.host("localhost").authentication.scramIterations == 5000)
        #expect(configuration.shapers["slow"]?.maxRate == 10 && configuration.shapers["fast"]?.maxRate == 1000)
        guard case .client(let listener)? = configuration.listeners.first else { return }
        #expect(listener.stateTimeout == .milliseconds(7) && listener.tls?.verifyMode == TLSListenerConfiguration.VerifyMode.none)
        let warnings = notes.filter { $0.kind == .warning }.map { "\($0.position.line) \($0.path)" }
        #expect(warnings == ["7 shaper.fast.maxrate", "14 listen.c2s[1].tls.verify_peer"])
    }

    @Test func onlyNamedModulesAreThere() throws {
        let configuration = try loaded(
            least
                + """
                [modules.mod_ping]
                  send_pings = true
                [modules.mod_vcard]
                """
        ).configuration
        let modules = configuration.host("localhost").modules
        #expect(modules.keys.sorted() == ["mod_ping", "mod_vcard"])
    }

    @Test func hostsOverride() throws {
        let text = """
            [general]
              hosts = ["a.example", "b.example"]
              default_server_domain = "a.example"
            [auth]
              sasl_mechanisms = ["plain"]
              [auth.internal]
            [modules.mod_roster]
            [modules.mod_ping]
            [[host_config]]
              host = "b.example"
              general.replaced_wait_timeout = 5
              [host_config.auth]
                password.scram_iterations = 4096
                [host_config.auth.anonymous]
              [host_config.modules.mod_disco]
            """
        let configuration = try loaded(text).configuration
        let first = configuration.host("a.example"), second = configuration.host("b.example")
        #expect(first.modules.keys.sorted() == ["mod_ping", "mod_roster"] && second.modules.keys.sorted() == ["mod_disco"])
        #expect(first.authentication.methods == [.internal] && second.authentication.methods == [.anonymous])
        #expect(first.authentication.mechanisms == [.plain] && second.authentication.mechanisms.count == 13)
        #expect(second.authentication.scramIterations == 4096)
        #expect(first.replacedWaitTimeout == .milliseconds(2000) && second.replacedWaitTimeout == .milliseconds(5))
        #expect(configuration.host("c.example").modules.keys.sorted() == ["mod_ping", "mod_roster"])
    }

    @Test func notesNameWhatIsNotInEffect() throws {
        let (_, notes) = try loaded(
            least
                + """
                [[listen.c2s]]
                  port = 1
                  proto = "udp"
                  proxy_protocol = true
                  access = "nobody"
                  shaper = "nothing"
                [[listen.s2s]]
                  port = 2
                  backlog = 7
                [auth.internal]
                [auth.password]
                  format = "plain"
                [modules.mod_muc]
                  history_size = 5
                [modules.mod_roster]
                  backend = "rdbms"
                [internal_databases.mnesia]
                """)
        #expect(
            notes.map { "\($0.position.line) \($0.path): \($0.kind)" } == [
                "4 listen.c2s[1].proto: warning", "6 listen.c2s[1].access: warning", "7 listen.c2s[1].shaper: warning",
                "14 modules.mod_muc: notYet",
                "16 modules: warning", "17 modules.mod_roster.backend: accepted", "18 internal_databases: accepted",
            ], "\(notes.map(\.description))")
        #expect(notes[0].text.hasSuffix("is bound over udp, where whatever comes is discarded: clients connect over tcp"))
    }
}
