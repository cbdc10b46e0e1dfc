#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

// The normalization forms are macros there.
static inline uninorm_t unistring_nfc(void) { return UNINORM_NFC; }
static inline uninorm_t unistring_nfkc(void) { return UNINORM_NFKC; }
