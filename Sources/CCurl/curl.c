#include "CCurl.h"
#include <dlfcn.h>
#include <pthread.h>

static struct {
    __typeof__(&curl_global_init) prepare;
    __typeof__(&curl_easy_init) new_handle;
    __typeof__(&curl_easy_cleanup) free_handle;
    __typeof__(&curl_easy_reset) reset;
    CURLcode (*set)(CURL *, CURLoption, ...);
    CURLcode (*get)(CURL *, CURLINFO, ...);
    __typeof__(&curl_easy_perform) perform;
    __typeof__(&curl_easy_strerror) error_text;
    __typeof__(&curl_slist_append) append;
    __typeof__(&curl_slist_free_all) free_list;
} functions;
static int is_complete;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct {
    const char *name;
    void **place;
} wanted[] = {
    {"curl_global_init", (void **)&functions.prepare},
    {"curl_easy_init", (void **)&functions.new_handle},
    {"curl_easy_cleanup", (void **)&functions.free_handle},
    {"curl_easy_reset", (void **)&functions.reset},
    {"curl_easy_setopt", (void **)&functions.set},
    {"curl_easy_getinfo", (void **)&functions.get},
    {"curl_easy_perform", (void **)&functions.perform},
    {"curl_easy_strerror", (void **)&functions.error_text},
    {"curl_slist_append", (void **)&functions.append},
    {"curl_slist_free_all", (void **)&functions.free_list},
};

static void load(void) {
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if ((*wanted[i].place = dlsym(library, wanted[i].name)) == NULL) return;
    is_complete = functions.prepare(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

int ccurl_load(void) {
    pthread_once(&once, load);
    return is_complete;
}

CURL *ccurl_new(void) { return functions.new_handle(); }
void ccurl_free(CURL *handle) { functions.free_handle(handle); }
void ccurl_reset(CURL *handle) { functions.reset(handle); }

CURLcode ccurl_set_number(CURL *handle, CURLoption option, long value) { return functions.set(handle, option, value); }

CURLcode ccurl_set_text(CURL *handle, CURLoption option, const char *text) {
    return functions.set(handle, option, text);
}

CURLcode ccurl_set_bytes(CURL *handle, CURLoption option, const void *bytes, size_t count) {
    struct curl_blob blob = {.data = (void *)bytes, .len = count, .flags = CURL_BLOB_COPY};
    return functions.set(handle, option, &blob);
}

CURLcode ccurl_set_list(CURL *handle, CURLoption option, struct curl_slist *list) {
    return functions.set(handle, option, list);
}

struct curl_slist *ccurl_append(struct curl_slist *list, const char *text) { return functions.append(list, text); }
void ccurl_free_list(struct curl_slist *list) { functions.free_list(list); }
CURLcode ccurl_perform(CURL *handle) { return functions.perform(handle); }
const char *ccurl_error_text(CURLcode code) { return functions.error_text(code); }

long ccurl_status(CURL *handle) {
    long status = 0;
    return functions.get(handle, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK ? status : 0;
}

CURLcode ccurl_set_taker(CURL *handle, ccurl_taker taker, void *context) {
    CURLcode code = functions.set(handle, CURLOPT_WRITEDATA, context);
    return code != CURLE_OK ? code : functions.set(handle, CURLOPT_WRITEFUNCTION, taker);
}
