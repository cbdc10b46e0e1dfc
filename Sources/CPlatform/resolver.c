#define _GNU_SOURCE
#include "include/resolver.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

ssize_t cplatform_dns_query(const char *name, int type, const uint8_t *server, uint16_t port, uint8_t *answer, size_t capacity) {
    struct __res_state state;
    memset(&state, 0, sizeof state);
    if (res_ninit(&state) != 0) return -EAGAIN;
    state.retrans = 2;
    state.retry = 1;
    if (state.nscount > 2) state.nscount = 2;
    if (server != NULL) {
        memset(&state.nsaddr_list[0], 0, sizeof state.nsaddr_list[0]);
        state.nsaddr_list[0].sin_family = AF_INET;
        state.nsaddr_list[0].sin_port = htons(port);
        memcpy(&state.nsaddr_list[0].sin_addr, server, 4);
        state.nscount = 1;
    }
    int length = res_nquery(&state, name, ns_c_in, type, answer, (int)capacity);
    int reason = state.res_h_errno;
    res_nclose(&state);
    if (length >= 0) return (size_t)length > capacity ? -EMSGSIZE : length;
    return reason == HOST_NOT_FOUND || reason == NO_DATA ? 0 : -EAGAIN;
}
