#define _GNU_SOURCE
#include "include/handover.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int option(int fd, int level, int name) {
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(fd, level, name, &value, &length) == 0 ? value : 0;
}

int cplatform_adopt_socket(int fd, cplatform_socket *facts) {
    memset(facts, 0, sizeof *facts);
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &length) != 0) return -errno;
    facts->address.family = name.ss_family;
    if (name.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&name;
        memcpy(facts->address.bytes, &v4->sin_addr, 4);
        facts->address.port = ntohs(v4->sin_port);
        inet_ntop(AF_INET, &v4->sin_addr, facts->text, sizeof facts->text);
    } else if (name.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&name;
        memcpy(facts->address.bytes, &v6->sin6_addr, 16);
        facts->address.port = ntohs(v6->sin6_port);
        facts->address.scope = v6->sin6_scope_id;
        inet_ntop(AF_INET6, &v6->sin6_addr, facts->text, sizeof facts->text);
        size_t used = strlen(facts->text);
        if (v6->sin6_scope_id != 0 && sizeof facts->text - used > IF_NAMESIZE + 1) {
            facts->text[used] = '%';
            if (!if_indextoname(v6->sin6_scope_id, facts->text + used + 1))
                snprintf(facts->text + used + 1, sizeof facts->text - used - 1, "%u", v6->sin6_scope_id);
        }
        facts->takes_ipv4 = !option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    } else {
        return -EAFNOSUPPORT;
    }
    facts->is_stream = option(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM;
    facts->listens = option(fd, SOL_SOCKET, SO_ACCEPTCONN);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return -errno;
    return 0;
}
