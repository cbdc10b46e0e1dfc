extension ListenKeyRow {
    private typealias Texts = ListenTexts

    /// Streams of clients.
    static let ofClients: [ListenKeyRow] = [
        ListenKeyRow(  // listen.*.port
            1,
            [
                Texts.client, Texts.server, Texts.component, Texts.web, "[[listen.c2s]]\nport = 0",
                "[[listen.c2s]]\nport = 65_535", Texts.client + "[[listen.c2s]]\nport = 5222\nip_version = 6",
            ],
            [
                ("[[listen.c2s]]\nbacklog = 1", "listen.c2s[1].port"),
                ("[[listen.s2s]]\nport = \"5269\"", "listen.s2s[1].port"),
                ("[[listen.http]]\nport = -1", "listen.http[1].port"),
                ("[[listen.service]]\npassword = \"x\"\nport = 65536", "listen.service[1].port"),
                (Texts.client + "[[listen.s2s]]\nport = 5222", "listen.s2s[1].port"),
                (Texts.client + "ip_address = \"0.0.0.0\"\n[[listen.c2s]]\nport = 5222", "listen.c2s[2].port"),
                (Texts.client + "ip_address = \"127.0.0.1\"\n[[listen.c2s]]\nport = 5222", "listen.c2s[2].port"),
                (Texts.client + "[[listen.s2s]]\nport = 5222\nip_address = \"127.0.0.1\"\nip_version = 6", "listen.s2s[1].port"),
            ]),
        ListenKeyRow(  // listen.*.ip_address
            2, [Texts.client + "ip_address = \"127.0.0.1\"", Texts.web + "ip_address = \"::1\""],
            [
                (Texts.client + "ip_address = \"localhost\"", "listen.c2s[1].ip_address"),
                (Texts.client + "ip_address = \"192.168.1.999\"", "listen.c2s[1].ip_address"),
                (Texts.client + "ip_address = 4", "listen.c2s[1].ip_address"),
            ]),
        ListenKeyRow(  // listen.*.proto
            3,
            [
                Texts.client + "proto = \"tcp\"", Texts.client + "proto = \"udp\"",
                Texts.component + "proto = \"udp\"", Texts.client + "proto = \"udp\"\n[[listen.c2s]]\nport = 5222",
            ],
            [
                (Texts.client + "proto = \"ws\"", "listen.c2s[1].proto"),
                (Texts.client + "proto = true", "listen.c2s[1].proto"),
            ]),
        ListenKeyRow(  // listen.*.ip_version
            4, [Texts.client + "ip_version = 6", Texts.client + "ip_version = 6\nip_address = \"127.0.0.1\""],
            [
                (Texts.client + "ip_version = 7", "listen.c2s[1].ip_version"),
                (Texts.client + "ip_version = 4\nip_address = \"::1\"", "listen.c2s[1].ip_version"),
                (Texts.client + "ip_version = \"4\"", "listen.c2s[1].ip_version"),
            ]),
        ListenKeyRow(  // listen.*.backlog
            5, [Texts.client + "backlog = 0", Texts.server + "backlog = 10"],
            [
                (Texts.client + "backlog = -10", "listen.c2s[1].backlog"),
                (Texts.client + "backlog = \"ten\"", "listen.c2s[1].backlog"),
            ]),
        ListenKeyRow(  // listen.*.proxy_protocol
            6, [Texts.client + "proxy_protocol = true", Texts.component + "proxy_protocol = false"],
            [(Texts.client + "proxy_protocol = \"awesome\"", "listen.c2s[1].proxy_protocol")]),
        ListenKeyRow(  // listen.*.hibernate_after
            7, [Texts.client + "hibernate_after = 0", Texts.client + "hibernate_after = \"infinity\""],
            [
                (Texts.client + "hibernate_after = -10", "listen.c2s[1].hibernate_after"),
                (Texts.client + "hibernate_after = 0.5", "listen.c2s[1].hibernate_after"),
                (Texts.client + "hibernate_after = \"never\"", "listen.c2s[1].hibernate_after"),
            ]),
        ListenKeyRow(  // listen.*.max_stanza_size
            8, [Texts.client + "max_stanza_size = 65_536", Texts.server + "max_stanza_size = \"infinity\""],
            [
                (Texts.client + "max_stanza_size = 0", "listen.c2s[1].max_stanza_size"),
                (Texts.client + "max_stanza_size = \"unlimited\"", "listen.c2s[1].max_stanza_size"),
            ]),
        ListenKeyRow(  // listen.*.num_acceptors
            9, [Texts.client + "num_acceptors = 1", Texts.component + "num_acceptors = 1000"],
            [
                (Texts.client + "num_acceptors = 0", "listen.c2s[1].num_acceptors"),
                (Texts.client + "num_acceptors = \"infinity\"", "listen.c2s[1].num_acceptors"),
            ]),
        ListenKeyRow(  // listen.*.max_fsm_queue
            10,
            [
                Texts.client + "max_fsm_queue = 1", Texts.server + "max_fsm_queue = 1000",
                Texts.component + "max_fsm_queue = 5",
            ],
            [
                (Texts.client + "max_fsm_queue = 0", "listen.c2s[1].max_fsm_queue"),
                (Texts.client + "max_fsm_queue = \"infinity\"", "listen.c2s[1].max_fsm_queue"),
            ]),
        ListenKeyRow(  // listen.c2s.access
            11, [Texts.client + "access = \"all\"", Texts.client + "access = \"nowhere\""],
            [
                (Texts.client + "access = \"\"", "listen.c2s[1].access"),
                (Texts.client + "access = true", "listen.c2s[1].access"),
            ]),
        ListenKeyRow(  // listen.c2s.shaper
            12, [Texts.client + "shaper = \"none\"", Texts.client + "shaper = \"c2s_shaper\""],
            [
                (Texts.client + "shaper = \"\"", "listen.c2s[1].shaper"),
                (Texts.client + "shaper = 1", "listen.c2s[1].shaper"),
            ]),
        ListenKeyRow(  // listen.c2s.zlib
            13, [Texts.client + "zlib = 10_000"],
            [
                (Texts.client + "zlib = 0", "listen.c2s[1].zlib"),
                (Texts.client + "zlib = -1", "listen.c2s[1].zlib"),
                (Texts.client + "zlib = true", "listen.c2s[1].zlib"),
            ]),
        ListenKeyRow(  // listen.c2s.max_connections
            14, [Texts.client + "max_connections = 1", Texts.client + "max_connections = \"infinity\""],
            [
                (Texts.client + "max_connections = 0", "listen.c2s[1].max_connections"),
                (Texts.client + "max_connections = \"many\"", "listen.c2s[1].max_connections"),
            ]),
        ListenKeyRow(  // listen.c2s.c2s_state_timeout
            15,
            [
                Texts.client + "c2s_state_timeout = 0", Texts.client + "c2s_state_timeout = \"infinity\"",
                Texts.client + "state_timeout = 1000",
            ],
            [
                (Texts.client + "c2s_state_timeout = -1", "listen.c2s[1].c2s_state_timeout"),
                (Texts.client + "c2s_state_timeout = \"no\"", "listen.c2s[1].c2s_state_timeout"),
            ]),
        ListenKeyRow(  // listen.c2s.reuse_port
            16, [Texts.client + "reuse_port = true"],
            [(Texts.client + "reuse_port = 0", "listen.c2s[1].reuse_port")]),
        ListenKeyRow(  // listen.c2s.backwards_compatible_session
            17, [Texts.client + "backwards_compatible_session = false"],
            [(Texts.client + "backwards_compatible_session = 0", "listen.c2s[1].backwards_compatible_session")]),
        ListenKeyRow(  // listen.c2s.allowed_auth_methods
            18,
            [
                Texts.client
                    + "allowed_auth_methods = [\"internal\", \"rdbms\", \"external\", \"anonymous\", \"ldap\", \"jwt\", \"http\", \"pki\", \"dummy\"]",
                Texts.client + "allowed_auth_methods = []",
            ],
            [
                (Texts.client + "allowed_auth_methods = [\"bad_method\"]", "listen.c2s[1].allowed_auth_methods[1]"),
                (Texts.client + "allowed_auth_methods = [\"rdbms\", \"rdbms\"]", "listen.c2s[1].allowed_auth_methods[2]"),
                (Texts.client + "allowed_auth_methods = [\"riak\"]", "listen.c2s[1].allowed_auth_methods[1]"),
                (Texts.client + "allowed_auth_methods = \"rdbms\"", "listen.c2s[1].allowed_auth_methods"),
            ]),
        ListenKeyRow(  // listen.c2s.tls.mode
            19,
            [
                Texts.fastTLS + "mode = \"tls\"", Texts.fastTLS + "mode = \"starttls\"",
                Texts.fastTLS + "mode = \"starttls_required\"",
            ],
            [
                (Texts.fastTLS + "mode = \"stopttls\"", "listen.c2s[1].tls.mode"),
                (Texts.clientTLS + "mode = \"tls\"", "listen.c2s[1].tls.certfile"),
            ]),
        ListenKeyRow(  // listen.c2s.tls.verify_peer
            20, [Texts.fastTLS + "verify_peer = false", Texts.fastTLS + "cacertfile = \"ca.pem\"\nverify_peer = true"],
            [
                (Texts.fastTLS + "verify_peer = \"yes\"", "listen.c2s[1].tls.verify_peer"),
                (Texts.fastTLS + "verify_peer = true", "listen.c2s[1].tls.cacertfile"),
            ]),
        ListenKeyRow(  // listen.c2s.tls.module
            21, [Texts.fastTLS + "module = \"fast_tls\"", Texts.justTLS],
            [
                (Texts.fastTLS + "module = \"slow_tls\"", "listen.c2s[1].tls.module"),
                (Texts.fastTLS + "module = 1", "listen.c2s[1].tls.module"),
            ]),
        ListenKeyRow(  // listen.c2s.tls.verify_mode
            22,
            [
                Texts.fastTLS + "verify_mode = \"none\"",
                Texts.fastTLS + "verify_mode = \"peer\"\ncacertfile = \"ca.pem\"",
                Texts.justTLSWithAuthority + "verify_mode = \"selfsigned_peer\"", Texts.justTLS,
            ],
            [
                (Texts.fastTLS + "verify_mode = \"maybe\"", "listen.c2s[1].tls.verify_mode"),
                (
                    Texts.fastTLS + "module = \"fast_tls\"\ncacertfile = \"ca.pem\"\nverify_mode = \"selfsigned_peer\"",
                    "listen.c2s[1].tls.verify_mode"
                ),
                (Texts.justTLS + "verify_mode = \"selfsigned_peer\"", "listen.c2s[1].tls.cacertfile"),
            ]),
        ListenKeyRow(  // listen.c2s.tls.certfile
            23, [Texts.fastTLS, Texts.justTLS],
            [
                (Texts.clientTLS + "certfile = \"none.pem\"", "listen.c2s[1].tls.certfile"),
                (Texts.clientTLS + "certfile = \"key.pem\"", "listen.c2s[1].tls.certfile"),
                (Texts.clientTLS + "certfile = \"cert.pem\"", "listen.c2s[1].tls.certfile"),
            ]),
        ListenKeyRow(  // listen.c2s.tls.cacertfile
            24, [Texts.fastTLS + "cacertfile = \"ca.pem\""],
            [
                (Texts.fastTLS + "cacertfile = \"none.pem\"", "listen.c2s[1].tls.cacertfile"),
                (Texts.fastTLS + "cacertfile = \"key.pem\"", "listen.c2s[1].tls.cacertfile"),
            ]),
        ListenKeyRow(  // listen.c2s.tls.dhfile
            25, [Texts.fastTLS + "dhfile = \"dh.pem\"", Texts.justTLS + "dhfile = \"dh.pem\""],
            [
                (Texts.fastTLS + "dhfile = \"no_such_file.pem\"", "listen.c2s[1].tls.dhfile"),
                (Texts.fastTLS + "dhfile = \"cert.pem\"", "listen.c2s[1].tls.dhfile"),
            ]),
        ListenKeyRow(  // listen.c2s.tls.ciphers
            26,
            [
                Texts.fastTLS + "ciphers = \"TLSv1.2:TLSv1.3\"",
                Texts.justTLS + "ciphers = \"ECDHE-RSA-AES256-GCM-SHA384\"",
            ],
            [
                (Texts.fastTLS + "ciphers = \"\"", "listen.c2s[1].tls.ciphers"),
                (Texts.fastTLS + "ciphers = []", "listen.c2s[1].tls.ciphers"),
            ]),
        ListenKeyRow(  // listen.c2s.tls.protocol_options
            27,
            [
                Texts.fastTLS + "protocol_options = [\"no_tlsv1_3\", \"cipher_server_preference\"]",
                Texts.fastTLS + "protocol_options = []", Texts.fastTLS + "protocol_options = [\"nosuch\"]",
            ],
            [
                (Texts.fastTLS + "protocol_options = [\"\"]", "listen.c2s[1].tls.protocol_options[1]"),
                (Texts.justTLS + "protocol_options = [\"no_ticket\"]", "listen.c2s[1].tls.protocol_options"),
                (Texts.fastTLS + "protocol_options = \"no_ticket\"", "listen.c2s[1].tls.protocol_options"),
            ]),
        ListenKeyRow(  // listen.c2s.tls.keyfile
            28, [Texts.justTLS],
            [
                (
                    Texts.clientTLS + "module = \"just_tls\"\ncertfile = \"cert.pem\"\nkeyfile = \"none.pem\"",
                    "listen.c2s[1].tls.keyfile"
                ),
                (
                    Texts.clientTLS + "module = \"just_tls\"\ncertfile = \"cert.pem\"\nkeyfile = \"ca.pem\"",
                    "listen.c2s[1].tls.keyfile"
                ),
                (Texts.fastTLS + "module = \"fast_tls\"\nkeyfile = \"key.pem\"", "listen.c2s[1].tls.keyfile"),
            ]),
        ListenKeyRow(  // listen.c2s.tls.password
            29, [Texts.justTLS + "password = \"sesame\"", Texts.justTLS + "password = \"\""],
            [
                (Texts.justTLS + "password = 5", "listen.c2s[1].tls.password"),
                (Texts.fastTLS + "module = \"fast_tls\"\npassword = \"sesame\"", "listen.c2s[1].tls.password"),
            ]),
        ListenKeyRow(  // listen.c2s.tls.disconnect_on_failure
            30, [Texts.justTLSWithAuthority + "disconnect_on_failure = false"],
            [
                (Texts.justTLSWithAuthority + "disconnect_on_failure = \"sometimes\"", "listen.c2s[1].tls.disconnect_on_failure"),
                (Texts.fastTLS + "module = \"fast_tls\"\ndisconnect_on_failure = true", "listen.c2s[1].tls.disconnect_on_failure"),
            ]),
        ListenKeyRow(  // listen.c2s.tls.versions
            31, [Texts.justTLS + "versions = [\"tlsv1.2\", \"tlsv1.3\"]"],
            [
                (Texts.justTLS + "versions = [\"tlsv1.9\"]", "listen.c2s[1].tls.versions[1]"),
                (Texts.fastTLS + "module = \"fast_tls\"\nversions = [\"tlsv1.2\"]", "listen.c2s[1].tls.versions"),
            ]),
        ListenKeyRow(  // listen.c2s.tls.crl_files
            32, [Texts.justTLSWithAuthority + "crl_files = [\"crl.pem\"]"],
            [
                (Texts.justTLSWithAuthority + "crl_files = [\"no_such_file.crl\"]", "listen.c2s[1].tls.crl_files[1]"),
                (Texts.justTLSWithAuthority + "crl_files = [\"cert.pem\"]", "listen.c2s[1].tls.crl_files[1]"),
                (Texts.fastTLS + "module = \"fast_tls\"\ncrl_files = [\"crl.pem\"]", "listen.c2s[1].tls.crl_files"),
            ]),
    ]
}
