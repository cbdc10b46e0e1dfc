#ifndef COPENSSL_CRYPTO_H
#define COPENSSL_CRYPTO_H
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stddef.h>

// The kind of the public key in PEM contents (EVP_PKEY_RSA, EVP_PKEY_EC …) and its size in bits; 0 if there is none.
int copenssl_public_key_kind(const void *pem, size_t length, int *bits);
#endif
