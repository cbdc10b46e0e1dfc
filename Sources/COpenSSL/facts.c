// What a session agreed on, and what the peer's certificate says.
#define _DEFAULT_SOURCE
#include "COpenSSL.h"
#include <string.h>
#include <time.h>

unsigned copenssl_server_end_point(SSL *session, uint8_t hash[EVP_MAX_MD_SIZE])
{
    X509 *certificate = SSL_get_certificate(session);
    int digest = NID_undef;
    if (!certificate || !X509_get_signature_info(certificate, &digest, NULL, NULL, NULL)) return 0;
    if (digest == NID_md5 || digest == NID_sha1 || digest == NID_md5_sha1) digest = NID_sha256;
    const EVP_MD *algorithm = EVP_get_digestbynid(digest);
    unsigned length = 0;
    if (!algorithm || !X509_digest(certificate, algorithm, hash, &length)) return 0;
    return length;
}

int copenssl_channel_binding(SSL *session, uint8_t value[32])
{
    static const char label[] = "EXPORTER-Channel-Binding";
    static const uint8_t empty[1];
    if (SSL_version(session) < TLS1_3_VERSION && SSL_get_extms_support(session) != 1) return 0;
    return SSL_export_keying_material(session, value, 32, label, sizeof label - 1, empty, 0, 1) == 1;
}

size_t copenssl_first_finished(SSL *session, uint8_t *message, size_t capacity)
{
    if (SSL_version(session) >= TLS1_3_VERSION || SSL_get_extms_support(session) != 1) return 0;
    // The client ends a full handshake first, the server a resumed one.
    size_t length = SSL_session_reused(session) ? SSL_get_finished(session, message, capacity)
                                                : SSL_get_peer_finished(session, message, capacity);
    return length <= capacity ? length : 0;
}

size_t copenssl_peer_certificate(SSL *session, uint8_t **der)
{
    X509 *certificate = SSL_get0_peer_certificate(session);
    *der = NULL;
    int length = certificate ? i2d_X509(certificate, der) : 0;
    return length > 0 ? (size_t)length : 0;
}

void copenssl_free(void *memory) { OPENSSL_free(memory); }

// In UTF-8, whatever kind of string it is.
static size_t take_text(const ASN1_STRING *string, uint8_t **text)
{
    unsigned char *converted = NULL;
    int length = string ? ASN1_STRING_to_UTF8(&converted, string) : 0;
    if (length > 0) {
        *text = converted;
        return (size_t)length;
    }
    OPENSSL_free(converted);
    return 0;
}

size_t copenssl_peer_xmpp_address(SSL *session, int place, uint8_t **text)
{
    *text = NULL;
    X509 *certificate = SSL_get0_peer_certificate(session);
    if (!certificate) return 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    size_t length = 0;
    for (int at = 0; at < sk_GENERAL_NAME_num(names); at++) {
        ASN1_OBJECT *kind = NULL;
        ASN1_TYPE *value = NULL;
        if (!GENERAL_NAME_get0_otherName(sk_GENERAL_NAME_value(names, at), &kind, &value)) continue;
        if (OBJ_obj2nid(kind) != NID_XmppAddr || value->type != V_ASN1_UTF8STRING || place-- > 0) continue;
        length = take_text(value->value.utf8string, text);
        break;
    }
    GENERAL_NAMES_free(names);
    return length;
}

size_t copenssl_peer_common_name(SSL *session, uint8_t **text)
{
    *text = NULL;
    X509 *certificate = SSL_get0_peer_certificate(session);
    if (!certificate) return 0;
    X509_NAME *subject = X509_get_subject_name(certificate);
    int last = -1;
    for (int next; (next = X509_NAME_get_index_by_NID(subject, NID_commonName, last)) >= 0;) last = next;
    X509_NAME_ENTRY *entry = last >= 0 ? X509_NAME_get_entry(subject, last) : NULL;
    return entry ? take_text(X509_NAME_ENTRY_get_data(entry), text) : 0;
}

static void take_string(copenssl_taker take, void *taker, int kind, const ASN1_STRING *string)
{
    int length = ASN1_STRING_length(string);
    if (length > 0) take(taker, kind, ASN1_STRING_get0_data(string), (size_t)length);
}

static void take_name(copenssl_taker take, void *taker, GENERAL_NAME *name)
{
    int type = 0;
    void *value = GENERAL_NAME_get0_value(name, &type);
    if (type == GEN_DNS) return take_string(take, taker, COPENSSL_DNS_NAME, value);
    ASN1_OBJECT *kind = NULL;
    ASN1_TYPE *other = NULL;
    if (type != GEN_OTHERNAME || !GENERAL_NAME_get0_otherName(name, &kind, &other)) return;
    int oid = OBJ_obj2nid(kind);
    if (oid == NID_SRVName && other->type == V_ASN1_IA5STRING)
        take_string(take, taker, COPENSSL_SRV_NAME, other->value.ia5string);
    if (oid == NID_XmppAddr && other->type == V_ASN1_UTF8STRING)
        take_string(take, taker, COPENSSL_XMPP_ADDRESS, other->value.utf8string);
}

void copenssl_read_peer(SSL *session, copenssl_taker take, void *taker)
{
    X509 *certificate = SSL_get0_peer_certificate(session);
    if (!certificate) return;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int at = 0; at < sk_GENERAL_NAME_num(names); at++) take_name(take, taker, sk_GENERAL_NAME_value(names, at));
    GENERAL_NAMES_free(names);
    EXTENDED_KEY_USAGE *purposes = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    for (int at = 0; at < sk_ASN1_OBJECT_num(purposes); at++) {
        char text[80];
        int length = OBJ_obj2txt(text, sizeof text, sk_ASN1_OBJECT_value(purposes, at), 0);
        if (length > 0 && (size_t)length < sizeof text) take(taker, COPENSSL_PURPOSE, (const uint8_t *)text, (size_t)length);
    }
    EXTENDED_KEY_USAGE_free(purposes);
    ERR_clear_error();
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

int copenssl_peer_validity(SSL *session, int64_t *not_before, int64_t *not_after, int *is_self_signed)
{
    X509 *certificate = SSL_get0_peer_certificate(session);
    if (!certificate) return 0;
    *not_before = seconds_of(X509_get0_notBefore(certificate));
    *not_after = seconds_of(X509_get0_notAfter(certificate));
    *is_self_signed = X509_self_signed(certificate, 0) == 1;
    ERR_clear_error();
    return 1;
}

void copenssl_take_error(char *text, size_t capacity)
{
    unsigned long first = ERR_get_error();
    const char *reason = first ? ERR_reason_error_string(first) : NULL;
    ERR_clear_error();
    strncpy(text, reason ? reason : (first ? "system error" : ""), capacity);
    text[capacity - 1] = 0;
}
