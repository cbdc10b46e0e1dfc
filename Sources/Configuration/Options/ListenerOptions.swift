/// `[[listen.*]]`: the kinds of listeners, and the keys they share.
enum ListenerOptions {
    static let rows: [OptionRow] = [
        OptionRow("listen", .section, .present, "The sockets that are listened on.", editions: .all),
        OptionRow("listen.c2s", .sections, .list([]), "Listeners for clients.", editions: .all, effect: ReloadEffect.listeners),
        OptionRow(
            "listen.s2s", .sections, .list([]), "Listeners for other servers.", editions: .all,
            effect: ReloadEffect.listeners),
        OptionRow(
            "listen.service", .sections, .list([]), "Listeners for components (XEP-0114).",
            editions: .all, effect: ReloadEffect.listeners),
        OptionRow(
            "listen.component", .sections, .list([]), "The same as listen.service.",
            editions: .release63, effect: ReloadEffect.listeners),
        OptionRow(
            "listen.http", .sections, .list([]), "Listeners for HTTP: BOSH, WebSocket, and the interfaces for programs.",
            editions: .all, state: .notYet),
    ]

    /// Where a listener of any kind listens.
    static let address: [OptionRow] = [
        OptionRow(
            "port", .port, .required, "The TCP port; 0 lets the system choose one.", editions: .all, effect: ReloadEffect.address),
        OptionRow(
            "ip_address", .text(.ipAddress), .computed("all addresses of the IP version"),
            "The address listened on, literally; names are not looked up.", editions: .all, effect: ReloadEffect.address),
        OptionRow(
            "proto", .choices("tcp", "udp"), .text("tcp"),
            "The transport. With udp nothing is served on the socket.", editions: .all, effect: ReloadEffect.listeners),
        OptionRow(
            "ip_version", .integers([4, 6]), .computed("that of ip_address, else 4"),
            "The IP version; 6 with an IPv4 address listens on the mapped address.", editions: .all, effect: ReloadEffect.address),
    ]

    /// What all listeners for XML streams have.
    /// - Parameter maxStanzaSize: bytes of the largest stanza where the file says nothing.
    static func streams(maxStanzaSize: OptionDefault = .infinity) -> [OptionRow] {
        [
            OptionRow(
                "backlog", .natural(), .integer(1024),
                "How many connections may wait to be accepted; the system's own limit applies too.", editions: .all,
                effect: "holds at once"),
            OptionRow(
                "proxy_protocol", .boolean, .boolean(false),
                "Expect a PROXY protocol header, version 1 or 2, in front of each connection; without one it is closed.",
                editions: .all, effect: ReloadEffect.newConnections),
            OptionRow(
                "hibernate_after", .naturalOrInfinity(.milliseconds), .integer(0),
                "How long a connection is idle before it gives its buffers back; with 0 it does so after each batch.",
                editions: .all),
            OptionRow(
                "max_stanza_size", .positiveOrInfinity(.bytes), maxStanzaSize,
                "The largest stanza; a larger one ends the stream with policy-violation.", editions: .all),
            OptionRow(
                "num_acceptors", .positive(), .integer(100),
                "How many connections of all workers may be in the act of being accepted: those whose PROXY header is awaited.",
                editions: .all, effect: "holds at once"),
            OptionRow(
                "max_fsm_queue", .positive(), .computed("general.max_fsm_queue"),
                "How many stanzas may wait for one connection; one more ends it."),
        ]
    }
}
