#ifndef XMPPD_HANDOVER_H
#define XMPPD_HANDOVER_H

#include "process.h"

// A socket that another program has opened and handed over.
typedef struct {
    cplatform_address address;
    // Numeric, with the interface of a link-local address.
    char text[64];
    int is_stream;
    // Whether a stream socket listens.
    int listens;
    // Whether an IPv6 socket takes IPv4 as well.
    int takes_ipv4;
} cplatform_socket;

// Looks at it and makes it non-blocking and close-on-exec. 0 or -errno: -ENOTSOCK, or -EAFNOSUPPORT if it is neither
// IPv4 nor IPv6.
int cplatform_adopt_socket(int fd, cplatform_socket *socket);

#endif
