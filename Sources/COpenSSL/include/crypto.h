#ifndef COPENSSL_CRYPTO_H
#define COPENSSL_CRYPTO_H
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stddef.h>
#include <stdint.h>

// The kind of the public key in PEM contents (EVP_PKEY_RSA, EVP_PKEY_EC …) and its size in bits; 0 if there is none.
int copenssl_public_key_kind(const void *pem, size_t length, int *bits);

// PBKDF2-HMAC (RFC 8018 5.2) with one block of output, as long as the digest, which says the member of the SHA family.
// 1 on success, 0 for another length and for no iterations.
int copenssl_stretch(size_t digest_length, const void *key, size_t key_length, const void *salt, size_t salt_length,
                     uint32_t iterations, uint8_t *result);
#endif
