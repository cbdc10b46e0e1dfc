internal import COpenSSL

extension TLSOptions {
    /// `protocol_options` that forbid a version.
    static let versionBans: [String: Version] = [
        "no_tlsv1": .tlsv1, "no_tlsv1_1": .tlsv1_1, "no_tlsv1_2": .tlsv1_2, "no_tlsv1_3": .tlsv1_3,
    ]

    /// `protocol_options` that OpenSSL has as flags.
    static let flags: [String: UInt64] = [
        "cipher_server_preference": bit(22), "no_compression": bit(17), "no_ticket": bit(14), "no_renegotiation": bit(30),
        "no_session_resumption_on_renegotiation": bit(16), "legacy_server_connect": bit(2),
        "allow_unsafe_legacy_renegotiation": bit(18), "dont_insert_empty_fragments": bit(11), "tlsext_padding": bit(4),
        "prioritize_chacha": bit(21), "allow_no_dhe_kex": bit(10), "no_encrypt_then_mac": bit(19),
        "no_extended_master_secret": bit(0), "enable_middlebox_compat": bit(20), "no_anti_replay": bit(24),
        "tls_rollback_bug": bit(23), "cisco_anyconnect": bit(15), "cookie_exchange": bit(13), "no_query_mtu": bit(12),
        "safari_ecdhe_ecdsa_bug": bit(6), "crypro_tlsext_bug": bit(31), "cryptopro_tlsext_bug": bit(31),
    ]

    /// Names that were OpenSSL options once and do nothing today; SSL 2 and 3 are gone whatever one says.
    static let obsoleteOptions: Set<String> = [
        "no_sslv2", "no_sslv3",
        "single_dh_use", "single_ecdh_use", "ephemeral_rsa", "microsoft_sess_id_bug", "netscape_challenge_bug",
        "netscape_reuse_cipher_change_bug", "sslref2_reuse_cert_type_bug", "microsoft_big_sslv3_buffer",
        "msie_sslv2_rsa_padding", "ssleay_080_client_dh_bug", "tls_d5_bug", "tls_block_padding_bug", "pkcs1_check_1",
        "pkcs1_check_2", "netscape_ca_dn_bug", "netscape_demo_cipher_change_bug", "all",
    ]

    private static func bit(_ number: UInt64) -> UInt64 { 1 << number }

    /// What the options leave, with the version words of the cipher list taken into account.
    func allowedVersions() throws(TLSProblem) -> Set<Version> {
        var allowed = versions ?? [.tlsv1_2, .tlsv1_3]
        let words = CipherWords(ciphers)
        if !words.versions.isEmpty {
            // In a cipher list the words choose; older versions than the default's need to be named in one of the two.
            allowed = versions == nil ? words.versions : allowed.intersection(words.versions)
        } else if words.namesOldSuitesOnly {
            allowed.remove(.tlsv1_3)
        } else if words.namesNewSuitesOnly {
            allowed.formIntersection([.tlsv1_3])
        }
        for option in protocolOptions {
            if let version = Self.versionBans[option] { allowed.remove(version) }
        }
        if allowed.isEmpty { throw TLSProblem(.versions, "the options forbid every version") }
        return allowed
    }
}

extension TLSOptions.Version {
    var number: Int32 {
        switch self {
        case .tlsv1: TLS1_VERSION
        case .tlsv1_1: TLS1_1_VERSION
        case .tlsv1_2: TLS1_2_VERSION
        case .tlsv1_3: TLS1_3_VERSION
        }
    }

    /// The flag that forbids it, for holes in the range of versions.
    var ban: UInt64 {
        switch self {
        case .tlsv1: 1 << 26
        case .tlsv1_1: 1 << 28
        case .tlsv1_2: 1 << 27
        case .tlsv1_3: 1 << 29
        }
    }
}

/// The words of a `ciphers` option, sorted by what they are about.
struct CipherWords: Equatable {
    var versions: Set<TLSOptions.Version> = []
    /// TLS 1.3 suites by their names.
    var suites: [String] = []
    /// The rest: OpenSSL's cipher list for TLS 1.2 and older.
    var list: [String] = []

    init(_ text: String?) {
        guard let text else { return }
        for part in text.split(whereSeparator: { $0 == ":" || $0 == "," || $0 == " " }) {
            let word = String(part)
            switch word {
            case "TLSv1.3": versions.insert(.tlsv1_3)
            case "TLSv1.2": versions.insert(.tlsv1_2)
            case "TLSv1.1": versions.insert(.tlsv1_1)
            case "TLSv1", "TLSv1.0": versions.insert(.tlsv1)
            case _ where word.hasPrefix("TLS_"): suites.append(word)
            default: list.append(word)
            }
        }
    }

    /// What the list adds, by name or by kind; the rest takes away or sorts.
    private var additions: [String] { list.filter { word in !"!-+@".contains { word.hasPrefix(String($0)) } } }

    /// Single suites by their names, none of TLS 1.3: whoever says so wants these and nothing else.
    var namesOldSuitesOnly: Bool {
        suites.isEmpty && !additions.isEmpty && additions.allSatisfy { $0.utf8.contains(UInt8(ascii: "-")) }
    }

    var namesNewSuitesOnly: Bool { !suites.isEmpty && additions.isEmpty }
}
