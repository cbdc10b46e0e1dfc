// libcurl, loaded when it is first needed, and its variadic functions by the types that they take.
#ifndef CCURL_H
#define CCURL_H
#include <curl/curl.h>
#include <stddef.h>

// Takes a piece of an answer's body, `size` times `count` bytes; gives that number, or another to end it all.
typedef size_t (*ccurl_taker)(char *bytes, size_t size, size_t count, void *context);

// Loads and prepares the library, once; from any thread. 0: it is not installed or too old.
int ccurl_load(void);

// The rest may be called once that succeeded. A handle is for one thread at a time.
CURL *ccurl_new(void);
void ccurl_free(CURL *handle);
// Forgets all settings and keeps connections.
void ccurl_reset(CURL *handle);
CURLcode ccurl_set_number(CURL *handle, CURLoption option, long value);
// The library copies the text.
CURLcode ccurl_set_text(CURL *handle, CURLoption option, const char *text);
// The library copies the bytes.
CURLcode ccurl_set_bytes(CURL *handle, CURLoption option, const void *bytes, size_t count);
CURLcode ccurl_set_list(CURL *handle, CURLoption option, struct curl_slist *list);
CURLcode ccurl_set_taker(CURL *handle, ccurl_taker taker, void *context);
struct curl_slist *ccurl_append(struct curl_slist *list, const char *text);
void ccurl_free_list(struct curl_slist *list);
CURLcode ccurl_perform(CURL *handle);
// The status of the last answer, 0 if there was none.
long ccurl_status(CURL *handle);
const char *ccurl_error_text(CURLcode code);
#endif
