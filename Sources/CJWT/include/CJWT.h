// libjwt, loaded when the first token is to be checked: most servers never see one.
#ifndef CJWT_H
#define CJWT_H
#include <stddef.h>

typedef struct cjwt_token cjwt_token;

// Loads the library, once. 1, or 0 where there is none.
int cjwt_is_available(void);

// A token whose signature is right by this key and which was signed with this algorithm ("HS256" …), or NULL.
// The key need not be terminated. The token ends in NUL.
cjwt_token *cjwt_open(const char *token, const void *key, size_t length, const char *algorithm);
void cjwt_close(cjwt_token *token);

// A claim that is a string, as long as the token is open; NULL without one.
const char *cjwt_text(cjwt_token *token, const char *claim);

// A claim that is a number of seconds since 1970: 1, 0 without one, -1 if it is something else.
int cjwt_time(cjwt_token *token, const char *claim, double *seconds);
#endif
