/// `[[listen.c2s]]`: listeners for clients.
enum ClientListenerOptions {
    static let rows: [OptionRow] =
        OptionRow.under(
            "listen.c2s[]", ListenerOptions.address + ListenerOptions.streams(maxStanzaSize: .integer(maxStanzaSize)) + own)
        + OptionRow.under("listen.c2s[].tls", effect: ReloadEffect.newConnections, tls)

    /// Bytes of a client's largest stanza where the file says nothing; a larger one ends the stream. MongooseIM has no limit
    /// then, but one client's stanza is worked on in one turn of the loop that all others wait for.
    private static let maxStanzaSize: Int64 = 256 << 10

    /// All authentication methods the file may name.
    static let methods = ["internal", "rdbms", "external", "anonymous", "ldap", "jwt", "http", "pki", "dummy"]

    private static let own: [OptionRow] = [
        OptionRow(
            "access", .name, .text("all"),
            "The access rule that decides which users may open a session here.", effect: ReloadEffect.newSessions),
        OptionRow(
            "shaper", .name, .text("none"),
            "The access rule whose value for the user names the shaper of the incoming stream, or, where there is no such rule, the shaper."
        ),
        OptionRow(
            "zlib", .positive(.bytes), .unset,
            "Offer stream compression (XEP-0138) after login; a stream ends whose input, in one step of 16 kB at most, inflates "
                + "to more than the number.",
            editions: .release5, effect: ReloadEffect.newStreams),
        OptionRow(
            "max_connections", .positiveOrInfinity(), .infinity,
            "How many connections are served at once, over all workers; further ones wait.", editions: .release62,
            effect: "holds at once; nobody is disconnected"),
        OptionRow(
            "c2s_state_timeout", .naturalOrInfinity(.milliseconds), .integer(5000),
            "How long a client may be silent in each step before its session is established; all steps up to its login "
                + "together may take three times as long.",
            editions: .release62, effect: "the next step of each stream follows it"),
        OptionRow(
            "state_timeout", .naturalOrInfinity(.milliseconds), .unset, "The same as c2s_state_timeout.",
            editions: .release63, alias: .of("c2s_state_timeout")),
        OptionRow(
            "reuse_port", .boolean, .boolean(false),
            "Let another process of the same user bind the same address and port. Each worker then has a socket of its own "
                + "(SO_REUSEPORT); otherwise they share one.", editions: .release62,
            effect: "holds at once for other programs; the sockets stay as they are until the next start"),
        OptionRow(
            "backwards_compatible_session", .boolean, .boolean(true),
            "Offer the session element of RFC 3921, as optional.", editions: .release62, effect: ReloadEffect.newStreams),
        OptionRow(
            "allowed_auth_methods", .names(methods), .unset,
            "The authentication methods that may be used here; all that are enabled if not set.",
            editions: .release62, effect: ReloadEffect.newLogins),
        OptionRow(
            "xml_socket", .boolean, .boolean(false), "Answer Flash clients that ask for a policy file.",
            editions: .release5, state: .accepted("no client asks for it any more")),
        OptionRow(
            "tls", .section, .unset, "TLS on this listener; without the table there is none.", effect: ReloadEffect.newConnections),
    ]

    private static let tls: [OptionRow] =
        [
            OptionRow(
                "mode", .choices("tls", "starttls", "starttls_required"), .text("starttls"),
                "TLS from the first byte, or after STARTTLS, which may be required."),
            OptionRow(
                "module", .choices("fast_tls", "just_tls"), .computed("\"fast_tls\", or \"just_tls\" with a key that only it has"),
                "Which profile of keys is meant. fast_tls has protocol_options, and leaves a bad client certificate to SASL; "
                    + "just_tls has keyfile, password, versions, disconnect_on_failure, crl_files and selfsigned_peer."),
            OptionRow(
                "verify_mode", .choices("peer", "selfsigned_peer", "none"),
                .computed("\"peer\" with a cacertfile, else \"none\""),
                "Whether a client is asked for a certificate, and whether one it signed itself is let through, which proves nothing: "
                    + "EXTERNAL is not offered with it. Nobody must have one."),
            OptionRow(
                "verify_peer", .boolean, .unset, "true is verify_mode \"peer\", false is \"none\".",
                editions: .release5, alias: .verifyPeer),
            OptionRow(
                "certfile", .file(.certificates), .unset,
                "The certificate chain presented; with fast_tls, or without keyfile, the private key too."),
            OptionRow(
                "cacertfile", .file(.certificates), .unset,
                "The authorities whose client certificates count as good; they are named to the client."),
            OptionRow(
                "dhfile", .file(.dhParameters), .unset, "The Diffie-Hellman group for TLS 1.2 suites that need one."),
            OptionRow(
                "ciphers", .name, .computed("\"TLSv1.2:TLSv1.3\" with fast_tls, all with just_tls"),
                "The cipher suites, as an OpenSSL cipher list. Version words in it restrict the versions. "
                    + "Where it only names suites, there are no others, of TLS 1.3 neither."),
            OptionRow(
                "protocol_options", .strings,
                .computed("[\"no_sslv2\", \"no_sslv3\", \"no_tlsv1\", \"no_tlsv1_1\"]"),
                "OpenSSL options by name; fast_tls only."),
            OptionRow(
                "keyfile", .file(.privateKey), .unset, "The private key; just_tls only.", editions: .release62),
            OptionRow(
                "password", .password, .unset, "What opens an encrypted keyfile; just_tls only.", editions: .release62),
            OptionRow(
                "disconnect_on_failure", .boolean, .boolean(true),
                "Whether a client certificate that is not trusted ends the handshake; just_tls only."),
            OptionRow(
                "versions", .names(["tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"]), .unset,
                "The TLS versions that are spoken; just_tls only."),
            OptionRow(
                "crl_files", .list(.file(.revocations), atLeastOne: false), .unset,
                "Lists of revoked client certificates; just_tls only."),
            OptionRow(
                "server_name_indication", .boolean, .boolean(true), "Choose the certificate by the name the client asks for.",
                editions: .release5, state: .accepted("the name is always looked at")),
        ] + LaterReleaseOptions.clientTLS
}
