/// Modules that hand events to services outside.
enum PushModuleOptions {
    static let rows: [OptionRow] = pusher + gateways + telephony + distribution

    private static let sns: [OptionRow] = [
        OptionRow("presence_updates_topic", .name, .unset, "The topic for presence."),
        OptionRow("pm_messages_topic", .name, .unset, "The topic for messages."),
        OptionRow("muc_messages_topic", .name, .unset, "The topic for messages of rooms."),
        OptionRow(
            "plugin_module", .choices("mod_event_pusher_sns_defaults"), .text("mod_event_pusher_sns_defaults"),
            "Code that adds attributes."),
        OptionRow("sns_host", .name, .required, "The host of the service."),
        OptionRow("region", .name, .required, "The region."),
        OptionRow("access_key_id", .name, .required, "The name of the key."),
        OptionRow("secret_access_key", .secret, .required, "The key."),
        OptionRow("account_id", .name, .required, "The account."),
        OptionRow("pool_size", .positive(), .integer(100), "How many senders there are."),
        OptionRow("publish_retry_count", .natural(), .integer(2), "How often sending is tried again."),
        OptionRow("publish_retry_time_ms", .natural(.milliseconds), .integer(50), "The pause before."),
    ]

    private static let push: [OptionRow] =
        [
            OptionRow("backend", .choices("mnesia", "rdbms"), .text("mnesia"), "Where subscriptions are kept."),
            OptionRow(
                "plugin_module",
                .choices("mod_event_pusher_push_plugin_defaults", "mod_event_pusher_push_plugin_enhanced"),
                .text("mod_event_pusher_push_plugin_defaults"), "Code that decides what is sent."),
            OptionRow(
                "virtual_pubsub_hosts", .list(.text(.hostPattern), atLeastOne: false), .list([]),
                "Domains that stand for a publishing service."),
        ] + ModuleOptionRows.scheduled + ModuleOptionRows.senders("wpool")

    private static let web: [OptionRow] = [
        OptionRow("pool_name", .name, .text("http_pool"), "The pool of connections."),
        OptionRow("path", .string, .text(""), "The path below the pool's."),
        OptionRow(
            "callback_module", .choices("mod_event_pusher_http_defaults"), .text("mod_event_pusher_http_defaults"),
            "Code that decides what is sent."),
    ]

    private static func exchange(_ name: String, _ what: String, topics: Bool) -> [OptionRow] {
        [
            OptionRow(name, .section, .present, "The exchange for \(what)."),
            OptionRow(
                "\(name).name", .name, .text(String(name.dropLast("_exchange".count))), "Its name."),
            OptionRow("\(name).type", .name, .text("topic"), "Its type."),
            OptionRow("\(name).durable", .boolean, .boolean(false), "Whether it outlives the broker.", editions: .later),
        ]
            + (topics
                ? [
                    OptionRow(
                        "\(name).sent_topic", .name, .text("\(name.dropLast("_exchange".count))_sent"),
                        "The topic of what users send."),
                    OptionRow(
                        "\(name).recv_topic", .name, .text("\(name.dropLast("_exchange".count))_recv"),
                        "The topic of what users receive."),
                ] : [])
    }

    private static let pusher: [OptionRow] = ModuleOptionRows.module(
        "mod_event_pusher", "Events for services outside.",
        [
            OptionRow("backend", .free, .unset, "The services.", editions: .release5),
            OptionRow("http", .section, .unset, "A web service.", editions: .release62),
            OptionRow("http.handlers", .sections, .unset, "Where events are sent.", editions: .release62),
        ] + OptionRow.under("http.handlers[]", web)
            + [OptionRow("push", .section, .unset, "Push notifications (XEP-0357).", editions: .release62)]
            + OptionRow.under("push", push)
            + [OptionRow("rabbit", .section, .unset, "RabbitMQ.", editions: .release62)]
            + OptionRow.under(
                "rabbit",
                exchange("presence_exchange", "presence", topics: false)
                    + exchange("chat_msg_exchange", "messages", topics: true)
                    + exchange("groupchat_msg_exchange", "messages of rooms", topics: true))
            + [OptionRow("sns", .section, .unset, "Amazon SNS.", editions: .release62)]
            + OptionRow.under("sns", sns))

    private static let gateways: [OptionRow] =
        ModuleOptionRows.module(
            "mod_event_pusher_http", "Events for a web service.", editions: .release5, web)
        + ModuleOptionRows.module(
            "mod_event_pusher_push", "Push notifications (XEP-0357).", editions: .release5, push)
        + ModuleOptionRows.module("mod_event_pusher_sns", "Events for Amazon SNS.", editions: .release5, sns)
        + ModuleOptionRows.module(
            "mod_event_pusher_rabbit", "Events for RabbitMQ.", editions: .release5,
            exchange("presence_exchange", "presence", topics: false)
                + exchange("chat_msg_exchange", "messages", topics: true)
                + exchange("groupchat_msg_exchange", "messages of rooms", topics: true))
        + ModuleOptionRows.module(
            "mod_push_service_mongoosepush", "Push notifications through MongoosePush.",
            [
                OptionRow("pool_name", .name, .text("undefined"), "The pool of connections."),
                OptionRow("api_version", .choices("v2", "v3"), .text("v3"), "The version of its interface."),
                OptionRow("max_http_connections", .natural(), .integer(100), "How many connections there are."),
            ])

    private static let telephony: [OptionRow] = ModuleOptionRows.module(
        "mod_jingle_sip", "Calls between XMPP and SIP.",
        [
            ModuleOptionRows.backend("mnesia", "cets"),
            OptionRow("proxy_host", .name, .text("localhost"), "The SIP proxy."),
            OptionRow("proxy_port", .port, .integer(5060), "Its port."),
            OptionRow("listen_port", .port, .integer(5600), "The port listened on."),
            OptionRow("local_host", .name, .text("localhost"), "The name this side gives itself."),
            OptionRow("sdp_origin", .text(.ipAddress), .text("127.0.0.1"), "The address in session descriptions."),
            OptionRow("transport", .choices("udp", "tcp"), .text("udp"), "The transport.", editions: .release62),
            OptionRow("username_to_phone", .sections, .unset, "Telephone numbers of users.", editions: .release62),
            OptionRow("username_to_phone[].username", .name, .required, "The user.", editions: .release62),
            OptionRow("username_to_phone[].phone", .name, .required, "The number.", editions: .release62),
        ])

    private static let distribution: [OptionRow] = ModuleOptionRows.module(
        "mod_global_distrib", "One domain in several data centres.",
        [
            OptionRow("global_host", .text(.domain), .required, "The domain that all share."),
            OptionRow("local_host", .text(.domain), .required, "The name of this one."),
            OptionRow("message_ttl", .natural(), .integer(4), "How often a message is handed on."),
            OptionRow("hosts_refresh_interval", .natural(.milliseconds), .integer(3000), "How often hosts are looked up."),
            OptionRow("connections", .section, .present, "Connections between them."),
            OptionRow("connections.endpoints", .sections, .computed("local_host, 5555"), "Where to listen."),
            OptionRow("connections.endpoints[].host", .name, .required, "The address."),
            OptionRow("connections.endpoints[].port", .port, .required, "The port."),
            OptionRow("connections.advertised_endpoints", .sections, .computed("those listened on"), "What is told to others."),
            OptionRow("connections.advertised_endpoints[].host", .name, .required, "The address."),
            OptionRow("connections.advertised_endpoints[].port", .port, .required, "The port."),
            OptionRow("connections.connections_per_endpoint", .natural(), .integer(1), "How many connections there are."),
            OptionRow(
                "connections.endpoint_refresh_interval", .positive(.seconds), .integer(60), "How often endpoints are looked up."),
            OptionRow(
                "connections.endpoint_refresh_interval_when_empty", .positive(.seconds), .integer(3),
                "The same while none is known."),
            OptionRow("connections.disabled_gc_interval", .positive(.seconds), .integer(60), "How often dead ones are removed."),
            OptionRow("connections.tls", .section, .unset, "TLS between them."),
            OptionRow("connections.tls.certfile", .file(.certificates), .required, "The certificate presented."),
            OptionRow("connections.tls.keyfile", .file(.privateKey), .unset, "Its key.", editions: .later),
            OptionRow("connections.tls.cacertfile", .file(.certificates), .required, "The authorities that are trusted."),
            OptionRow("connections.tls.ciphers", .name, .text("TLSv1.2:TLSv1.3"), "The cipher suites."),
            OptionRow("connections.tls.dhfile", .file(.dhParameters), .unset, "The Diffie-Hellman group."),
            OptionRow("connections.tls.verify_mode", .choices("peer", "none"), .unset, "Whether certificates are verified."),
            OptionRow("connections.tls.protocol_options", .strings, .unset, "OpenSSL options by name."),
            OptionRow("redis", .section, .present, "Where users are registered."),
            OptionRow("redis.pool", .name, .text("global_distrib"), "The pool of connections."),
            OptionRow("redis.expire_after", .positive(.seconds), .integer(120), "How long an entry lives."),
            OptionRow("redis.refresh_after", .natural(.seconds), .integer(60), "When it is renewed."),
            OptionRow("cache", .section, .present, "What is remembered."),
            OptionRow("cache.cache_missed", .boolean, .boolean(true), "Remember who is nowhere."),
            OptionRow("cache.domain_lifetime_seconds", .natural(.seconds), .integer(600), "How long domains are remembered."),
            OptionRow("cache.jid_lifetime_seconds", .natural(.seconds), .integer(5), "How long users are remembered."),
            OptionRow("cache.max_jids", .natural(), .integer(10000), "How many users are remembered."),
            OptionRow("bounce", .section, .present, "Messages that did not arrive."),
            OptionRow("bounce.enabled", .boolean, .boolean(true), "Send them again."),
            OptionRow("bounce.resend_after_ms", .natural(.milliseconds), .integer(200), "After how long."),
            OptionRow("bounce.max_retries", .natural(), .integer(4), "How often."),
        ])
}
