/// What `xmppctl status --json` prints, as far as tests look at it.
public struct ServerStatus: Decodable, Sendable {
    public struct Master: Decodable, Sendable {
        public let pid: Int32
    }

    public struct Worker: Decodable, Sendable {
        public let slot: Int
        public let state: String
        public let pid: Int32?
        public let incarnation: Int
        public let restarts: Int
        public let sessions: Int?
        public let connections: Int?
        /// Resident memory in bytes.
        public let rss: Int?
    }

    public struct Listener: Decodable, Sendable {
        public let path: String
        public let kind: String
        public let address: String
        public let port: UInt16
        public let open: Int
        public let accepted: Int
    }

    public struct Pool: Decodable, Sendable {
        public let type: String
        public let tag: String
        public let state: String
        public let connections: Int
        public let failures: Int
        public let reason: String?
    }

    public let state: String
    public let sessions: Int
    public let master: Master
    public let workers: [Worker]
    public let listeners: [Listener]
    public let pools: [Pool]
}

/// What `xmppctl session list --json` prints.
public struct SessionList: Decodable, Sendable {
    public struct Row: Decodable, Sendable {
        public let jid: String
        public let worker: Int
        public let available: Bool
        public let secure: Bool?
        public let priority: Int?
    }

    public let rows: [Row]
}
