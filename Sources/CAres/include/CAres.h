// c-ares for Swift: questions to the domain name system. Its own header brings half of the C library's with it, which Swift
// would take for this module's.
#ifndef CARES_H
#define CARES_H
#include <stddef.h>
#include <stdint.h>

typedef struct ares_channeldata cares_channel;

// What is to be waited for at a descriptor from now on; neither: it is about to be closed.
typedef void (*cares_watch)(void *owner, int descriptor, int reads, int writes);

// One channel, for one question. `timeout` in milliseconds until the question is sent again, `sends` to each server at most,
// `servers` as addresses with ports between commas, or NULL for those of /etc/resolv.conf. 0 or a status.
// A server that cannot or will not answer is passed over for the next, and when none is left they all seem unreachable;
// with `keeps_refusals` the first one's word holds.
int cares_open(cares_channel **channel, int timeout, int sends, const char *servers, int keeps_refusals, cares_watch watch,
               void *owner);
// Calls what has not been answered yet with a status that means `cares_end`, and gives up all descriptors. Not to be
// called by anything that is called back.
void cares_close(cares_channel *channel);

// Asks for records of a kind (RFC 1035 3.2.2) in the class of the Internet; the name is meant as it is. `answered` may be
// called before this returns; the bytes are a whole message of a server, valid during the call.
typedef void (*cares_answered)(void *owner, int status, const uint8_t *bytes, size_t length);
void cares_ask(cares_channel *channel, const char *name, int kind, cares_answered answered, void *owner);
// Does what two descriptors (-1: none) allow, and what it is time for.
void cares_proceed(cares_channel *channel, int readable, int writable);
// Milliseconds until it is time for something; -1: nothing is under way.
int64_t cares_wait(cares_channel *channel);

// The addresses in an answer, 4 or 16 bytes each by `is_ipv6`, at most `capacity` of them. 0 or a status.
int cares_read_addresses(const uint8_t *bytes, size_t length, int is_ipv6, uint8_t *addresses, size_t capacity, size_t *count);
// The services in an answer. 0 or a status.
typedef void (*cares_service)(void *owner, uint16_t priority, uint16_t weight, uint16_t port, const char *target);
int cares_read_services(const uint8_t *bytes, size_t length, cares_service take, void *owner);

// The addresses that /etc/hosts has for a name, 4 or 16 bytes each.
typedef void (*cares_address)(void *owner, const uint8_t *bytes, size_t length);
void cares_read_hosts(const char *name, cares_address take, void *owner);

// What a status means, as far as it matters.
typedef enum {
    cares_ok, cares_no_name, cares_no_data, cares_timeout, cares_unreachable, cares_refused, cares_server_failure,
    cares_malformed, cares_bad_name, cares_end, cares_other
} cares_meaning;
cares_meaning cares_meaning_of(int status);
const char *cares_text(int status);
#endif
