import Glibc

/// The unit of the server, where systemd runs this machine.
enum ServiceUnit {
    static let name = "xmppd.service"
    static let systemctl = "/usr/bin/systemctl"

    private static let directories = [
        "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
        "/lib/systemd/system",
    ]

    /// Whether systemd is the first process (sd_booted(3)) and has such a unit.
    static var isKnown: Bool {
        access("/run/systemd/system", F_OK) == 0 && access(systemctl, X_OK) == 0
            && directories.contains { access("\($0)/\(name)", F_OK) == 0 }
    }
}
