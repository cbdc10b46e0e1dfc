#include "COpenSSL.h"
#include <string.h>

// ---- the shared memory BIO

static int exchange_write(BIO *bio, const char *bytes, int length)
{
    copenssl_exchange *exchange = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (length <= 0) return 0;
    size_t wanted = exchange->output_length + (size_t)length;
    if (wanted > exchange->output_capacity) {
        size_t capacity = exchange->output_capacity ? exchange->output_capacity : 4096;
        while (capacity < wanted) capacity *= 2;
        uint8_t *grown = OPENSSL_realloc(exchange->output, capacity);
        if (!grown) return -1;
        exchange->output = grown;
        exchange->output_capacity = capacity;
    }
    memcpy(exchange->output + exchange->output_length, bytes, (size_t)length);
    exchange->output_length = wanted;
    return length;
}

static int exchange_read(BIO *bio, char *bytes, int capacity)
{
    copenssl_exchange *exchange = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (capacity <= 0) return 0;
    if (exchange->input_length == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t count = (size_t)capacity < exchange->input_length ? (size_t)capacity : exchange->input_length;
    memcpy(bytes, exchange->input, count);
    exchange->input += count;
    exchange->input_length -= count;
    return (int)count;
}

static long exchange_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio; (void)number; (void)pointer;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ? 1 : 0;
}

static int exchange_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO *copenssl_exchange_bio(copenssl_exchange *exchange)
{
    static BIO_METHOD *method;
    if (!method) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "exchange");
        if (!method) return NULL;
        BIO_meth_set_write(method, exchange_write);
        BIO_meth_set_read(method, exchange_read);
        BIO_meth_set_ctrl(method, exchange_control);
        BIO_meth_set_create(method, exchange_create);
    }
    BIO *bio = BIO_new(method);
    if (bio) BIO_set_data(bio, exchange);
    return bio;
}

SSL *copenssl_server_session(SSL_CTX *context, BIO *bio)
{
    SSL *session = SSL_new(context);
    if (!session) return NULL;
    // One reference for each direction.
    if (!BIO_up_ref(bio)) { SSL_free(session); return NULL; }
    SSL_set0_rbio(session, bio);
    if (!BIO_up_ref(bio)) { SSL_free(session); return NULL; }
    SSL_set0_wbio(session, bio);
    SSL_set_accept_state(session);
    return session;
}

// ---- contexts

SSL_CTX *copenssl_server_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context) return NULL;
    // The chain that is shown is the file's: none is made up from the authorities for client certificates.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    // No TLS 1.3 tickets: few XMPP clients resume, and each handshake would make two. A name for the sessions is
    // needed where client certificates are asked for and a TLS 1.2 client comes back with a ticket.
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"xmppd", 5);
    SSL_CTX_set_dh_auto(context, 1);
    return context;
}

int copenssl_set_versions(SSL_CTX *context, int minimum, int maximum)
{
    return SSL_CTX_set_min_proto_version(context, minimum) && SSL_CTX_set_max_proto_version(context, maximum);
}

int copenssl_set_dh_parameters(SSL_CTX *context, const void *pem, size_t length)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)length);
    if (!bio) return 0;
    EVP_PKEY *group = PEM_read_bio_Parameters(bio, NULL);
    BIO_free(bio);
    if (!group) return 0;
    int type = EVP_PKEY_get_base_id(group);
    if ((type != EVP_PKEY_DH && type != EVP_PKEY_DHX) || !SSL_CTX_set0_tmp_dh_pkey(context, group)) {
        EVP_PKEY_free(group);
        return 0;
    }
    // The built-in groups would go before it.
    SSL_CTX_set_dh_auto(context, 0);
    return 1;
}

// A password for PEM: without it an encrypted key is an error, never a question at a terminal.
static int answer_password(char *buffer, int size, int writing, void *password)
{
    (void)writing;
    if (!password) return -1;
    size_t length = strlen(password);
    if (length > (size_t)size) return -1;
    memcpy(buffer, password, length);
    return (int)length;
}

int copenssl_set_certificate_chain(SSL_CTX *context, const void *pem, size_t length)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)length);
    if (!bio) return 0;
    int ok = 0;
    X509 *leaf = PEM_read_bio_X509_AUX(bio, NULL, answer_password, NULL);
    if (leaf && SSL_CTX_use_certificate(context, leaf) == 1) {
        ok = 1;
        SSL_CTX_clear_chain_certs(context);
        X509 *next;
        while (ok && (next = PEM_read_bio_X509(bio, NULL, answer_password, NULL)))
            if (!SSL_CTX_add0_chain_cert(context, next)) {
                X509_free(next);
                ok = 0;
            }
        unsigned long last = ERR_peek_last_error();
        if (ok && ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE) ERR_clear_error();
        else if (ok && last) ok = 0;
    }
    X509_free(leaf);
    BIO_free(bio);
    return ok;
}

int copenssl_set_private_key(SSL_CTX *context, const void *pem, size_t length, const char *password)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)length);
    if (!bio) return 0;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, answer_password, (void *)password);
    BIO_free(bio);
    if (!key) return 0;
    int ok = SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;
    EVP_PKEY_free(key);
    return ok;
}

int copenssl_add_authorities(SSL_CTX *context, const void *pem, size_t length)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)length);
    if (!bio) return -1;
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    int count = 0;
    X509 *certificate;
    while ((certificate = PEM_read_bio_X509(bio, NULL, answer_password, NULL))) {
        int ok = X509_STORE_add_cert(store, certificate) && SSL_CTX_add_client_CA(context, certificate);
        X509_free(certificate);
        if (!ok) { BIO_free(bio); return -1; }
        count++;
    }
    BIO_free(bio);
    if (count) ERR_clear_error();
    return count;
}

int copenssl_add_revocation_lists(SSL_CTX *context, const void *pem, size_t length)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)length);
    if (!bio) return -1;
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    int count = 0;
    X509_CRL *list;
    while ((list = PEM_read_bio_X509_CRL(bio, NULL, answer_password, NULL))) {
        int ok = X509_STORE_add_crl(store, list);
        X509_CRL_free(list);
        if (!ok) { BIO_free(bio); return -1; }
        count++;
    }
    BIO_free(bio);
    if (count) {
        ERR_clear_error();
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_CRL_CHECK);
    }
    return count;
}

// An authority without a revocation list has revoked nothing that we know of. What is forgiven must not hide what was
// found before, so the first error that counts is kept beside the store's own.
// A certificate that has signed itself is let through where that is allowed, but it stays marked by its error, which a
// session ticket carries on: it proves nothing. Any other error counts more.
static int forgive(int good, X509_STORE_CTX *store, int self_signed)
{
    if (good) return 1;
    int error = X509_STORE_CTX_get_error(store);
    int counted = (int)(intptr_t)X509_STORE_CTX_get_app_data(store);
    if (error == X509_V_ERR_UNABLE_TO_GET_CRL) {
        X509_STORE_CTX_set_error(store, counted);
        return 1;
    }
    if (counted == X509_V_OK || (self_signed && counted == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT))
        X509_STORE_CTX_set_app_data(store, (void *)(intptr_t)error);
    return self_signed && error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
}

static int verify_strictly(int good, X509_STORE_CTX *store) { return forgive(good, store, 0); }
static int verify_self_signed(int good, X509_STORE_CTX *store) { return forgive(good, store, 1); }
// The handshake goes on; SSL_get_verify_result keeps the error for whoever wants to rely on the certificate.
static int verify_noting(int good, X509_STORE_CTX *store) { forgive(good, store, 0); return 1; }
static int verify_noting_self_signed(int good, X509_STORE_CTX *store) { forgive(good, store, 1); return 1; }

void copenssl_request_client_certificate(SSL_CTX *context, int demand_good, int allow_self_signed)
{
    SSL_verify_cb callback = demand_good ? (allow_self_signed ? verify_self_signed : verify_strictly)
                                         : (allow_self_signed ? verify_noting_self_signed : verify_noting);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, callback);
    // Whatever certificate the operator's file has is relied on, an intermediate one, too.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
}

static int choose_by_name(SSL *session, int *alert, void *argument)
{
    (void)alert;
    copenssl_choose choose = (copenssl_choose)argument;
    const char *name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
    SSL_CTX *context = name ? choose(name) : NULL;
    if (context && context != SSL_get_SSL_CTX(session)) SSL_set_SSL_CTX(session, context);
    return name ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

void copenssl_set_name_chooser(SSL_CTX *context, copenssl_choose choose)
{
    SSL_CTX_set_tlsext_servername_callback(context, choose_by_name);
    SSL_CTX_set_tlsext_servername_arg(context, (void *)choose);
}

static int select_alpn(SSL *session, const unsigned char **out, unsigned char *out_length,
                       const unsigned char *in, unsigned in_length, void *argument)
{
    (void)session;
    const char *name = argument;
    size_t length = strlen(name);
    for (unsigned at = 0; at < in_length; at += 1u + in[at])
        if (in[at] == length && at + 1 + length <= in_length && memcmp(in + at + 1, name, length) == 0) {
            *out = in + at + 1;
            *out_length = (unsigned char)length;
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_NOACK;
}

void copenssl_set_alpn(SSL_CTX *context, const char *name)
{
    SSL_CTX_set_alpn_select_cb(context, select_alpn, (void *)name);
}

// ---- facts

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

void copenssl_take_error(char *text, size_t capacity)
{
    unsigned long first = ERR_get_error();
    const char *reason = first ? ERR_reason_error_string(first) : NULL;
    ERR_clear_error();
    strncpy(text, reason ? reason : (first ? "system error" : ""), capacity);
    text[capacity - 1] = 0;
}
