// Questions to the domain name system, by the C library's resolver.
#ifndef CPLATFORM_RESOLVER_H
#define CPLATFORM_RESOLVER_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Asks for the records of one type that an absolute name has. server, if it is not NULL, is the IPv4 address (four bytes
// in network order) that is asked at that port instead of the name servers of resolv.conf. At most two servers are asked,
// each once, for two seconds. Returns the length of the answer, 0 if there is no such record, -EAGAIN if nobody answers or
// knows, or -EMSGSIZE if the answer is longer than capacity. Sleeps meanwhile.
ssize_t cplatform_dns_query(const char *name, int type, const uint8_t *server, uint16_t port, uint8_t *answer, size_t capacity);
#endif
