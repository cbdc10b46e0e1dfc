extension ListenKeyRow {
    private typealias Texts = ListenTexts

    /// Servers, components, BOSH and WebSocket.
    static let ofServices: [ListenKeyRow] = [
        ListenKeyRow(  // listen.s2s.shaper
            33, [Texts.server + "shaper = \"s2s_shaper\""],
            [
                (Texts.server + "shaper = \"\"", "listen.s2s[1].shaper"),
                (Texts.server + "shaper = false", "listen.s2s[1].shaper"),
            ]),
        ListenKeyRow(  // listen.s2s.tls.verify_mode
            34, [Texts.serverTLS + "verify_mode = \"none\""],
            [(Texts.serverTLS + "verify_mode = \"selfsigned_peer\"", "listen.s2s[1].tls.verify_mode")]),
        ListenKeyRow(  // listen.s2s.tls.certfile
            35, [Texts.serverTLS + "certfile = \"both.pem\""],
            [
                (Texts.serverTLS + "certfile = \"none.pem\"", "listen.s2s[1].tls.certfile"),
                (Texts.serverTLS + "certfile = \"cert.pem\"", "listen.s2s[1].tls.certfile"),
            ]),
        ListenKeyRow(  // listen.s2s.tls.cacertfile
            36, [Texts.serverTLS + "cacertfile = \"ca.pem\""],
            [(Texts.serverTLS + "cacertfile = \"none.pem\"", "listen.s2s[1].tls.cacertfile")]),
        ListenKeyRow(  // listen.s2s.tls.dhfile
            37, [Texts.serverTLS + "dhfile = \"dh.pem\""],
            [
                (Texts.serverTLS + "dhfile = \"none.pem\"", "listen.s2s[1].tls.dhfile"),
                (Texts.serverTLS + "dhfile = \"ca.pem\"", "listen.s2s[1].tls.dhfile"),
            ]),
        ListenKeyRow(  // listen.s2s.tls.ciphers
            38, [Texts.serverTLS + "ciphers = \"TLSv1.2\""],
            [(Texts.serverTLS + "ciphers = \"\"", "listen.s2s[1].tls.ciphers")]),
        ListenKeyRow(  // listen.s2s.tls.protocol_options
            39, [Texts.serverTLS + "protocol_options = [\"no_tlsv1\"]"],
            [(Texts.serverTLS + "protocol_options = [\"\"]", "listen.s2s[1].tls.protocol_options[1]")]),
        ListenKeyRow(  // listen.service.access
            40, [Texts.component + "access = \"all\""],
            [(Texts.component + "access = \"\"", "listen.service[1].access")]),
        ListenKeyRow(  // listen.service.password
            41, [Texts.component, "[[listen.component]]\nport = 8888\npassword = \"secret\""],
            [
                ("[[listen.service]]\nport = 8888", "listen.service[1].password"),
                ("[[listen.service]]\nport = 8888\npassword = \"\"", "listen.service[1].password"),
                ("[[listen.component]]\nport = 8888", "listen.component[1].password"),
            ]),
        ListenKeyRow(  // listen.service.shaper_rule
            42, [Texts.component + "shaper_rule = \"fast\""],
            [(Texts.component + "shaper_rule = \"\"", "listen.service[1].shaper_rule")]),
        ListenKeyRow(  // listen.service.check_from
            43, [Texts.component + "check_from = false"],
            [(Texts.component + "check_from = 1", "listen.service[1].check_from")]),
        ListenKeyRow(  // listen.service.hidden_components
            44, [Texts.component + "hidden_components = true"],
            [(Texts.component + "hidden_components = \"yes\"", "listen.service[1].hidden_components")]),
        ListenKeyRow(  // listen.service.conflict_behaviour
            45,
            [
                Texts.component + "conflict_behaviour = \"kick_old\"",
                Texts.component + "conflict_behaviour = \"disconnect\"",
            ],
            [(Texts.component + "conflict_behaviour = \"kill_server\"", "listen.service[1].conflict_behaviour")]),
        ListenKeyRow(  // listen.service.max_fsm_queue
            46, [Texts.component + "max_fsm_queue = 1000"],
            [(Texts.component + "max_fsm_queue = 0", "listen.service[1].max_fsm_queue")]),
        ListenKeyRow(  // listen.http.handlers
            47,
            [
                Texts.web,
                Texts.handler("mod_bosh", "[[listen.http.handlers.mod_bosh]]\nhost = \"b.example\"\npath = \"/b\""),
            ],
            [
                (Texts.handler("mod_bosch"), "listen.http[1].handlers.mod_bosch"),
                (Texts.web + "[listen.http.handlers.mod_bosh]\nhost = \"_\"\npath = \"/\"", "listen.http[1].handlers.mod_bosh"),
            ]),
        ListenKeyRow(  // listen.http.handlers.*.host
            48, [Texts.handler("mod_bosh")],
            [
                (Texts.web + "[[listen.http.handlers.mod_bosh]]\npath = \"/\"", "listen.http[1].handlers.mod_bosh[1].host"),
                (
                    Texts.web + "[[listen.http.handlers.mod_bosh]]\nhost = \"\"\npath = \"/\"",
                    "listen.http[1].handlers.mod_bosh[1].host"
                ),
            ]),
        ListenKeyRow(  // listen.http.handlers.*.path
            49, [Texts.web + "[[listen.http.handlers.mod_bosh]]\nhost = \"_\"\npath = \"/api/:a/[:b/[:c]]/[...]\""],
            [
                (Texts.web + "[[listen.http.handlers.mod_bosh]]\nhost = \"_\"", "listen.http[1].handlers.mod_bosh[1].path"),
                (
                    Texts.web + "[[listen.http.handlers.mod_bosh]]\nhost = \"_\"\npath = 12",
                    "listen.http[1].handlers.mod_bosh[1].path"
                ),
                (
                    Texts.web + "[[listen.http.handlers.mod_bosh]]\nhost = \"_\"\npath = \"/api/[:a\"",
                    "listen.http[1].handlers.mod_bosh[1].path"
                ),
            ]),
        ListenKeyRow(  // listen.http.handlers.mod_bosh
            50, [Texts.handler("mod_bosh")],
            [(Texts.handler("mod_bosh", "timeout = 1"), "listen.http[1].handlers.mod_bosh[1].timeout")]),
        ListenKeyRow(  // listen.http.handlers.mod_websockets
            51, [Texts.webSocket],
            [(Texts.webSocket + "timeouts = 1", "listen.http[1].handlers.mod_websockets[1].timeouts")]),
        ListenKeyRow(  // listen.http.handlers.mod_websockets.timeout
            52, [Texts.webSocket + "timeout = 0", Texts.webSocket + "timeout = \"infinity\""],
            [
                (Texts.webSocket + "timeout = -1", "listen.http[1].handlers.mod_websockets[1].timeout"),
                (Texts.webSocket + "timeout = \"never\"", "listen.http[1].handlers.mod_websockets[1].timeout"),
            ]),
        ListenKeyRow(  // listen.http.handlers.mod_websockets.ping_rate
            53, [Texts.webSocket + "ping_rate = 20"],
            [
                (Texts.webSocket + "ping_rate = 0", "listen.http[1].handlers.mod_websockets[1].ping_rate"),
                (Texts.webSocket + "ping_rate = \"infinity\"", "listen.http[1].handlers.mod_websockets[1].ping_rate"),
                (Texts.webSocket + "ping_rate = \"none\"", "listen.http[1].handlers.mod_websockets[1].ping_rate"),
            ]),
        ListenKeyRow(  // listen.http.handlers.mod_websockets.max_stanza_size
            54, [Texts.webSocket + "max_stanza_size = 10000", Texts.webSocket + "max_stanza_size = \"infinity\""],
            [
                (Texts.webSocket + "max_stanza_size = 0", "listen.http[1].handlers.mod_websockets[1].max_stanza_size"),
                (Texts.webSocket + "max_stanza_size = -1", "listen.http[1].handlers.mod_websockets[1].max_stanza_size"),
            ]),
        ListenKeyRow(  // listen.http.handlers.mod_websockets.service
            55, [Texts.componentOverWebSocket],
            [
                (
                    Texts.webSocket + "[listen.http.handlers.mod_websockets.service]\naccess = \"all\"",
                    "listen.http[1].handlers.mod_websockets[1].service.password"
                ),
                (Texts.webSocket + "service = true", "listen.http[1].handlers.mod_websockets[1].service"),
            ]),
        ListenKeyRow(  // listen.http.handlers.mod_websockets.service.access
            56, [Texts.componentOverWebSocket + "access = \"all\""],
            [
                (Texts.componentOverWebSocket + "access = \"\"", "listen.http[1].handlers.mod_websockets[1].service.access")
            ]),
        ListenKeyRow(  // listen.http.handlers.mod_websockets.service.password
            57, [Texts.componentOverWebSocket],
            [
                (
                    Texts.webSocket + "[listen.http.handlers.mod_websockets.service]\npassword = \"\"",
                    "listen.http[1].handlers.mod_websockets[1].service.password"
                )
            ]),
        ListenKeyRow(  // listen.http.handlers.mod_websockets.service.shaper_rule
            58, [Texts.componentOverWebSocket + "shaper_rule = \"fast\""],
            [
                (
                    Texts.componentOverWebSocket + "shaper_rule = \"\"",
                    "listen.http[1].handlers.mod_websockets[1].service.shaper_rule"
                )
            ]),
        ListenKeyRow(  // listen.http.handlers.mod_websockets.service.check_from
            59, [Texts.componentOverWebSocket + "check_from = true"],
            [
                (Texts.componentOverWebSocket + "check_from = 1", "listen.http[1].handlers.mod_websockets[1].service.check_from")
            ]),
        ListenKeyRow(  // listen.http.handlers.mod_websockets.service.hidden_components
            60, [Texts.componentOverWebSocket + "hidden_components = true"],
            [
                (
                    Texts.componentOverWebSocket + "hidden_components = 1",
                    "listen.http[1].handlers.mod_websockets[1].service.hidden_components"
                )
            ]),
        ListenKeyRow(  // listen.http.handlers.mod_websockets.service.conflict_behaviour
            61, [Texts.componentOverWebSocket + "conflict_behaviour = \"kick_old\""],
            [
                (
                    Texts.componentOverWebSocket + "conflict_behaviour = \"x\"",
                    "listen.http[1].handlers.mod_websockets[1].service.conflict_behaviour"
                )
            ]),
        ListenKeyRow(  // listen.http.handlers.mod_websockets.service.max_fsm_queue
            62, [Texts.componentOverWebSocket + "max_fsm_queue = 1"],
            [
                (
                    Texts.componentOverWebSocket + "max_fsm_queue = 0",
                    "listen.http[1].handlers.mod_websockets[1].service.max_fsm_queue"
                )
            ]),
        ListenKeyRow(  // listen.http.handlers.mod_websockets.c2s_state_timeout
            63, [Texts.webSocket + "c2s_state_timeout = 0", Texts.webSocket + "state_timeout = \"infinity\""],
            [
                (Texts.webSocket + "c2s_state_timeout = -1", "listen.http[1].handlers.mod_websockets[1].c2s_state_timeout")
            ]),
        ListenKeyRow(  // listen.http.handlers.mod_websockets.backwards_compatible_session
            64, [Texts.webSocket + "backwards_compatible_session = false"],
            [
                (
                    Texts.webSocket + "backwards_compatible_session = 1",
                    "listen.http[1].handlers.mod_websockets[1].backwards_compatible_session"
                )
            ]),
    ]
}
