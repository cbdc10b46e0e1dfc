extension ModuleOptions {
    /// The options of a module that is loaded without being named in the file; only what has no default is missing.
    public static func unnamed(_ module: String, host: String) -> ModuleOptions {
        ModuleOptions(module: module, host: host, table: SettingTable(position: Position(line: 0, column: 0)))
    }
}
