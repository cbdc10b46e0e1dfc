// TLS: OpenSSL's headers, a BIO over memory that all connections of a thread share, and functions for macros.
#ifndef COPENSSL_TLS_H
#define COPENSSL_TLS_H
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stddef.h>
#include <stdint.h>

// What one call into OpenSSL may read and what it wrote. One exchange serves every connection of a thread in turn:
// the caller sets the input before the call and takes the output after it, so a connection holds no BIO state.
typedef struct {
    const uint8_t *input;   // ciphertext from the peer that OpenSSL has not read yet
    size_t input_length;
    uint8_t *output;        // ciphertext for the peer, gathered; owned by the exchange
    size_t output_length;
    size_t output_capacity;
} copenssl_exchange;

// A BIO that reads and writes the exchange; NULL when memory is exhausted. The exchange must outlive it.
BIO *copenssl_exchange_bio(copenssl_exchange *exchange);

// A new server-side session on the context, both directions on the shared BIO. NULL on failure (see the error queue).
SSL *copenssl_server_session(SSL_CTX *context, BIO *bio);

// The same for the client's side. `name` is asked for by SNI, `protocol` is offered by ALPN (at most 255 bytes); NULL: not.
SSL *copenssl_client_session(SSL_CTX *context, BIO *bio, const char *name, const char *protocol);

// A context with what every connection of a server wants: small buffers, no session cache, no renegotiation.
SSL_CTX *copenssl_server_context(void);
// The same for connections that we begin.
SSL_CTX *copenssl_client_context(void);

// Protocol versions: TLS1_VERSION to TLS1_3_VERSION. 1 on success.
int copenssl_set_versions(SSL_CTX *context, int minimum, int maximum);

// Uses the DH group of a PEM file's contents for finite-field key exchange. 1 on success.
int copenssl_set_dh_parameters(SSL_CTX *context, const void *pem, size_t length);

// Uses the certificate chain (leaf first) and the key, each from PEM contents. 1 on success.
int copenssl_set_certificate_chain(SSL_CTX *context, const void *pem, size_t length);
int copenssl_set_private_key(SSL_CTX *context, const void *pem, size_t length, const char *password);

// Trusts the CA certificates of PEM contents and names them in certificate requests. How many, or -1.
int copenssl_add_authorities(SSL_CTX *context, const void *pem, size_t length);
// Checks client certificates against the revocation lists of PEM contents. How many, or -1.
int copenssl_add_revocation_lists(SSL_CTX *context, const void *pem, size_t length);

// Asks clients for a certificate. A bad one ends the handshake only if `demand_good`;
// `allow_self_signed` takes a self-signed one, which SSL_get_verify_result then still tells.
void copenssl_request_client_certificate(SSL_CTX *context, int demand_good, int allow_self_signed);

// Looks at the peer's certificate as at that of a server, whichever side we are: authorities issue none for the purpose
// client any more. The handshake goes on whatever is found; SSL_get_verify_result has the first thing that was.
// No session is taken up again, since that would carry over what was found for another name.
void copenssl_note_server_certificate(SSL_CTX *context);
// Trusts the authorities of the system, which are read when they are needed. 1 on success.
int copenssl_add_system_authorities(SSL_CTX *context);
// Relies on each certificate that was added as an authority, and does not name them to peers, whose certificates need not
// be of one of them.
void copenssl_keep_authorities_private(SSL_CTX *context);

// Calls `choose` with the name a client asks for (SNI); it answers the context to use, or NULL to keep the present one.
typedef SSL_CTX *(*copenssl_choose)(const char *name);
void copenssl_set_name_chooser(SSL_CTX *context, copenssl_choose choose);

// Selects the ALPN protocol of that name when a client offers it; other offers are ignored.
// The name is not copied and must live as long as the context; at most 255 bytes.
void copenssl_set_alpn(SSL_CTX *context, const char *name);

// The RFC 5929 tls-server-end-point hash of the certificate this session presents. Its length, 0 if it has none.
unsigned copenssl_server_end_point(SSL *session, uint8_t hash[EVP_MAX_MD_SIZE]);

// The RFC 9266 tls-exporter value. 1 on success, 0 where the version and extensions do not allow it.
int copenssl_channel_binding(SSL *session, uint8_t value[32]);

// The RFC 5929 tls-unique value, for the server's side of a connection that does not renegotiate: the first Finished
// message of its handshake, which is the server's where a session is resumed. Its length; 0 in TLS 1.3, and without
// extended master secret, where an attacker in between can make the values of two resumed sessions equal (RFC 7627).
size_t copenssl_first_finished(SSL *session, uint8_t *message, size_t capacity);

// The peer's certificate in DER (free with copenssl_free). Its length, 0 if there is none.
size_t copenssl_peer_certificate(SSL *session, uint8_t **der);
void copenssl_free(void *memory);

// The XMPP address (id-on-xmppAddr, RFC 6120 13.7.1.4) at a place among those in the peer's certificate, from 0, and the
// last common name of its subject; in UTF-8, not terminated (free with copenssl_free). The length, 0 if there is none.
size_t copenssl_peer_xmpp_address(SSL *session, int place, uint8_t **text);
size_t copenssl_peer_common_name(SSL *session, uint8_t **text);

// What the peer's certificate says, piece by piece: names (RFC 5280 4.2.1.6, RFC 4985, RFC 6120 13.7.1.4), and the purposes
// that it is restricted to, in words. The bytes are valid during the call only and may be anything.
enum { COPENSSL_DNS_NAME, COPENSSL_SRV_NAME, COPENSSL_XMPP_ADDRESS, COPENSSL_PURPOSE };
typedef void (*copenssl_taker)(void *taker, int kind, const uint8_t *bytes, size_t length);
void copenssl_read_peer(SSL *session, copenssl_taker take, void *taker);
// From when and until when it is valid, in seconds since 1970, and whether it has signed itself. 0 if there is none.
int copenssl_peer_validity(SSL *session, int64_t *not_before, int64_t *not_after, int *is_self_signed);

// OpenSSL's words for the oldest error of this thread (empty if there is none); empties the error queue.
void copenssl_take_error(char *text, size_t capacity);
#endif
