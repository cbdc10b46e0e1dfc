/// What each worker counts. The raw value is the place in the shared cell: add at the end, never reorder.
public enum Metric: Int, CaseIterable, Sendable {
    case sessions, connections
    case stanzasReceived, stanzasSent, bytesReceived, bytesSent
    case loginsSucceeded, loginsFailed
    case messagesDelivered, messagesStoredOffline, stanzasBounced
    case meshFramesReceived, meshFramesSent, meshBytesReceived, meshBytesSent
    case readPauses, slowReadersClosed
    case tlsHandshakes, tlsFailures
    case streamErrors, registrations
    case storageTransactions, storageFailures, storageQueue
    case loopTurns, loopLag
    case hibernations
    case meshCongestedPeers, meshCongestions, meshCongestedMilliseconds
    case outgoingMigrations, oldestMigration
    case longTurns, longestTurn

    public enum Kind: Sendable {
        /// Only grows; continues over the workers of a slot.
        case counter
        /// A level that a dead worker no longer has.
        case gauge
        /// The highest value since it was last taken; over workers the highest counts, not the sum.
        case peak
    }

    public var kind: Kind {
        switch self {
        case .sessions, .connections, .storageQueue, .meshCongestedPeers, .meshCongestedMilliseconds, .outgoingMigrations,
            .oldestMigration:
            .gauge
        case .loopLag, .longestTurn: .peak
        case .stanzasReceived, .stanzasSent, .bytesReceived, .bytesSent, .loginsSucceeded, .loginsFailed,
            .messagesDelivered, .messagesStoredOffline, .stanzasBounced, .meshFramesReceived, .meshFramesSent,
            .meshBytesReceived, .meshBytesSent, .readPauses, .slowReadersClosed, .tlsHandshakes, .tlsFailures,
            .streamErrors, .registrations, .storageTransactions, .storageFailures, .loopTurns, .hibernations,
            .meshCongestions, .longTurns:
            .counter
        }
    }

    /// The name under which Prometheus knows it.
    public var name: String { description.0 }

    /// One sentence for the reader of a scrape.
    public var help: String { description.1 }

    private var description: (String, String) {
        switch self {
        case .sessions: ("xmppd_sessions", "Sessions bound now.")
        case .connections: ("xmppd_connections", "Connections open now.")
        case .stanzasReceived: ("xmppd_stanzas_received_total", "Stanzas received from clients.")
        case .stanzasSent: ("xmppd_stanzas_sent_total", "Stanzas written to clients.")
        case .bytesReceived: ("xmppd_received_bytes_total", "Bytes of streams received, after TLS.")
        case .bytesSent: ("xmppd_sent_bytes_total", "Bytes of streams sent, before TLS.")
        case .loginsSucceeded: ("xmppd_logins_total", "Authentications that succeeded.")
        case .loginsFailed: ("xmppd_login_failures_total", "Authentications that failed.")
        case .messagesDelivered: ("xmppd_messages_delivered_total", "Messages handed to a local session.")
        case .messagesStoredOffline:
            ("xmppd_messages_stored_offline_total", "Messages kept for users who were offline.")
        case .stanzasBounced: ("xmppd_stanzas_bounced_total", "Stanzas answered with an error instead of delivered.")
        case .meshFramesReceived: ("xmppd_mesh_frames_received_total", "Frames received from other workers.")
        case .meshFramesSent: ("xmppd_mesh_frames_sent_total", "Frames sent to other workers.")
        case .meshBytesReceived: ("xmppd_mesh_received_bytes_total", "Bytes received from other workers.")
        case .meshBytesSent: ("xmppd_mesh_sent_bytes_total", "Bytes sent to other workers.")
        case .readPauses: ("xmppd_read_pauses_total", "Times that reading from a client was paused.")
        case .slowReadersClosed: ("xmppd_slow_readers_closed_total", "Sessions closed because they did not read.")
        case .tlsHandshakes: ("xmppd_tls_handshakes_total", "TLS handshakes completed.")
        case .tlsFailures: ("xmppd_tls_failures_total", "TLS handshakes that failed.")
        case .streamErrors: ("xmppd_stream_errors_total", "Streams closed with a stream error of ours.")
        case .registrations: ("xmppd_registrations_total", "Accounts registered in band.")
        case .storageTransactions: ("xmppd_storage_transactions_total", "Transactions that storage committed.")
        case .storageFailures: ("xmppd_storage_failures_total", "Operations that storage refused or failed.")
        case .storageQueue: ("xmppd_storage_queue", "Operations waiting for storage now.")
        case .loopTurns: ("xmppd_loop_turns_total", "Turns of the event loop.")
        case .loopLag: ("xmppd_loop_lag_milliseconds", "Longest delay of a timer since the last report.")
        case .hibernations: ("xmppd_hibernations_total", "Times that a connection gave its buffers back.")
        case .meshCongestedPeers: ("xmppd_mesh_congested_peers", "Other workers to which the way is full now.")
        case .meshCongestions:
            ("xmppd_mesh_congestions_total", "Times that the way to another worker was full for more than a second.")
        case .meshCongestedMilliseconds:
            ("xmppd_mesh_congestion_milliseconds", "How long a way to another worker has been full.")
        case .outgoingMigrations: ("xmppd_outgoing_migrations", "Sessions on their way to another worker now.")
        case .oldestMigration:
            ("xmppd_oldest_migration_milliseconds", "How long the first of those sessions has been on its way.")
        case .longTurns: ("xmppd_long_turns_total", "Turns of the event loop that took over 100 ms.")
        case .longestTurn: ("xmppd_longest_turn_microseconds", "Longest turn of the event loop.")
        }
    }
}
