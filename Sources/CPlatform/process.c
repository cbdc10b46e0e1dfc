#define _GNU_SOURCE
#include "include/process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <link.h>
#include <malloc.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

ssize_t cplatform_send_with_fd(int socket, const void *bytes, size_t length, int fd) {
    struct iovec vector = { (void *)bytes, length };
    union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control;
    struct msghdr message = { 0 };
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    if (fd >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.room;
        message.msg_controllen = sizeof control.room;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &fd, sizeof(int));
    }
    ssize_t sent;
    do sent = sendmsg(socket, &message, MSG_NOSIGNAL); while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

ssize_t cplatform_receive_with_fd(int socket, void *bytes, size_t capacity, int *fd) {
    struct iovec vector = { bytes, capacity };
    union { struct cmsghdr header; char room[CMSG_SPACE(8 * sizeof(int))]; } control;
    struct msghdr message = { 0 };
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.room;
    message.msg_controllen = sizeof control.room;
    *fd = -1;
    ssize_t received;
    do received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC); while (received < 0 && errno == EINTR);
    if (received < 0) return -errno;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int one;
            memcpy(&one, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            if (*fd < 0) *fd = one; else close(one);
        }
    }
    return received;
}

int cplatform_socketpair(int pair[2], int nonblocking) {
    int type = SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0);
    return socketpair(AF_UNIX, type, 0, pair) < 0 ? -errno : 0;
}

static int accept_from(int socket, struct sockaddr *peer, socklen_t *length) {
    int fd;
    do fd = accept4(socket, peer, length, SOCK_CLOEXEC | SOCK_NONBLOCK); while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

int cplatform_accept(int socket) { return accept_from(socket, NULL, NULL); }

int cplatform_accept_from(int socket, struct sockaddr_storage *peer) {
    socklen_t length = sizeof *peer;
    return accept_from(socket, (struct sockaddr *)peer, &length);
}

int cplatform_peer_credentials(int socket, pid_t *pid, uid_t *uid, gid_t *gid) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return -errno;
    *pid = peer.pid;
    *uid = peer.uid;
    *gid = peer.gid;
    return 0;
}

int cplatform_parse_address(const char *text, cplatform_address *address) {
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, address->bytes) == 1) {
        address->family = AF_INET;
        return 0;
    }
    char copy[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
    if (strlen(text) >= sizeof copy) return -EINVAL;
    strcpy(copy, text);
    char *zone = strchr(copy, '%');
    if (zone) {
        *zone++ = 0;
        address->scope = if_nametoindex(zone);
        if (address->scope == 0) address->scope = (uint32_t)strtoul(zone, NULL, 10);
        if (address->scope == 0) return -EINVAL;
    }
    if (inet_pton(AF_INET6, copy, address->bytes) != 1) return -EINVAL;
    address->family = AF_INET6;
    return 0;
}

static int failed(int fd) {
    int error = errno;
    close(fd);
    return -error;
}

static socklen_t to_sockaddr(const cplatform_address *address, struct sockaddr_storage *out) {
    memset(out, 0, sizeof *out);
    if (address->family == AF_INET) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)out;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(address->port);
        memcpy(&v4->sin_addr, address->bytes, 4);
        return sizeof *v4;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address->port);
    v6->sin6_scope_id = address->scope;
    memcpy(&v6->sin6_addr, address->bytes, 16);
    return sizeof *v6;
}

static int is_mapped(const cplatform_address *address) {
    static const uint8_t prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF };
    return memcmp(address->bytes, prefix, sizeof prefix) == 0;
}

static int bind_inet(cplatform_address *address, int type, int reuseport) {
    int fd = socket(address->family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    // SO_REUSEADDR is for TCP connections of a former server in TIME_WAIT; between UDP sockets it would mean sharing.
    int on = 1;
    if (type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) return failed(fd);
    if (reuseport && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) return failed(fd);
    if (address->family == AF_INET6) {
        int only = !is_mapped(address);
        if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) < 0) return failed(fd);
    }
    struct sockaddr_storage name;
    socklen_t length = to_sockaddr(address, &name);
    if (bind(fd, (struct sockaddr *)&name, length) < 0) return failed(fd);
    if (getsockname(fd, (struct sockaddr *)&name, &length) < 0) return failed(fd);
    address->port = ntohs(address->family == AF_INET ? ((struct sockaddr_in *)&name)->sin_port
                                                     : ((struct sockaddr_in6 *)&name)->sin6_port);
    return fd;
}

int cplatform_listen_tcp(cplatform_address *address, int backlog, int reuseport) {
    int fd = bind_inet(address, SOCK_STREAM, reuseport);
    if (fd >= 0 && listen(fd, backlog) < 0) return failed(fd);
    return fd;
}

int cplatform_bind_tcp(cplatform_address *address, int reuseport) { return bind_inet(address, SOCK_STREAM, reuseport); }

int cplatform_bind_udp(cplatform_address *address, int reuseport) { return bind_inet(address, SOCK_DGRAM, reuseport); }

int cplatform_begin_tcp(const cplatform_address *address) {
    int fd = socket(address->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    int on = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) return failed(fd);
    struct sockaddr_storage name;
    socklen_t length = to_sockaddr(address, &name);
    if (connect(fd, (const struct sockaddr *)&name, length) < 0 && errno != EINPROGRESS) return failed(fd);
    return fd;
}

static int unix_name(const char *path, struct sockaddr_un *name) {
    memset(name, 0, sizeof *name);
    name->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof name->sun_path) return -ENAMETOOLONG;
    strcpy(name->sun_path, path);
    return 0;
}

int cplatform_listen_unix(const char *path, unsigned mode, int backlog) {
    struct sockaddr_un name;
    int problem = unix_name(path, &name);
    if (problem < 0) return problem;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    // Nobody may connect between bind and chmod: the mask keeps the socket closed until it has its mode.
    mode_t mask = umask(0777);
    int bound = bind(fd, (struct sockaddr *)&name, sizeof name);
    int error = errno;
    umask(mask);
    errno = error;
    if (bound < 0) return failed(fd);
    if (chmod(path, mode) < 0 || listen(fd, backlog) < 0) {
        int reason = failed(fd);
        unlink(path);
        return reason;
    }
    return fd;
}

int cplatform_connect_unix(const char *path) {
    struct sockaddr_un name;
    int problem = unix_name(path, &name);
    if (problem < 0) return problem;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int done;
    do done = connect(fd, (struct sockaddr *)&name, sizeof name); while (done < 0 && errno == EINTR);
    return done < 0 ? failed(fd) : fd;
}

int cplatform_probe_unix(const char *path) {
    struct sockaddr_un name;
    int problem = unix_name(path, &name);
    if (problem < 0) return problem;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    int error = connect(fd, (struct sockaddr *)&name, sizeof name) < 0 ? errno : 0;
    close(fd);
    // A full queue has somebody who may still take it.
    if (error == 0 || error == EAGAIN) return 1;
    return error == ECONNREFUSED ? 0 : -error;
}

int cplatform_signalfd(const int *signals, size_t count) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++) sigaddset(&set, signals[i]);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -errno;
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int cplatform_next_signal(int fd) {
    struct signalfd_siginfo information;
    ssize_t count;
    do count = read(fd, &information, sizeof information); while (count < 0 && errno == EINTR);
    if (count == (ssize_t)sizeof information) return (int)information.ssi_signo;
    if (count < 0 && errno != EAGAIN) return -errno;
    return 0;
}

int cplatform_pidfd_open(pid_t pid) {
    long fd = syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : (int)fd;
}

int cplatform_pidfd_kill(int pidfd, int signal) {
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

static int spawn_actions(posix_spawn_file_actions_t *actions, const int *fds, const int *targets, size_t count) {
    int highest = 2;
    for (size_t i = 0; i < count; i++) {
        int result = posix_spawn_file_actions_adddup2(actions, fds[i], targets[i]);
        if (result != 0) return result;
        if (targets[i] > highest) highest = targets[i];
    }
    return posix_spawn_file_actions_addclosefrom_np(actions, highest + 1);
}

static int spawn_attributes(posix_spawnattr_t *attributes) {
    sigset_t blocked, all;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGHUP);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes, &blocked);
    posix_spawnattr_setsigdefault(attributes, &all);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

pid_t cplatform_spawn(const char *program, char *const argv[], char *const envp[],
                      const int *fds, const int *targets, size_t count) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int result = posix_spawn_file_actions_init(&actions);
    if (result != 0) return -result;
    result = posix_spawnattr_init(&attributes);
    if (result != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -result;
    }
    pid_t pid = -1;
    result = spawn_actions(&actions, fds, targets, count);
    if (result == 0) result = spawn_attributes(&attributes);
    if (result == 0) result = posix_spawn(&pid, program, &actions, &attributes, argv, envp);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return result == 0 ? pid : -result;
}

char **cplatform_environment(void) {
    return environ;
}

static int is_for_children(const char *variable) {
    // A log line goes to the journal as a line of its own if standard error is the journal's.
    // OpenSSL looks for the authorities that it trusts where the two of it say, if they say anything.
    static const char *const names[] = {
        "PATH", "LANG", "LANGUAGE", "TZ", "JOURNAL_STREAM", "SSL_CERT_FILE", "SSL_CERT_DIR"
    };
    size_t length = strcspn(variable, "=");
    if (strncmp(variable, "LC_", 3) == 0) return 1;
    // Root's is closed to whom a child becomes.
    if (length == 4 && strncmp(variable, "HOME", 4) == 0) return geteuid() != 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == length && strncmp(variable, names[i], length) == 0) return 1;
    return 0;
}

char **cplatform_child_environment(void) {
    static char no_backtrace[] = "SWIFT_BACKTRACE=enable=no";
    size_t count = 0;
    while (environ && environ[count]) count++;
    char **variables = calloc(count + 2, sizeof *variables);
    if (!variables) return NULL;
    size_t taken = 0;
    for (size_t i = 0; i < count; i++)
        if (is_for_children(environ[i])) variables[taken++] = environ[i];
    variables[taken] = no_backtrace;
    return variables;
}

int cplatform_lock_file(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0644);
    if (fd < 0) return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) return failed(fd);
    return fd;
}

// Code is mapped from its file and never written to, so dropping its pages loses nothing.
static int forget_code(struct dl_phdr_info *object, size_t size, void *context) {
    (void)size;
    (void)context;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) || (segment->p_flags & PF_W)) continue;
        uintptr_t start = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        uintptr_t end = object->dlpi_addr + segment->p_vaddr + segment->p_memsz;
        madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void cplatform_settle(void) {
    malloc_trim(0);
    dl_iterate_phdr(forget_code, NULL);
}

int cplatform_become(const char *name, uid_t uid, gid_t gid) {
    if (initgroups(name, gid) < 0) return -errno;
    if (setresgid(gid, gid, gid) < 0) return -errno;
    if (setresuid(uid, uid, uid) < 0) return -errno;
    return 0;
}
