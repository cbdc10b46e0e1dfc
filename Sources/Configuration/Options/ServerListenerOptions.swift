/// `[[listen.s2s]]` and `[[listen.service]]`: listeners for other servers and for components.
enum ServerListenerOptions {
    static let rows: [OptionRow] =
        OptionRow.under(
            "listen.s2s[]",
            ListenerOptions.address + ListenerOptions.streams() + LaterReleaseOptions.streams + server)
        + OptionRow.under(
            "listen.s2s[].tls", serverTLS + LaterReleaseOptions.streamTLS.filter { $0.path != "disconnect_on_failure" })
        + OptionRow.under(
            "listen.s2s[].tls",
            state: .accepted("the handshake succeeds with any certificate; what it proves decides what follows"),
            LaterReleaseOptions.streamTLS.filter { $0.path == "disconnect_on_failure" })
        + OptionRow.under(
            "listen.service[]",
            ListenerOptions.address + ListenerOptions.streams() + LaterReleaseOptions.streams + component
                + LaterReleaseOptions.component)
        + OptionRow.under("listen.service[].tls", LaterReleaseOptions.componentTLS)

    private static let server: [OptionRow] = [
        OptionRow(
            "shaper", .name, .text("none"),
            "The access rule whose value for the remote domain names the shaper of the incoming stream."),
        OptionRow("tls", .section, .unset, "TLS for incoming streams of other servers."),
    ]

    private static let serverTLS: [OptionRow] = [
        OptionRow(
            "verify_mode", .choices("peer", "none"), .text("peer"),
            "Whether the other server's certificate is verified.", editions: .release62),
        OptionRow(
            "certfile", .file(.certificates), .computed("s2s.certfile"),
            "The certificate chain presented, with its private key.", editions: .release62),
        OptionRow(
            "cacertfile", .file(.certificates), .unset, "The authorities whose certificates count as good."),
        OptionRow(
            "dhfile", .file(.dhParameters), .unset, "The Diffie-Hellman group for TLS 1.2 suites that need one."),
        OptionRow("ciphers", .name, .text("TLSv1.2:TLSv1.3"), "The cipher suites, as an OpenSSL cipher list."),
        OptionRow(
            "protocol_options", .strings,
            .computed("[\"no_sslv2\", \"no_sslv3\", \"no_tlsv1\", \"no_tlsv1_1\"]"), "OpenSSL options by name."),
    ]

    /// Also those of a component over WebSocket.
    static let componentSession: [OptionRow] = [
        OptionRow(
            "access", .name, .text("all"), "The access rule that decides who may send to the component."),
        OptionRow("password", .secret, .required, "What component and server both know."),
        OptionRow("shaper_rule", .name, .text("none"), "The shaper of what the component sends."),
        OptionRow(
            "check_from", .boolean, .boolean(true),
            "Refuse stanzas whose sender is not of the component's own domain."),
        OptionRow(
            "hidden_components", .boolean, .boolean(false),
            "Leave the component out of service discovery for those who may not see hidden services."),
        OptionRow(
            "conflict_behaviour", .choices("disconnect", "kick_old"), .text("disconnect"),
            "Which of two components for the same domain has to go."),
    ]

    private static let component = componentSession
}
