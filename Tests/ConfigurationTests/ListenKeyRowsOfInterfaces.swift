extension ListenKeyRow {
    private typealias Texts = ListenTexts

    /// Interfaces for programs, and HTTP itself.
    static let ofInterfaces: [ListenKeyRow] = [
        ListenKeyRow(  // listen.http.handlers.mongoose_graphql_handler
            65, [Texts.graphQL],
            [(Texts.graphQL + "x = 1", "listen.http[1].handlers.mongoose_graphql_handler[1].x")]),
        ListenKeyRow(  // listen.http.handlers.mongoose_graphql_handler.schema_endpoint
            66,
            [
                Texts.graphQL, Texts.handler("mongoose_graphql_handler", "schema_endpoint = \"domain_admin\""),
                Texts.handler("mongoose_graphql_handler", "schema_endpoint = \"user\""),
            ],
            [
                (Texts.handler("mongoose_graphql_handler"), "listen.http[1].handlers.mongoose_graphql_handler[1].schema_endpoint"),
                (
                    Texts.handler("mongoose_graphql_handler", "schema_endpoint = \"wrong\""),
                    "listen.http[1].handlers.mongoose_graphql_handler[1].schema_endpoint"
                ),
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_graphql_handler.username
            67, [Texts.graphQL + "username = \"a\"\npassword = \"b\""],
            [
                (Texts.graphQL + "username = \"a\"", "listen.http[1].handlers.mongoose_graphql_handler[1].password"),
                (Texts.graphQL + "username = 1\npassword = \"b\"", "listen.http[1].handlers.mongoose_graphql_handler[1].username"),
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_graphql_handler.password
            68, [Texts.graphQL + "username = \"a\"\npassword = \"b\""],
            [
                (Texts.graphQL + "password = \"b\"", "listen.http[1].handlers.mongoose_graphql_handler[1].username"),
                (Texts.graphQL + "username = \"a\"\npassword = 1", "listen.http[1].handlers.mongoose_graphql_handler[1].password"),
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_graphql_handler.allowed_categories
            69, [Texts.graphQL + "allowed_categories = [\"muc\", \"http_upload\", \"httpUpload\", \"cets\"]"],
            [
                (
                    Texts.graphQL + "allowed_categories = [\"invalid\"]",
                    "listen.http[1].handlers.mongoose_graphql_handler[1].allowed_categories[1]"
                ),
                (
                    Texts.graphQL + "allowed_categories = []",
                    "listen.http[1].handlers.mongoose_graphql_handler[1].allowed_categories"
                ),
                (
                    Texts.graphQL + "allowed_categories = [\"muc\", \"muc\"]",
                    "listen.http[1].handlers.mongoose_graphql_handler[1].allowed_categories[2]"
                ),
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_admin_api
            70, [Texts.handler("mongoose_admin_api")],
            [(Texts.handler("mongoose_admin_api", "x = 1"), "listen.http[1].handlers.mongoose_admin_api[1].x")]),
        ListenKeyRow(  // listen.http.handlers.mongoose_admin_api.username
            71, [Texts.handler("mongoose_admin_api", "username = \"a\"\npassword = \"b\"")],
            [
                (Texts.handler("mongoose_admin_api", "username = \"a\""), "listen.http[1].handlers.mongoose_admin_api[1].password")
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_admin_api.password
            72, [Texts.handler("mongoose_admin_api", "username = \"a\"\npassword = \"b\"")],
            [
                (Texts.handler("mongoose_admin_api", "password = \"a\""), "listen.http[1].handlers.mongoose_admin_api[1].username")
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_admin_api.handlers
            73,
            [
                Texts.handler(
                    "mongoose_admin_api",
                    "handlers = [\"contacts\", \"users\", \"sessions\", \"messages\", \"stanzas\", \"muc_light\", \"muc\", \"inbox\", \"domain\", \"metrics\"]"
                )
            ],
            [
                (
                    Texts.handler("mongoose_admin_api", "handlers = [\"invalid\"]"),
                    "listen.http[1].handlers.mongoose_admin_api[1].handlers[1]"
                ),
                (
                    Texts.handler("mongoose_admin_api", "handlers = [\"muc\", \"muc\"]"),
                    "listen.http[1].handlers.mongoose_admin_api[1].handlers[2]"
                ),
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_api_admin
            74, [Texts.handler("mongoose_api_admin")],
            [(Texts.handler("mongoose_api_admin", "x = 1"), "listen.http[1].handlers.mongoose_api_admin[1].x")]),
        ListenKeyRow(  // listen.http.handlers.mongoose_api_admin.username
            75, [Texts.handler("mongoose_api_admin", "username = \"a\"\npassword = \"b\"")],
            [
                (Texts.handler("mongoose_api_admin", "username = \"a\""), "listen.http[1].handlers.mongoose_api_admin[1].password")
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_api_admin.password
            76, [Texts.handler("mongoose_api_admin", "username = \"a\"\npassword = \"b\"")],
            [
                (Texts.handler("mongoose_api_admin", "password = \"a\""), "listen.http[1].handlers.mongoose_api_admin[1].username")
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_domain_handler
            77, [Texts.handler("mongoose_domain_handler")],
            [
                (Texts.handler("mongoose_domain_handler", "x = 1"), "listen.http[1].handlers.mongoose_domain_handler[1].x")
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_domain_handler.username
            78, [Texts.handler("mongoose_domain_handler", "username = \"a\"\npassword = \"b\"")],
            [
                (
                    Texts.handler("mongoose_domain_handler", "username = \"a\""),
                    "listen.http[1].handlers.mongoose_domain_handler[1].password"
                )
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_domain_handler.password
            79, [Texts.handler("mongoose_domain_handler", "username = \"a\"\npassword = \"b\"")],
            [
                (
                    Texts.handler("mongoose_domain_handler", "password = \"a\""),
                    "listen.http[1].handlers.mongoose_domain_handler[1].username"
                )
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_api
            80, [Texts.handler("mongoose_api", "handlers = [\"mongoose_api_metrics\"]")],
            [
                (
                    Texts.handler("mongoose_api", "handlers = [\"mongoose_api_metrics\"]\nx = 1"),
                    "listen.http[1].handlers.mongoose_api[1].x"
                )
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_api.handlers
            81, [Texts.handler("mongoose_api", "handlers = [\"mongoose_api_metrics\", \"mongoose_api_users\"]")],
            [
                (Texts.handler("mongoose_api"), "listen.http[1].handlers.mongoose_api[1].handlers"),
                (
                    Texts.handler("mongoose_api", "handlers = [\"mongoose_api_other\"]"),
                    "listen.http[1].handlers.mongoose_api[1].handlers[1]"
                ),
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_client_api
            82, [Texts.handler("mongoose_client_api")],
            [(Texts.handler("mongoose_client_api", "x = 1"), "listen.http[1].handlers.mongoose_client_api[1].x")]),
        ListenKeyRow(  // listen.http.handlers.mongoose_client_api.handlers
            83,
            [
                Texts.handler(
                    "mongoose_client_api",
                    "handlers = [\"sse\", \"messages\", \"contacts\", \"rooms\", \"rooms_config\", \"rooms_users\", \"rooms_messages\"]"
                )
            ],
            [
                (
                    Texts.handler("mongoose_client_api", "handlers = [\"invalid\"]"),
                    "listen.http[1].handlers.mongoose_client_api[1].handlers[1]"
                ),
                (
                    Texts.handler("mongoose_client_api", "handlers = [\"sse\", \"sse\"]"),
                    "listen.http[1].handlers.mongoose_client_api[1].handlers[2]"
                ),
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_client_api.docs
            84,
            [
                Texts.handler("mongoose_client_api", "docs = true"),
                Texts.handler("mongoose_client_api", "docs = \"false\""),
            ],
            [
                (Texts.handler("mongoose_client_api", "docs = \"maybe\""), "listen.http[1].handlers.mongoose_client_api[1].docs"),
                (Texts.handler("mongoose_client_api", "docs = 1"), "listen.http[1].handlers.mongoose_client_api[1].docs"),
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_client_api_messages
            85, [Texts.handler("mongoose_client_api_messages")],
            [
                (
                    Texts.handler("mongoose_client_api_messages", "x = 1"),
                    "listen.http[1].handlers.mongoose_client_api_messages[1].x"
                )
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_client_api_contacts
            86, [Texts.handler("mongoose_client_api_contacts")],
            [
                (
                    Texts.handler("mongoose_client_api_contacts", "x = 1"),
                    "listen.http[1].handlers.mongoose_client_api_contacts[1].x"
                )
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_client_api_rooms
            87, [Texts.handler("mongoose_client_api_rooms")],
            [
                (Texts.handler("mongoose_client_api_rooms", "x = 1"), "listen.http[1].handlers.mongoose_client_api_rooms[1].x")
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_client_api_rooms_config
            88, [Texts.handler("mongoose_client_api_rooms_config")],
            [
                (
                    Texts.handler("mongoose_client_api_rooms_config", "x = 1"),
                    "listen.http[1].handlers.mongoose_client_api_rooms_config[1].x"
                )
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_client_api_rooms_users
            89, [Texts.handler("mongoose_client_api_rooms_users")],
            [
                (
                    Texts.handler("mongoose_client_api_rooms_users", "x = 1"),
                    "listen.http[1].handlers.mongoose_client_api_rooms_users[1].x"
                )
            ]),
        ListenKeyRow(  // listen.http.handlers.mongoose_client_api_rooms_messages
            90, [Texts.handler("mongoose_client_api_rooms_messages")],
            [
                (
                    Texts.handler("mongoose_client_api_rooms_messages", "x = 1"),
                    "listen.http[1].handlers.mongoose_client_api_rooms_messages[1].x"
                )
            ]),
        ListenKeyRow(  // listen.http.handlers.lasse_handler
            91, [Texts.handler("lasse_handler", "module = \"mongoose_client_api_sse\"")],
            [
                (
                    Texts.handler("lasse_handler", "module = \"mongoose_client_api_sse\"\nx = 1"),
                    "listen.http[1].handlers.lasse_handler[1].x"
                )
            ]),
        ListenKeyRow(  // listen.http.handlers.lasse_handler.module
            92, [Texts.handler("lasse_handler", "module = \"mongoose_client_api_sse\"")],
            [
                (Texts.handler("lasse_handler"), "listen.http[1].handlers.lasse_handler[1].module"),
                (Texts.handler("lasse_handler", "module = \"other\""), "listen.http[1].handlers.lasse_handler[1].module"),
            ]),
        ListenKeyRow(  // listen.http.handlers.cowboy_swagger_redirect_handler
            93, [Texts.handler("cowboy_swagger_redirect_handler")],
            [
                (
                    Texts.handler("cowboy_swagger_redirect_handler", "x = 1"),
                    "listen.http[1].handlers.cowboy_swagger_redirect_handler[1].x"
                )
            ]),
        ListenKeyRow(  // listen.http.handlers.cowboy_swagger_json_handler
            94, [Texts.handler("cowboy_swagger_json_handler")],
            [
                (Texts.handler("cowboy_swagger_json_handler", "x = 1"), "listen.http[1].handlers.cowboy_swagger_json_handler[1].x")
            ]),
        ListenKeyRow(  // listen.http.handlers.cowboy_static
            95,
            [
                Texts.handler("cowboy_static", "type = \"priv_dir\"\napp = \"cowboy_swagger\"\ncontent_path = \"swagger\"")
            ],
            [
                (
                    Texts.handler(
                        "cowboy_static", "type = \"priv_dir\"\napp = \"cowboy_swagger\"\ncontent_path = \"swagger\"\nx = 1"),
                    "listen.http[1].handlers.cowboy_static[1].x"
                )
            ]),
        ListenKeyRow(  // listen.http.handlers.cowboy_static.type
            96,
            [
                Texts.handler("cowboy_static", "type = \"priv_dir\"\napp = \"cowboy_swagger\"\ncontent_path = \"swagger\"")
            ],
            [
                (
                    Texts.handler("cowboy_static", "app = \"cowboy_swagger\"\ncontent_path = \"swagger\""),
                    "listen.http[1].handlers.cowboy_static[1].type"
                ),
                (
                    Texts.handler("cowboy_static", "type = \"other\"\napp = \"cowboy_swagger\"\ncontent_path = \"swagger\""),
                    "listen.http[1].handlers.cowboy_static[1].type"
                ),
            ]),
        ListenKeyRow(  // listen.http.handlers.cowboy_static.app
            97,
            [
                Texts.handler("cowboy_static", "type = \"priv_dir\"\napp = \"cowboy_swagger\"\ncontent_path = \"swagger\"")
            ],
            [
                (
                    Texts.handler("cowboy_static", "type = \"priv_dir\"\ncontent_path = \"swagger\""),
                    "listen.http[1].handlers.cowboy_static[1].app"
                ),
                (
                    Texts.handler("cowboy_static", "type = \"priv_dir\"\napp = \"other\"\ncontent_path = \"swagger\""),
                    "listen.http[1].handlers.cowboy_static[1].app"
                ),
            ]),
        ListenKeyRow(  // listen.http.handlers.cowboy_static.content_path
            98,
            [
                Texts.handler("cowboy_static", "type = \"priv_dir\"\napp = \"cowboy_swagger\"\ncontent_path = \"swagger\"")
            ],
            [
                (
                    Texts.handler("cowboy_static", "type = \"priv_dir\"\napp = \"cowboy_swagger\""),
                    "listen.http[1].handlers.cowboy_static[1].content_path"
                ),
                (
                    Texts.handler("cowboy_static", "type = \"priv_dir\"\napp = \"cowboy_swagger\"\ncontent_path = \"other\""),
                    "listen.http[1].handlers.cowboy_static[1].content_path"
                ),
            ]),
        ListenKeyRow(  // listen.http.transport.num_acceptors
            99, [Texts.web + "transport.num_acceptors = 10"],
            [
                (Texts.web + "transport.num_acceptors = 0", "listen.http[1].transport.num_acceptors"),
                (Texts.web + "transport.num_acceptors = -1", "listen.http[1].transport.num_acceptors"),
            ]),
        ListenKeyRow(  // listen.http.transport.max_connections
            100, [Texts.web + "transport.max_connections = 0", Texts.web + "transport.max_connections = \"infinity\""],
            [
                (Texts.web + "transport.max_connections = -1", "listen.http[1].transport.max_connections"),
                (Texts.web + "transport.max_connections = \"many\"", "listen.http[1].transport.max_connections"),
            ]),
        ListenKeyRow(  // listen.http.tls.verify_peer
            101, [Texts.webTLS + "verify_peer = false"],
            [
                (Texts.webTLS + "verify_peer = 1", "listen.http[1].tls.verify_peer"),
                (Texts.webTLS + "verify_peer = true", "listen.http[1].tls.cacertfile"),
            ]),
        ListenKeyRow(  // listen.http.tls.verify_mode
            102,
            [
                Texts.webTLS + "verify_mode = \"none\"", Texts.webTLS,
                Texts.webTLS + "verify_mode = \"selfsigned_peer\"\ncacertfile = \"ca.pem\"",
            ],
            [
                (Texts.webTLS + "verify_mode = \"x\"", "listen.http[1].tls.verify_mode"),
                (Texts.webTLS + "verify_mode = \"peer\"", "listen.http[1].tls.cacertfile"),
            ]),
        ListenKeyRow(  // listen.http.tls.certfile
            103, [Texts.webTLS, Texts.web + "tls.certfile = \"both.pem\""],
            [
                (Texts.web + "tls.verify_mode = \"none\"", "listen.http[1].tls.certfile"),
                (Texts.web + "tls.certfile = \"none.pem\"", "listen.http[1].tls.certfile"),
                (Texts.web + "tls.certfile = \"cert.pem\"", "listen.http[1].tls.certfile"),
            ]),
        ListenKeyRow(  // listen.http.tls.cacertfile
            104, [Texts.webTLS + "cacertfile = \"ca.pem\""],
            [(Texts.webTLS + "cacertfile = \"none.pem\"", "listen.http[1].tls.cacertfile")]),
        ListenKeyRow(  // listen.http.tls.dhfile
            105, [Texts.webTLS + "dhfile = \"dh.pem\""],
            [
                (Texts.webTLS + "dhfile = \"none.pem\"", "listen.http[1].tls.dhfile"),
                (Texts.webTLS + "dhfile = \"ca.pem\"", "listen.http[1].tls.dhfile"),
            ]),
        ListenKeyRow(  // listen.http.tls.ciphers
            106, [Texts.webTLS + "ciphers = \"ECDHE-RSA-AES128-GCM-SHA256\""],
            [(Texts.webTLS + "ciphers = \"\"", "listen.http[1].tls.ciphers")]),
        ListenKeyRow(  // listen.http.tls.versions
            107, [Texts.webTLS + "versions = [\"tlsv1.3\"]"],
            [(Texts.webTLS + "versions = [\"sslv3\"]", "listen.http[1].tls.versions[1]")]),
        ListenKeyRow(  // listen.http.tls.keyfile
            108, [Texts.webTLS],
            [
                (Texts.web + "[listen.http.tls]\ncertfile = \"cert.pem\"\nkeyfile = \"none.pem\"", "listen.http[1].tls.keyfile")
            ]),
        ListenKeyRow(  // listen.http.tls.password
            109, [Texts.webTLS + "password = \"x\"", Texts.webTLS + "password = \"\""],
            [(Texts.webTLS + "password = 1", "listen.http[1].tls.password")]),
        ListenKeyRow(  // listen.http.protocol.compress
            110, [Texts.web + "protocol.compress = true", Texts.web + "protocol.compress = \"true\""],
            [
                (Texts.web + "protocol.compress = 1", "listen.http[1].protocol.compress"),
                (Texts.web + "protocol.compress = \"maybe\"", "listen.http[1].protocol.compress"),
            ]),
    ]
}
