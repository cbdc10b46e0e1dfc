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

static SSL *new_session(SSL_CTX *context, BIO *bio)
{
    SSL *session = SSL_new(context);
    if (!session) return NULL;
    // One reference for each direction.
    if (!BIO_up_ref(bio)) { SSL_free(session); return NULL; }
    SSL_set0_rbio(session, bio);
    if (!BIO_up_ref(bio)) { SSL_free(session); return NULL; }
    SSL_set0_wbio(session, bio);
    return session;
}

SSL *copenssl_server_session(SSL_CTX *context, BIO *bio)
{
    SSL *session = new_session(context, bio);
    if (session) SSL_set_accept_state(session);
    return session;
}

SSL *copenssl_client_session(SSL_CTX *context, BIO *bio, const char *name, const char *protocol)
{
    SSL *session = new_session(context, bio);
    if (!session) return NULL;
    SSL_set_connect_state(session);
    int ok = !name || SSL_set_tlsext_host_name(session, name) == 1;
    if (ok && protocol) {
        unsigned char list[256];
        size_t length = strlen(protocol);
        ok = length < sizeof list;
        if (ok) {
            list[0] = (unsigned char)length;
            memcpy(list + 1, protocol, length);
            ok = SSL_set_alpn_protos(session, list, (unsigned)length + 1) == 0;  // 0 is success here
        }
    }
    if (ok) return session;
    SSL_free(session);
    return NULL;
}

// ---- contexts

static SSL_CTX *new_context(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);
    if (!context) return NULL;
    // The chain that is shown is the file's: none is made up from the authorities for client certificates.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    return context;
}

SSL_CTX *copenssl_server_context(void)
{
    SSL_CTX *context = new_context(TLS_server_method());
    if (!context) return NULL;
    // No TLS 1.3 tickets: few XMPP clients resume, and each handshake would make two. A name for the sessions is
    // needed where client certificates are asked for and a TLS 1.2 client comes back with a ticket.
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"xmppd", 5);
    SSL_CTX_set_dh_auto(context, 1);
    return context;
}

SSL_CTX *copenssl_client_context(void) { return new_context(TLS_client_method()); }

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

// Of what is wrong with a chain the first thing says most: what follows from it is not noted.
static int note_first(int good, X509_STORE_CTX *store)
{
    if (good) return 1;
    int error = X509_STORE_CTX_get_error(store);
    int first = (int)(intptr_t)X509_STORE_CTX_get_app_data(store);
    if (error == X509_V_ERR_UNABLE_TO_GET_CRL || first != X509_V_OK) X509_STORE_CTX_set_error(store, first);
    else X509_STORE_CTX_set_app_data(store, (void *)(intptr_t)error);
    return 1;
}

// Certificates between a peer's own and an authority, and bytes of all that it sends: real ones have three, of 6 kB.
enum { chain_limit = 8, certificates_limit = 65536 };

void copenssl_note_server_certificate(SSL_CTX *context)
{
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, note_first);
    SSL_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
    SSL_CTX_set_trust(context, X509_TRUST_SSL_SERVER);
    SSL_CTX_set_verify_depth(context, chain_limit);
    SSL_CTX_set_max_cert_list(context, certificates_limit);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
}

int copenssl_add_system_authorities(SSL_CTX *context) { return SSL_CTX_set_default_verify_paths(context); }

void copenssl_keep_authorities_private(SSL_CTX *context)
{
    SSL_CTX_set_client_CA_list(context, NULL);
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
