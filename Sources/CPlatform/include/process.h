// Processes, sockets and descriptors between them: what needs _GNU_SOURCE, CMSG macros or struct casts.
// Every function that can fail answers -errno; every descriptor made here is close-on-exec.
#ifndef CPLATFORM_PROCESS_H
#define CPLATFORM_PROCESS_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/socket.h>

// Sends bytes and, with the first of them, a descriptor (-1: none). Never raises SIGPIPE.
// Returns how many bytes were taken, or -errno (-EAGAIN when a non-blocking socket is full).
ssize_t cplatform_send_with_fd(int socket, const void *bytes, size_t length, int fd);

// Receives bytes and at most one descriptor (*fd is -1 when none came). Surplus descriptors are closed.
// Returns how many bytes came, 0 at end of file, or -errno.
ssize_t cplatform_receive_with_fd(int socket, void *bytes, size_t capacity, int *fd);

// A connected pair of AF_UNIX stream sockets, non-blocking if asked. 0 or -errno.
int cplatform_socketpair(int pair[2], int nonblocking);

// accept4 with close-on-exec and non-blocking. The descriptor or -errno.
int cplatform_accept(int socket);

// The same, and where the connection comes from.
int cplatform_accept_from(int socket, struct sockaddr_storage *peer);

// Who is at the other end of an AF_UNIX socket (SO_PEERCRED). 0 or -errno.
int cplatform_peer_credentials(int socket, pid_t *pid, uid_t *uid, gid_t *gid);

// An address of a TCP socket. family is AF_INET or AF_INET6; bytes are in network order (4 of 16 used for AF_INET).
typedef struct {
    int family;
    uint8_t bytes[16];
    uint32_t scope;
    uint16_t port;
} cplatform_address;

// Parses a numeric address, `fe80::1%eth0` included. 0, or -EINVAL.
int cplatform_parse_address(const char *text, cplatform_address *address);

// A bound, non-blocking TCP socket with SO_REUSEADDR and, for IPv6 that is no mapped IPv4 address, IPV6_V6ONLY, that
// listens. With reuseport others of the same user may bind the address too (SO_REUSEPORT). address->port 0 takes a free
// port and stores it there. The descriptor or -errno.
int cplatform_listen_tcp(cplatform_address *address, int backlog, int reuseport);

// The same without listening: nobody can connect yet.
int cplatform_bind_tcp(cplatform_address *address, int reuseport);

// A bound, non-blocking UDP socket; reuseport and port 0 as above. The descriptor or -errno.
int cplatform_bind_udp(cplatform_address *address, int reuseport);

// A listening, non-blocking AF_UNIX stream socket at path, made with the given mode. The descriptor or -errno.
int cplatform_listen_unix(const char *path, unsigned mode, int backlog);

// Begins a connection to an address, which is there when the socket, non-blocking, is writable and SO_ERROR is 0. What is
// sent goes out at once (TCP_NODELAY). The descriptor or -errno.
int cplatform_begin_tcp(const cplatform_address *address);

// A blocking connection to the AF_UNIX stream socket at path. The descriptor or -errno.
int cplatform_connect_unix(const char *path);

// Blocks the given signals in this thread and returns a non-blocking signalfd for them, or -errno.
int cplatform_signalfd(const int *signals, size_t count);

// The next signal waiting at a signalfd, 0 if none, or -errno.
int cplatform_next_signal(int fd);

// A descriptor that becomes readable when the process ends. The descriptor or -errno.
int cplatform_pidfd_open(pid_t pid);

// Sends a signal through a pidfd, so that it can never reach a stranger under a re-used number. 0 or -errno.
int cplatform_pidfd_kill(int pidfd, int signal);

// Starts a program. Descriptor fds[i] becomes descriptor targets[i] in it (sources must differ from all targets);
// descriptors 0 to 2 are inherited when not named, everything above the highest target is closed. INT, TERM and HUP are
// blocked (a terminal and a service manager send them to the whole family, and the parent alone shall act on them), all
// dispositions default. argv and envp end in NULL. The pid or -errno.
pid_t cplatform_spawn(const char *program, char *const argv[], char *const envp[],
                      const int *fds, const int *targets, size_t count);

// The environment of this process: `name=value` strings, ending in NULL. For programs with one thread.
char **cplatform_environment(void);

// What a child gets of it, whoever it is: where programs are, language, time zone, home (not root's), nothing else, so that
// neither secrets nor the service manager's sockets come to programs of others. A crash must not spend a second in Swift's
// backtracer, which is switched off. NULL without memory; the caller frees the array and leaves the strings.
char **cplatform_child_environment(void);

// Whether anybody listens at the AF_UNIX stream socket at path, without waiting: 1, or 0 for one that is left over; -errno
// where neither is known.
int cplatform_probe_unix(const char *path);

// Creates (0644) or opens the file at path and takes an exclusive flock on it without waiting.
// The descriptor, or -errno (-EWOULDBLOCK: another process holds the lock).
int cplatform_lock_file(const char *path);

// Gives back the memory that was needed once: free heap, and pages of program code, which the system reads again from its
// cache when they are executed again. For a process that has started and now waits.
void cplatform_settle(void);

// Gives up root for good: supplementary groups of name, then gid, then uid. 0 or -errno.
int cplatform_become(const char *name, uid_t uid, gid_t gid);
#endif
