import Configuration
import Testing

/// What must hold of the option table as a whole.
@Suite(.timeLimit(.minutes(5)))
struct OptionTableTests {
    private let rows = OptionTable.rows

    @Test func everyOptionHasOneRowWithASentence() {
        var seen: Set<String> = []
        for row in rows {
            #expect(seen.insert(row.path).inserted, "\(row.path) twice")
            #expect(row.sentence.hasSuffix("."), "\(row.path): no sentence")
            #expect(!row.editions.isEmpty, "\(row.path): no edition")
        }
        #expect(rows.count > 700)
    }

    /// A clause that stands behind a colon, and alone.
    @Test func everyOptionSaysWhatAReloadOfItDoes() {
        for row in rows { #expect(!row.effect.isEmpty && !row.effect.hasSuffix("."), "\(row.path)") }
        #expect(OptionTable.row("listen.c2s[].tls.certfile")?.effect.contains("new connections") == true)
        #expect(OptionTable.row("general.hosts")?.effect.contains("host-gone") == true)
    }

    /// Whether the master may change who workers are is not its to choose; everything else is put in force.
    @Test func noReloadOfAnOptionIsRefused() {
        let conditional = ["xmppd.user", "xmppd.group"]
        for row in rows {
            let isRefused =
                row.effect.contains("refuse") || row.effect.contains("another start") || row.effect.contains("xmppctl restart puts")
            #expect(!isRefused, "\(row.path): \(row.effect)")
            #expect(row.effect.contains("the master must be root") == conditional.contains(row.path), "\(row.path): \(row.effect)")
            if case .refused = row.state { #expect(row.effect.hasPrefix("nothing changes"), "\(row.path)") }
        }
    }

    /// A row's table has a row itself, and is one.
    @Test func everyRowStandsInATable() throws {
        for row in rows {
            let parts = row.path.split(separator: ".")
            guard parts.count > 1 else { continue }
            var parent = parts.dropLast().joined(separator: ".")
            let isElement = parent.hasSuffix("[]")
            if isElement { parent.removeLast(2) }
            guard parent != "modules.*" else { continue }
            let table = try #require(OptionTable.row(parent), "\(row.path) stands nowhere")
            let isTable = if case .sectionOr = table.kind { !isElement } else { table.kind == (isElement ? .sections : .section) }
            #expect(isTable, "\(row.path)")
        }
    }

    @Test func everyAliasNamesARow() {
        for row in rows {
            guard let target = row.alias?.target else { continue }
            let table = row.path.split(separator: ".").dropLast().joined(separator: ".")
            #expect(OptionTable.row("\(table).\(target)") != nil, "\(row.path) → \(target)")
            #expect(row.default == .unset, "\(row.path): an alias has no default")
        }
    }

    /// A default is a value that the option takes.
    @Test func everyDefaultIsLegal() {
        for row in rows {
            switch (row.kind, row.default) {
            case (_, .required), (_, .unset), (_, .computed), (.section, .present): break
            case (.boolean, .boolean), (.booleanOrSpelling, .boolean): break
            case (.integer(let range, _), .integer(let value)), (.integerOrInfinity(let range, _), .integer(let value)):
                #expect(range.contains(value), "\(row.path)")
            case (.integerOrInfinity, .infinity): break
            case (.choice(let values), .text(let value)): #expect(values.contains(value), "\(row.path)")
            case (.text(let rule), .text(let value)): #expect(rule == .any || !value.isEmpty, "\(row.path)")
            case (.either, .text): break
            case (.list(.choice(let allowed), _), .list(let values)):
                #expect(values.allSatisfy(allowed.contains), "\(row.path)")
            case (.list, .list), (.sections, .list([])): break
            default: Issue.record("\(row.path): \(row.kind) with \(row.default)")
            }
        }
    }

    @Test func everyModuleIsThere() {
        let expected = """
            mod_adhoc mod_amp mod_auth_token mod_bind2 mod_blocking mod_blocklist mod_bosh mod_broadcast \
            mod_cache_users mod_caps mod_carboncopy mod_commands mod_csi mod_disco mod_domain_isolation \
            mod_event_pusher mod_event_pusher_http mod_event_pusher_push mod_event_pusher_rabbit \
            mod_event_pusher_sns mod_extdisco mod_external_filter mod_fast_auth_token mod_global_distrib \
            mod_http_upload mod_inbox mod_jingle_sip mod_keystore mod_last mod_mam mod_mam_meta mod_muc \
            mod_muc_commands mod_muc_light mod_muc_light_commands mod_muc_log mod_offline \
            mod_offline_chatmarkers mod_offline_stub mod_ping mod_presence mod_privacy mod_private mod_pubsub \
            mod_pubsub_old mod_push_service_mongoosepush mod_register mod_roster mod_sasl2 \
            mod_shared_roster_ldap mod_sic mod_smart_markers mod_stanzaid mod_stream_management mod_time \
            mod_vcard mod_version
            """
        #expect(OptionTable.moduleNames == expected.split(separator: " ").map(String.init))
    }
}
