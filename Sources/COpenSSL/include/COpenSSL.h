// OpenSSL for Swift: its headers, and inline functions for what it offers as macros only.
#ifndef COPENSSL_H
#define COPENSSL_H
#include "crypto.h"
#include "tls.h"
#endif
