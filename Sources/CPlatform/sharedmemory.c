#define _GNU_SOURCE
#include "sharedmemory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

int xmppd_memory_file(const char *name, uint64_t bytes) {
    int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (descriptor < 0 && errno == EINVAL) { /* before Linux 6.3 */
        descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    }
    if (descriptor < 0) {
        return -errno;
    }
    if (ftruncate(descriptor, (off_t)bytes) != 0
        || fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        int problem = errno;
        close(descriptor);
        return -problem;
    }
    return descriptor;
}

int xmppd_memory_file_is_sealed(int descriptor) {
    int seals = fcntl(descriptor, F_GET_SEALS);
    if (seals < 0) {
        return -errno;
    }
    int wanted = F_SEAL_SHRINK | F_SEAL_GROW;
    return (seals & wanted) == wanted;
}

void *xmppd_memory_map(int descriptor, uint64_t bytes) {
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, descriptor, 0);
    if (base == MAP_FAILED) {
        return NULL;
    }
    /* A core file shall hold neither gigabytes of holes nor everybody's addresses. */
    madvise(base, bytes, MADV_DONTDUMP);
    return base;
}

void xmppd_memory_release(void *address, size_t bytes) {
    /* Punches a hole through every mapping of the file. A refusal leaves the pages in use, which is harmless. */
    madvise(address, bytes, MADV_REMOVE);
}

int xmppd_mutex_prepare(pthread_mutex_t *mutex) {
    pthread_mutexattr_t attributes;
    int problem = pthread_mutexattr_init(&attributes);
    if (problem != 0) {
        return problem;
    }
    problem = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (problem == 0) {
        problem = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    }
    if (problem == 0) {
        problem = pthread_mutex_init(mutex, &attributes);
    }
    pthread_mutexattr_destroy(&attributes);
    return problem;
}

static inline uint64_t rotate(uint64_t value, int bits) { return (value << bits) | (value >> (64 - bits)); }

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip *s) {
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

uint64_t xmppd_siphash(const uint64_t key[2], const void *bytes, size_t count) {
    struct sip s = {
        key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
        key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573),
    };
    const uint8_t *next = bytes;
    uint64_t word;
    for (size_t left = count; left >= 8; left -= 8, next += 8) {
        memcpy(&word, next, 8);
        s.v3 ^= word;
        sip_round(&s);
        s.v0 ^= word;
    }
    word = 0;
    memcpy(&word, next, count & 7);
    word |= (uint64_t)count << 56;
    s.v3 ^= word;
    sip_round(&s);
    s.v0 ^= word;
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
