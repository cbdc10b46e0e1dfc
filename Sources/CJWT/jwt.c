#include "include/CJWT.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// The functions that we need are the same in all these versions of the library.
static const char *const names[] = { "libjwt.so.0", "libjwt.so.1", "libjwt.so.2" };

static struct {
    int (*decode)(void **jwt, const char *token, const unsigned char *key, int length);
    void (*free)(void *jwt);
    int (*algorithm)(void *jwt);
    const char *(*algorithm_name)(int algorithm);
    const char *(*text)(void *jwt, const char *claim);
    char *(*json)(void *jwt, const char *claim);
    int is_complete;
} library;

static void load(void)
{
    void *handle = NULL;
    for (size_t i = 0; !handle && i < sizeof names / sizeof *names; i++) handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!handle) return;
    *(void **)&library.decode = dlsym(handle, "jwt_decode");
    *(void **)&library.free = dlsym(handle, "jwt_free");
    *(void **)&library.algorithm = dlsym(handle, "jwt_get_alg");
    *(void **)&library.algorithm_name = dlsym(handle, "jwt_alg_str");
    *(void **)&library.text = dlsym(handle, "jwt_get_grant");
    *(void **)&library.json = dlsym(handle, "jwt_get_grants_json");
    library.is_complete = library.decode && library.free && library.algorithm && library.algorithm_name && library.text
        && library.json;
}

int cjwt_is_available(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return library.is_complete;
}

cjwt_token *cjwt_open(const char *token, const void *key, size_t length, const char *algorithm)
{
    void *jwt = NULL;
    if (!cjwt_is_available() || length == 0 || length > INT_MAX || library.decode(&jwt, token, key, (int)length) != 0 || !jwt)
        return NULL;
    // The token itself says how it was signed. Taken at its word, the public key of RS256 would serve as the secret of
    // HS256, and everybody could sign.
    const char *used = library.algorithm_name(library.algorithm(jwt));
    if (!used || strcmp(used, algorithm) != 0) {
        library.free(jwt);
        return NULL;
    }
    return jwt;
}

void cjwt_close(cjwt_token *token) { library.free(token); }

const char *cjwt_text(cjwt_token *token, const char *claim) { return library.text(token, claim); }

int cjwt_time(cjwt_token *token, const char *claim, double *seconds)
{
    char *text = library.json(token, claim);
    if (!text) return 0;
    char *end = text;
    // What begins like a number is one in JSON.
    int looks = *text == '-' || (*text >= '0' && *text <= '9');
    *seconds = looks ? strtod(text, &end) : 0;
    int result = looks && *end == 0 ? 1 : -1;
    free(text);
    return result;
}
