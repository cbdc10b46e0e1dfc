/// What this is and which, for `--version`, `status` and XEP-0092.
public enum ServerVersion {
    public static let name = "xmppd"
    public static let number = "0.1.0"
}
