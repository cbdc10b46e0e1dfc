/// Modules of old releases that only switched parts of the administrative interface on.
enum OutdatedModuleOptions {
    static let rows: [OptionRow] =
        ModuleOptionRows.module(
            "mod_commands", "Users, sessions, contacts and messages in mongoose_api_admin.", editions: .release5)
        + ModuleOptionRows.module("mod_muc_commands", "Rooms in mongoose_api_admin.", editions: .release5)
        + ModuleOptionRows.module(
            "mod_muc_light_commands", "Light rooms in mongoose_api_admin.", editions: .release5)
}
