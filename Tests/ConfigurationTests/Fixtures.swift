import Configuration

/// Wrong configurations. All but `general` stand below the line `least`, so that their own first line is the second.
enum Fixtures {
    static let syntax: [Wrong] = [
        Wrong("[general", 2, "", .notTOML, nil, "end-of-file"),
        Wrong("[shaper]\nfast = {", 3, "", .notTOML, nil, "inline table"),
        Wrong("[shaper]\n[shaper]\n", 3, "", .notTOML, nil, "cannot redefine"),
        Wrong("x = 1\nx = 2", 3, "", .notTOML, nil, "cannot redefine"),
        Wrong("x = \"abc", 2, "", .notTOML, nil, "string"),
        Wrong("x = 1__0", 2, "", .notTOML, nil, "underscore"),
    ]

    /// Whole files.
    static let general: [Wrong] = [
        Wrong(
            "[general]\nhost_types = [\"t\"]\ndefault_server_domain = \"a\"\n[modules.mod_pubsub]", 4, "modules.mod_pubsub",
            .conflict, nil, "general.host_types"),
        Wrong("", 1, "general", .missingKey, nil, "it must be a table"),
        Wrong("[general]\nhost_types = [\"t\"]", 1, "general.default_server_domain", .missingKey, nil, "a domain name"),
        Wrong(
            "[general]\ndefault_server_domain = \"a.example\"", 1, "general.hosts", .missingKey, nil,
            "at least one domain"),
        Wrong(
            "general = 5", 1, "general", .malformedNode, "5", "a table"),
        general("hosts = \"a.example\"", "hosts", .malformedNode, "\"a.example\"", "an array"),
        general("hosts = [\"a.example\", 5]", "hosts[2]", .malformedNode, "5", "a domain name"),
        general("hosts = [\"a.example\", \"A.example\"]", "hosts[2]", .badValue, "\"A.example\"", "no value twice"),
        general("hosts = [\"user@a.example\"]", "hosts[1]", .badValue, "\"user@a.example\"", "a domain name"),
        general("hosts = [\"a..example\"]", "hosts[1]", .badValue, "\"a..example\"", "a domain name"),
        own("host_types = [\"a.example\"]", "host_types[1]", .conflict, "\"a.example\"", "not in general.hosts"),
        own("loglevel = \"warn\"", "loglevel", .badValue, "\"warn\"", "\"warning\""),
        own("loglevel = 3", "loglevel", .malformedNode, "3", "one of \"none\""),
        own("language = \"english\"", "language", .badValue, "\"english\"", "two-letter"),
        own("registration_timeout = 0", "registration_timeout", .badValue, "0", "1 or more (seconds) or \"infinity\""),
        own("registration_timeout = \"never\"", "registration_timeout", .badValue, "\"never\"", "or \"infinity\""),
        own(
            "replaced_wait_timeout = 1.5", "replaced_wait_timeout", .malformedNode, "1.5", "an integer of 1 or more (milliseconds)"),
        own("max_fsm_queue = \"infinity\"", "max_fsm_queue", .malformedNode, "\"infinity\"", "an integer of 1 or more"),
        own("hide_service_name = \"yes\"", "hide_service_name", .malformedNode, "\"yes\"", "true or false"),
        own("route_subdomains = \"c2s\"", "route_subdomains", .badValue, "\"c2s\"", "\"s2s\""),
        own("sm_backend = \"riak\"", "sm_backend", .removed, "\"riak\"", "\"mnesia\"", hint: "removed"),
        own("hots = []", "hots", .unexpectedKey, nil, "known here", hint: "nearest known key: hosts"),
        own(
            "domain_certfile = [{ domain = \"a.example\", certfile = \"cert.pem\" }]", "domain_certfile[1].certfile",
            .file, "\"cert.pem\"", "private key", hint: "no private key"),
        own(
            "domain_certfile = [{ certfile = \"both.pem\" }]", "domain_certfile[1].domain", .missingKey, nil,
            "a domain name"),
    ]

    private static func general(
        _ line: String, _ key: String, _ kind: Problem.Kind, _ found: String?, _ expected: String
    ) -> Wrong {
        Wrong("[general]\ndefault_server_domain = \"x.example\"\n\(line)", 3, "general.\(key)", kind, found, expected)
    }

    private static func own(
        _ line: String, _ key: String, _ kind: Problem.Kind, _ found: String?, _ expected: String, hint: String? = nil
    ) -> Wrong {
        Wrong(
            "[general]\nhosts = [\"a.example\"]\ndefault_server_domain = \"a.example\"\n\(line)", 4, "general.\(key)",
            kind, found, expected, hint: hint)
    }

    /// One key of the first listener, on line 4.
    private static func listen(
        _ line: String, _ key: String, _ kind: Problem.Kind, _ found: String?, _ expected: String, hint: String? = nil
    ) -> Wrong {
        Wrong("[[listen.c2s]]\nport = 5222\n\(line)", 4, "listen.c2s[1].\(key)", kind, found, expected, hint: hint)
    }

    static let listener: [Wrong] = [
        Wrong("[[listen.c2s]]\nbacklog = 5", 2, "listen.c2s[1].port", .missingKey, nil, "an integer from 0 to 65535"),
        Wrong("[[listen.c2s]]\nport = \"5222\"", 3, "listen.c2s[1].port", .malformedNode, "\"5222\"", "0 to 65535"),
        Wrong("[[listen.c2s]]\nport = -1", 3, "listen.c2s[1].port", .badValue, "-1", "0 to 65535"),
        Wrong("[[listen.c2s]]\nport = 65_536", 3, "listen.c2s[1].port", .badValue, "65536", "0 to 65535"),
        Wrong("[listen.c2s]\nport = 5222", 2, "listen.c2s", .malformedNode, "a table", "an array of tables"),
        Wrong("[[listen.c2c]]\nport = 5222", 2, "listen.c2c", .unexpectedKey, nil, "known here", hint: "c2s"),
        Wrong("listen.c2s = [5]", 2, "listen.c2s[1]", .malformedNode, "5", "a table"),
        Wrong(
            "[[listen.c2s]]\nport = 5222\n[[listen.c2s]]\nport = 5222\nip_address = \"0.0.0.0\"", 5,
            "listen.c2s[2].port", .duplicateListeners, "0.0.0.0 port 5222 (tcp)", "of its own",
            hint: "listen.c2s[1] in line 3 has them"),
        Wrong(
            "[[listen.c2s]]\nport = 5222\nip_address = \"127.0.0.1\"\n[[listen.http]]\nport = 5222", 6, "listen.http[1].port",
            .duplicateListeners, "0.0.0.0 port 5222 (tcp)", "of its own",
            hint: "listen.c2s[1] in line 3 has 127.0.0.1 port 5222 (tcp)"),
        Wrong(
            "[[listen.c2s]]\nport = 5222\nip_address = \"::1\"\n[[listen.s2s]]\nport = 5222\nip_address = \"0:0:0:0:0:0:0:1\"",
            6, "listen.s2s[1].port", .duplicateListeners, "::1 port 5222 (tcp)", "of its own"),
        listen("ip_address = \"localhost\"", "ip_address", .badValue, "\"localhost\"", "a literal IPv4 or IPv6 address"),
        listen("ip_address = \"127.1\"", "ip_address", .badValue, "\"127.1\"", "a literal"),
        listen("proto = \"ws\"", "proto", .badValue, "\"ws\"", "one of \"tcp\", \"udp\""),
        listen("ip_version = 5", "ip_version", .badValue, "5", "4 or 6"),
        listen("ip_address = \"::1\"\nip_version = 4", "ip_version", .conflict, "4", "ip_address is the IPv6 address \"::1\"").at(
            5),
        listen("backlog = \"many\"", "backlog", .malformedNode, "\"many\"", "0 or more"),
        listen("proxy_protocol = 1", "proxy_protocol", .malformedNode, "1", "true or false"),
        listen("hibernate_after = -1", "hibernate_after", .badValue, "-1", "0 or more (milliseconds) or \"infinity\""),
        listen("hibernate_after = \"never\"", "hibernate_after", .badValue, "\"never\"", "\"infinity\""),
        listen("max_stanza_size = 0", "max_stanza_size", .badValue, "0", "1 or more (bytes) or \"infinity\""),
        listen("max_stanza_size = \"big\"", "max_stanza_size", .badValue, "\"big\"", "\"infinity\""),
        listen("num_acceptors = 0", "num_acceptors", .badValue, "0", "1 or more"),
        listen("max_fsm_queue = -5", "max_fsm_queue", .badValue, "-5", "1 or more"),
        listen("access = \"\"", "access", .badValue, "\"\"", "a non-empty string"),
        listen("shaper = 5", "shaper", .malformedNode, "5", "a non-empty string"),
        listen("zlib = true", "zlib", .malformedNode, "true", "1 or more (bytes)"),
        listen("max_connections = 0", "max_connections", .badValue, "0", "or \"infinity\""),
        listen("c2s_state_timeout = -1", "c2s_state_timeout", .badValue, "-1", "0 or more (milliseconds)"),
        listen("state_timeout = \"long\"", "state_timeout", .badValue, "\"long\"", "or \"infinity\""),
        listen("reuse_port = \"true\"", "reuse_port", .malformedNode, "\"true\"", "true or false"),
        listen("backwards_compatible_session = 0", "backwards_compatible_session", .malformedNode, "0", "true or false"),
        listen(
            "allowed_auth_methods = [\"internal\", \"internal\"]", "allowed_auth_methods[2]", .badValue,
            "\"internal\"", "no value twice"),
        listen(
            "allowed_auth_methods = [\"interal\"]", "allowed_auth_methods[1]", .badValue, "\"interal\"",
            "\"internal\", \"rdbms\", \"external\", \"anonymous\"", hint: "internal"),
        listen(
            "allowed_auth_methods = [\"riak\"]", "allowed_auth_methods[1]", .removed, "\"riak\"", "\"internal\"",
            hint: "was removed"),
    ]

    private static func secured(
        _ lines: String, _ key: String, _ kind: Problem.Kind, _ found: String?, _ expected: String, hint: String? = nil,
        line: Int = 5
    ) -> Wrong {
        Wrong(
            "[[listen.c2s]]\nport = 5222\n[listen.c2s.tls]\n\(lines)", line, "listen.c2s[1].tls.\(key)", kind, found,
            expected, hint: hint)
    }

    static let tls: [Wrong] = [
        secured("mode = \"ssl\"\ncertfile = \"both.pem\"", "mode", .badValue, "\"ssl\"", "\"starttls_required\""),
        secured("mode = \"tls\"", "certfile", .missingKey, nil, "mode \"tls\" needs it"),
        secured("dhfile = \"dh.pem\"", "certfile", .missingKey, nil, "general.domain_certfile", line: 4),
        secured("certfile = \"none.pem\"", "certfile", .file, "\"none.pem\"", "PEM certificates", hint: "not in the bundle"),
        secured("certfile = \"key.pem\"", "certfile", .file, "\"key.pem\"", "PEM certificates", hint: "holds none"),
        secured("certfile = \"cert.pem\"", "certfile", .file, "\"cert.pem\"", "private key", hint: "no private key"),
        secured("certfile = \"\"", "certfile", .badValue, "\"\"", "the path of a readable file"),
        secured("certfile = \"both.pem\"\nmodule = \"slow_tls\"", "module", .badValue, "\"slow_tls\"", "\"fast_tls\"", line: 6),
        secured(
            "certfile = \"both.pem\"\nmodule = \"fast_tls\"\nkeyfile = \"key.pem\"", "keyfile", .conflict, nil,
            "module \"fast_tls\" does not have the key keyfile", hint: "just_tls", line: 7),
        secured(
            "certfile = \"both.pem\"\nmodule = \"fast_tls\"\npassword = \"x\"", "password", .conflict, nil, "\"fast_tls\"", line: 7),
        secured(
            "certfile = \"both.pem\"\nmodule = \"fast_tls\"\nversions = [\"tlsv1.2\"]", "versions", .conflict, nil, "\"fast_tls\"",
            line: 7),
        secured(
            "certfile = \"both.pem\"\nmodule = \"fast_tls\"\ncrl_files = [\"crl.pem\"]", "crl_files", .conflict, nil,
            "\"fast_tls\"", line: 7),
        secured(
            "certfile = \"both.pem\"\nmodule = \"fast_tls\"\ndisconnect_on_failure = false", "disconnect_on_failure", .conflict,
            nil, "\"fast_tls\"", line: 7),
        secured(
            "certfile = \"both.pem\"\nkeyfile = \"key.pem\"\nprotocol_options = [\"no_ticket\"]", "protocol_options", .conflict,
            nil,
            "protocol_options belongs to \"fast_tls\", keyfile to \"just_tls\"", hint: "remove one", line: 7),
        secured(
            "certfile = \"both.pem\"\nmodule = \"just_tls\"\nprotocol_options = [\"no_ticket\"]", "protocol_options",
            .conflict, nil, "\"just_tls\" does not have the key", hint: "fast_tls", line: 7),
        secured(
            "certfile = \"both.pem\"\nmodule = \"fast_tls\"\ncacertfile = \"ca.pem\"\nverify_mode = \"selfsigned_peer\"",
            "verify_mode",
            .conflict, "\"selfsigned_peer\"", "with module \"fast_tls\"", line: 8),
        secured(
            "certfile = \"both.pem\"\nverify_mode = \"peer\"", "cacertfile", .missingKey, nil, "verify_mode \"peer\" needs it",
            line: 6),
        secured("certfile = \"both.pem\"\nverify_peer = true", "cacertfile", .missingKey, nil, "needs it", line: 6),
        secured("certfile = \"both.pem\"\nverify_peer = 1", "verify_peer", .malformedNode, "1", "true or false", line: 6),
        secured("certfile = \"both.pem\"\ndhfile = \"empty.pem\"", "dhfile", .file, "\"empty.pem\"", "Diffie-Hellman", line: 6),
        secured("certfile = \"both.pem\"\nciphers = \"\"", "ciphers", .badValue, "\"\"", "a non-empty string", line: 6),
        secured(
            "certfile = \"both.pem\"\nprotocol_options = [\"\"]", "protocol_options[1]", .badValue, "\"\"",
            "a non-empty string", line: 6),
        secured(
            "module = \"just_tls\"\ncertfile = \"cert.pem\"\nkeyfile = \"cert.pem\"", "keyfile", .file, "\"cert.pem\"",
            "a PEM private key", line: 7),
        secured(
            "module = \"just_tls\"\ncertfile = \"both.pem\"\nversions = [\"tlsv1.2\", \"sslv3\"]", "versions[2]",
            .badValue, "\"sslv3\"", "\"tlsv1.3\"", line: 7),
        secured(
            "module = \"just_tls\"\ncertfile = \"both.pem\"\ncrl_files = [\"crl.pem\", \"ca.pem\"]", "crl_files[2]",
            .file, "\"ca.pem\"", "revocation list", line: 7),
        secured(
            "certfile = \"both.pem\"\ncertfiles = 1", "certfiles", .unexpectedKey, nil, "known here", hint: "certfile", line: 6),
    ]

    static let authentication: [Wrong] = [
        Wrong(
            "[auth]\nmethods = [\"pki\"]", 3, "auth.methods[1]", .conflict, "\"pki\"", "a method that has its table",
            hint: "[auth.pki]"),
        Wrong("[auth]\nmethods = [\"mysql\"]", 3, "auth.methods[1]", .badValue, "\"mysql\"", "\"internal\""),
        Wrong("[auth.riak]\n", 2, "auth.riak", .removed, nil, "removed"),
        Wrong("[auth]\nsasl_mechanisms = [\"scram_sha2\"]", 3, "auth.sasl_mechanisms[1]", .badValue, "\"scram_sha2\"", "\"plain\""),
        Wrong("[auth.password]\nformat = \"md5\"", 3, "auth.password.format", .badValue, "\"md5\"", "\"scram\", \"plain\""),
        Wrong("[auth.password]\nhash = []", 3, "auth.password.hash", .badValue, "an empty array", "a non-empty array"),
        Wrong("[auth]\nscram_iterations = 0", 3, "auth.scram_iterations", .badValue, "0", "1 or more"),
        Wrong("[auth.internal]\nfast = true", 3, "auth.internal.fast", .unexpectedKey, nil, "known here"),
        Wrong("[auth.external]\ninstances = 2", 2, "auth.external.program", .missingKey, nil, "the path of a file"),
        Wrong(
            "[auth.jwt]\nalgorithm = \"HS256\"\nusername_key = \"sub\"\nsecret = { env = \"JWT_KEY\", value = \"b\" }", 5,
            "auth.jwt.secret", .conflict, nil, "exactly one of"),
        Wrong(
            "[auth.ldap]\nuids = [{ format = \"%u\" }]\nbase = \"o=x\"\n[outgoing_pools.ldap]\ndefault = {}\nbind = {}", 3,
            "auth.ldap.uids[1].attr", .missingKey, nil, "a non-empty string"),
        Wrong("[auth.dummy]\nvariance = 0", 3, "auth.dummy.variance", .badValue, "0", "1 or more (milliseconds)"),
    ]

    static let access: [Wrong] = [
        Wrong("[acl]\nadmin = { user = \"a\" }", 3, "acl.admin", .malformedNode, "a table", "an array of tables"),
        Wrong("[acl]\nadmin = [{ usr = \"a\" }]", 3, "acl.admin[1].usr", .unexpectedKey, nil, "known here", hint: "user"),
        Wrong(
            "[acl]\nadmin = [{ user_regexp = \"a(\" }]", 3, "acl.admin[1].user_regexp", .badValue, "\"a(\"",
            "an extended regular expression", hint: "("),
        Wrong(
            "[acl]\nadmin = [{ user_regexp = \"(?i)a\" }]", 3, "acl.admin[1].user_regexp", .badValue, "\"(?i)a\"", "regular",
            hint: "not supported"),
        Wrong("[acl]\nadmin = [{ user_glob = \"[a\" }]", 3, "acl.admin[1].user_glob", .badValue, "\"[a\"", "a glob pattern"),
        Wrong("[acl]\nadmin = [{ match = \"some\" }]", 3, "acl.admin[1].match", .badValue, "\"some\"", "\"current_domain\""),
        Wrong(
            "[access]\nc2s = [{ acl = \"all\" }]", 3, "access.c2s[1].value", .missingKey, nil, "a non-empty string, or an integer"),
        Wrong("[access]\nc2s = [{ value = \"allow\" }]", 3, "access.c2s[1].acl", .missingKey, nil, "a non-empty string"),
        Wrong("[access]\nc2s = [{ acl = \"all\", value = -1 }]", 3, "access.c2s[1].value", .badValue, "-1", "0 or more"),
        Wrong("[access]\nc2s = [{ acl = \"all\", value = true }]", 3, "access.c2s[1].value", .malformedNode, "true", "string"),
        Wrong("[shaper.slow]\n", 2, "shaper.slow.max_rate", .missingKey, nil, "1 or more (bytes per second)"),
        Wrong("[shaper]\nslow = { maxrate = 0 }", 3, "shaper.slow.maxrate", .badValue, "0", "1 or more"),
    ]

    static let modules: [Wrong] = [
        Wrong("[modules.mod_rooster]", 2, "modules.mod_rooster", .unexpectedKey, nil, "Erlang", hint: "mod_roster"),
        Wrong("[modules]\nmod_roster = true", 3, "modules.mod_roster", .malformedNode, "true", "a table"),
        Wrong(
            "[modules.mod_roster]\nversionning = true", 3, "modules.mod_roster.versionning", .unexpectedKey, nil, "known here",
            hint: "versioning"),
        Wrong(
            "[modules.mod_ping]\ntimeout_action = \"die\"", 3, "modules.mod_ping.timeout_action", .badValue, "\"die\"",
            "\"none\", \"kill\""),
        Wrong("[modules.mod_csi]\nbuffer_max = \"many\"", 3, "modules.mod_csi.buffer_max", .badValue, "\"many\"", "\"infinity\""),
        Wrong("[modules.mod_vcard]\nhost = \"a b\"", 3, "modules.mod_vcard.host", .badValue, "\"a b\"", "@HOST@"),
        Wrong(
            "[modules.mod_register]\nip_access = [{ address = \"10.0.0.0/33\", policy = \"deny\" }]", 3,
            "modules.mod_register.ip_access[1].address", .badValue, "\"10.0.0.0/33\"", "prefix length"),
        Wrong(
            "[modules.mod_roster]\niqdisc.type = \"fast\"", 3, "modules.mod_roster.iqdisc.type", .badValue, "\"fast\"",
            "\"one_queue\""),
        Wrong(
            "[modules.mod_http_upload.s3]\nregion = \"x\"\naccess_key_id = \"y\"\nsecret_access_key = \"z\"", 2,
            "modules.mod_http_upload.s3.bucket_url", .missingKey, nil, "a non-empty string"),
    ]

    static let elsewhere: [Wrong] = [
        Wrong(
            "[modules.mod_adhoc]\niqdisc = { type = \"no_queue\", workers = 2 }", 3, "modules.mod_adhoc.iqdisc.workers", .conflict,
            nil, "\"queues\""),
        Wrong("[modules.mod_vcard]\nhost = \"a.@HOST@.b\"", 3, "modules.mod_vcard.host", .badValue, "\"a.@HOST@.b\"", ".@HOST@"),
        Wrong(
            "[modules.mod_mam]\npm.full_text_serch = true", 3, "modules.mod_mam.pm.full_text_serch", .unexpectedKey, nil,
            "known here", hint: "full_text_search"),
        Wrong(
            "[s2s]\nhost_policy = [{ host = \"a\", policy = \"allow\" }, { host = \"a\", policy = \"deny\" }]", 3,
            "s2s.host_policy[2].host", .conflict, "\"a\"", "one policy"),
        Wrong(
            "[modules.mod_keystore]\nkeys = [{ name = \"a\", type = \"file\" }]", 3, "modules.mod_keystore.keys[1].path",
            .missingKey, nil, "readable file"),
        Wrong("[sharper]\n", 2, "sharper", .unexpectedKey, nil, "known here", hint: "nearest known key: shaper"),
        Wrong("[xmppd]\nworkers = 65", 3, "xmppd.workers", .badValue, "65", "an integer from 1 to 64"),
        Wrong(
            "[xmppd]\ndns.servers = [\"192.0.2.1\", \"ns.example.org\"]", 3, "xmppd.dns.servers[2]", .badValue,
            "\"ns.example.org\"",
            "a literal IP address"),
        Wrong(
            "[xmppd]\ndns.servers = [\"2001:db8::1:99999\"]", 3, "xmppd.dns.servers[1]", .badValue, "\"2001:db8::1:99999\"",
            "with a port"),
        Wrong("[xmppd]\ndns.servers = [\"192.0.2.1:0\"]", 3, "xmppd.dns.servers[1]", .badValue, "\"192.0.2.1:0\"", "with a port"),
        Wrong("[xmppd]\nstorage.path = \"\"", 3, "xmppd.storage.path", .badValue, "\"\"", "the path of a file"),
        Wrong(
            "[xmppd]\ncontrol_socket = \"/\(String(repeating: "x", count: 107))\"", 3, "xmppd.control_socket", .badValue,
            "\"/\(String(repeating: "x", count: 59))…\"", "at most 107 bytes"),
        Wrong("[[host_config]]\n", 2, "host_config[1].host", .missingKey, nil, "host_type"),
        Wrong(
            "[[host_config]]\nhost = \"localhos\"", 3, "host_config[1].host", .badValue, "\"localhos\"", "one of general.hosts",
            hint: "localhost"),
        Wrong(
            "[[host_config]]\nhost = \"localhost\"\nhost_type = \"x\"", 4, "host_config[1].host_type", .conflict, nil,
            "exclude each other"),
        Wrong(
            "[[host_config]]\nhost = \"localhost\"\n[[host_config]]\nhost = \"localhost\"", 5, "host_config[2].host", .conflict,
            "\"localhost\"", "one host_config for each"),
        Wrong(
            "[[host_config]]\nhost = \"localhost\"\n[host_config.general]\nloglevel = \"debug\"", 5,
            "host_config[1].general.loglevel", .unexpectedKey, nil, "known here"),
        Wrong(
            "[[host_config]]\nhost = \"localhost\"\n[host_config.auth]\nmethods = [\"pki\"]", 5, "host_config[1].auth.methods[1]",
            .conflict, "\"pki\"", "a method that has its table"),
        Wrong(
            "[[host_config]]\nhost = \"localhost\"\n[host_config.modules.mod_pong]", 4, "host_config[1].modules.mod_pong",
            .unexpectedKey, nil, "Erlang", hint: "mod_ping"),
        Wrong(
            "[[host_config]]\nhost = \"localhost\"\n[[host_config.acl.x]]\nuser = 1", 5, "host_config[1].acl.x[1].user",
            .malformedNode, "1", "a non-empty string"),
        Wrong("[s2s]\nuse_starttls = \"maybe\"", 3, "s2s.use_starttls", .badValue, "\"maybe\"", "\"required_trusted\""),
        Wrong("[[listen.service]]\nport = 8888", 2, "listen.service[1].password", .missingKey, nil, "a non-empty string"),
        Wrong(
            "[[listen.http]]\nport = 80\n[[listen.http.handlers.mod_bosch]]\nhost = \"_\"", 4, "listen.http[1].handlers.mod_bosch",
            .unexpectedKey, nil, "mod_websockets", hint: "mod_bosh"),
        Wrong(
            "[[listen.http]]\nport = 80\n[[listen.http.handlers.mongoose_admin_api]]\nhost = \"_\"\npath = \"/api\"\nusername = \"a\"",
            4, "listen.http[1].handlers.mongoose_admin_api[1].password", .missingKey, nil, "go together"),
        Wrong(
            "[outgoing_pools.http.auth]\nscope = \"single_host\"\nconnection.host = \"http://x\"", 2,
            "outgoing_pools.http.auth.host", .missingKey, nil, "single_host"),
        Wrong("[outgoing_pools.riak.default]", 2, "outgoing_pools.riak", .removed, nil, "removed"),
    ]
}

extension Wrong {
    func at(_ line: Int) -> Wrong { Wrong(text, line, path, kind, found, expected, hint: hint) }
}
