/// The names that `protocol_options` may have: OpenSSL's options in small letters, those it once had included.
public enum ProtocolOptionNames {
    public static let all: Set<String> = [
        "no_sslv2", "no_sslv3", "no_tlsv1", "no_tlsv1_1", "no_tlsv1_2", "no_tlsv1_3",
        "cipher_server_preference", "no_compression", "no_ticket", "no_renegotiation",
        "no_session_resumption_on_renegotiation", "legacy_server_connect", "allow_unsafe_legacy_renegotiation",
        "dont_insert_empty_fragments", "tlsext_padding", "prioritize_chacha", "allow_no_dhe_kex", "no_encrypt_then_mac",
        "no_extended_master_secret", "enable_middlebox_compat", "no_anti_replay", "tls_rollback_bug", "cisco_anyconnect",
        "cookie_exchange", "no_query_mtu", "safari_ecdhe_ecdsa_bug", "crypro_tlsext_bug", "cryptopro_tlsext_bug",
        "single_dh_use", "single_ecdh_use", "ephemeral_rsa", "microsoft_sess_id_bug", "netscape_challenge_bug",
        "netscape_reuse_cipher_change_bug", "sslref2_reuse_cert_type_bug", "microsoft_big_sslv3_buffer",
        "msie_sslv2_rsa_padding", "ssleay_080_client_dh_bug", "tls_d5_bug", "tls_block_padding_bug", "pkcs1_check_1",
        "pkcs1_check_2", "netscape_ca_dn_bug", "netscape_demo_cipher_change_bug", "all",
    ]
}
