/// What `status` answers. Numbers that the system or a worker did not tell are null.
let statusShape = Operation.Shape.object([
    .init("state", .text, "One of running, degraded (a worker is not ready), restarting (one worker after the other), stopping."),
    .init(
        "restart",
        .object([
            .init("position", .integer, optional: true, "The worker that has its turn."),
            .init("step", .text, "One of starting (the new worker comes up), draining (the old one hands over)."),
            .init("done", .integer, "Workers that have been restarted."),
            .init("total", .integer, "Workers that shall be restarted."),
        ]), optional: true, "The rolling restart under way."),
    .init("sessions", .integer, "Bound sessions of all workers."),
    .init("connections", .integer, "Open connections of all workers, those before login included."),
    .init(
        "master",
        .object(
            [
                .init("pid", .integer, "Its process."),
                .init("version", .text, "The version of the server."),
                .init("config", .text, "The configuration file."),
                .init("log_level", .text, "How much is logged."),
                .init("shared_memory", .integer, optional: true, "Memory of the segment that all processes share, in bytes."),
            ] + processFields), "The master process."),
    .init(
        "workers",
        .list(
            .object(
                [
                    .init("slot", .integer, "Its place, from 0."),
                    .init("state", .text, "One of vacant, waiting, starting, ready, draining, leaving, killed."),
                    .init("pid", .integer, optional: true, "Its process, if there is one."),
                    .init("incarnation", .integer, "Counts the processes that had this place, from 1."),
                    .init("restarts", .integer, "How often the place was filled again."),
                    .init(
                        "crashes",
                        .object([
                            .init("count", .integer, "Deaths without stable service between."),
                            .init("within_s", .integer, "Seconds from the first to the last."),
                            .init("last", .text, "How the last one ended."),
                            .init("last_s", .integer, "Seconds since the last one."),
                            .init("next_start_s", .integer, optional: true, "Seconds until the next start, if that is put off."),
                        ]), optional: true, "Its deaths, if there were any lately."),
                    .init("moved", .integer, optional: true, "Sessions that a worker which leaves has handed over."),
                    .init("moving", .integer, optional: true, "Sessions that it is handing over."),
                    .init("sessions", .integer, optional: true, "Bound sessions."),
                    .init("connections", .integer, optional: true, "Open connections, those before login included."),
                    .init("hibernations", .integer, optional: true, "How often connections gave their buffers back."),
                    .init(
                        "long_turns", .integer, optional: true,
                        "Turns of its loop that took over 100 ms, while nobody else was served."),
                    .init("longest_turn_us", .integer, optional: true, "Its longest turn, in microseconds."),
                    .init("mesh_congested_peers", .integer, optional: true, "Other workers to which the way is full."),
                    .init(
                        "mesh_congested_ms", .integer, optional: true,
                        "How long the first of these ways has been full, in milliseconds."),
                    .init("mesh_congestions", .integer, optional: true, "How often such a way was full for more than a second."),
                    .init("outgoing_migrations", .integer, optional: true, "Sessions on their way to another worker."),
                    .init(
                        "oldest_migration_ms", .integer, optional: true, "How long the first of them has been so, in milliseconds."),
                    .init("slow_readers_closed", .integer, optional: true, "Streams closed because their clients did not read."),
                    .init("messages_delivered", .integer, optional: true, "Messages handed to its sessions."),
                    .init("messages_stored_offline", .integer, optional: true, "Messages kept for users who were not there."),
                    .init("stanzas_bounced", .integer, optional: true, "Stanzas answered with an error."),
                    .init("registrations", .integer, optional: true, "Accounts registered in band."),
                    .init("storage_transactions", .integer, optional: true, "Transactions of the storage."),
                    .init("storage_failures", .integer, optional: true, "Failures of the storage that were logged."),
                    .init("loop_turns", .integer, optional: true, "Turns of its loop."),
                    .init("loop_lag_us", .integer, optional: true, "How late its last timer was, in microseconds."),
                    .init("heartbeat_age_ms", .integer, optional: true, "How long ago it gave a sign of life, in milliseconds."),
                ] + processFields)), "The worker processes."),
    .init(
        "listeners",
        .list(
            .object([
                .init("path", .text, "Its place in the configuration, as listen.c2s[1]."),
                .init("kind", .text, "One of c2s, s2s, service, http."),
                .init("transport", .text, "One of tcp, udp."),
                .init("address", .text, "The address it is bound to."),
                .init("port", .integer, "The port it is bound to."),
                .init("open", .integer, "Open connections."),
                .init("accepted", .integer, "Connections accepted since the start."),
                .init("refused", .integer, "Connections and datagrams since the start that were not served."),
                .init("acceptors", .integer, optional: true, "How many connections may be in the act of being accepted."),
            ])), "The listening sockets."),
    .init(
        "pools",
        .list(
            .object([
                .init("type", .text, "One of http, ldap, rdbms."),
                .init("tag", .text, "Its name, as in outgoing_pools.ldap.default."),
                .init("host", .text, optional: true, "The host that has it for itself."),
                .init("state", .text, "One of untried, up, down, degraded (down for some of the workers)."),
                .init("since_s", .integer, "How long it has been so, in seconds."),
                .init("connections", .integer, "Open connections."),
                .init("waiting", .integer, "Questions that wait for a connection."),
                .init("failures", .integer, "Questions and tries to connect that failed, since the pool was made."),
                .init("reason", .text, optional: true, "Why it is down."),
            ])), "The connections to other services that are in use."),
])

private let processFields: [Operation.Field] = [
    .init("uptime_s", .integer, optional: true, "Seconds since its start."),
    .init("cpu_ms", .integer, optional: true, "Processor time used, user and system, in milliseconds."),
    .init("pss", .integer, optional: true, "Memory in bytes, what is shared divided by the number of its sharers (PSS)."),
    .init("rss", .integer, optional: true, "Memory in bytes, what is shared counted in full (RSS)."),
]
