// The C library's own words to its allocator: malloc_trim and mallopt.
#ifndef CPLATFORM_HEAP_H
#define CPLATFORM_HEAP_H
#include <malloc.h>
#endif
