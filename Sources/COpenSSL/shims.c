#include "COpenSSL.h"
#include <limits.h>

int copenssl_public_key_kind(const void *pem, size_t length, int *bits)
{
    BIO *bio = length <= INT_MAX ? BIO_new_mem_buf(pem, (int)length) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    int kind = key ? EVP_PKEY_get_base_id(key) : 0;
    *bits = key ? EVP_PKEY_get_bits(key) : 0;
    EVP_PKEY_free(key);
    return kind;
}
