// A layer over SQLite's own file layer whose reads take what the system's page cache has and otherwise fail at once.
//
// SQLite locks with fcntl, and closing any descriptor of a file gives up all locks that the process has on it. So the second
// descriptor that is read from is opened once for each file and never closed.
#define _GNU_SOURCE
#include "include/CSQLite.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

struct instant_file {
    sqlite3_file base;
    int descriptor; // -1: every read goes to the real file
    // The real file follows.
};

static sqlite3_vfs *real;
static sqlite3_vfs layer;
static __thread int is_active;
static __thread int outcome;

static sqlite3_file *real_file(sqlite3_file *file) { return (sqlite3_file *)((struct instant_file *)file + 1); }

// MARK: Descriptors

static struct known {
    dev_t device;
    ino_t inode;
    int descriptor;
} known[64];
static int known_count;
static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;

// A descriptor of the file at path, or -1.
static int descriptor_of(const char *path) {
    struct stat facts;
    int descriptor = -1;
    if (path == NULL || stat(path, &facts) != 0) return -1;
    pthread_mutex_lock(&known_lock);
    for (int i = 0; i < known_count; i++) {
        if (known[i].device == facts.st_dev && known[i].inode == facts.st_ino) descriptor = known[i].descriptor;
    }
    if (descriptor < 0 && known_count < (int)(sizeof known / sizeof *known)) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC);
        if (descriptor >= 0) known[known_count++] = (struct known){facts.st_dev, facts.st_ino, descriptor};
    }
    pthread_mutex_unlock(&known_lock);
    return descriptor;
}

// MARK: Files

static int instant_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
    int descriptor = ((struct instant_file *)file)->descriptor;
    if (!is_active || descriptor < 0) return real_file(file)->pMethods->xRead(real_file(file), bytes, count, offset);
    struct iovec room = {bytes, (size_t)count};
    ssize_t got = preadv2(descriptor, &room, 1, offset, RWF_NOWAIT);
    if (got == count) return SQLITE_OK;
    if (got < 0) {
        outcome = errno == EOPNOTSUPP ? 2 : 1;
        return SQLITE_IOERR_BLOCKED;
    }
    // Less than asked for: the file ends here, or the rest is not in memory.
    struct stat facts;
    if (fstat(descriptor, &facts) == 0 && offset + got >= facts.st_size) {
        memset((char *)bytes + got, 0, (size_t)(count - got));
        return SQLITE_IOERR_SHORT_READ;
    }
    outcome = 1;
    return SQLITE_IOERR_BLOCKED;
}

#define PASS(name, parameters, ...)                                          \
    static int instant_##name parameters {                                   \
        sqlite3_file *inner = real_file(file);                               \
        return inner->pMethods->name(inner, ##__VA_ARGS__);                  \
    }
PASS(xClose, (sqlite3_file *file))
PASS(xWrite, (sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset), bytes, count, offset)
PASS(xTruncate, (sqlite3_file *file, sqlite3_int64 size), size)
PASS(xSync, (sqlite3_file *file, int flags), flags)
PASS(xFileSize, (sqlite3_file *file, sqlite3_int64 *size), size)
PASS(xLock, (sqlite3_file *file, int level), level)
PASS(xUnlock, (sqlite3_file *file, int level), level)
PASS(xCheckReservedLock, (sqlite3_file *file, int *result), result)
PASS(xFileControl, (sqlite3_file *file, int verb, void *argument), verb, argument)
PASS(xSectorSize, (sqlite3_file *file))
PASS(xDeviceCharacteristics, (sqlite3_file *file))
PASS(xShmMap, (sqlite3_file *file, int page, int size, int extend, void volatile **place), page, size, extend, place)
PASS(xShmLock, (sqlite3_file *file, int offset, int count, int flags), offset, count, flags)
PASS(xShmUnmap, (sqlite3_file *file, int remove), remove)

static void instant_xShmBarrier(sqlite3_file *file) { real_file(file)->pMethods->xShmBarrier(real_file(file)); }

// Version 2: no xFetch, so nothing is read through mapped memory.
static const sqlite3_io_methods methods = {
    2, instant_xClose, instant_read, instant_xWrite, instant_xTruncate, instant_xSync, instant_xFileSize, instant_xLock,
    instant_xUnlock, instant_xCheckReservedLock, instant_xFileControl, instant_xSectorSize,
    instant_xDeviceCharacteristics, instant_xShmMap, instant_xShmLock, instant_xShmBarrier, instant_xShmUnmap, NULL, NULL,
};

static int instant_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *given) {
    (void)vfs;
    struct instant_file *ours = (struct instant_file *)file;
    int status = real->xOpen(real, path, real_file(file), flags, given);
    ours->descriptor = -1;
    ours->base.pMethods = real_file(file)->pMethods != NULL ? &methods : NULL;
    if (status == SQLITE_OK && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) != 0) ours->descriptor = descriptor_of(path);
    return status;
}

// SQLite sleeps where it hopes that a lock will be free soon. While nothing may wait it goes on at once, and gives up.
static int instant_sleep(sqlite3_vfs *vfs, int microseconds) {
    (void)vfs;
    return is_active ? 0 : real->xSleep(real, microseconds);
}

int csqlite_register_instant(void) {
    static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
    int status = SQLITE_OK;
    pthread_mutex_lock(&once);
    if (real == NULL) {
        real = sqlite3_vfs_find(NULL);
        if (real == NULL) {
            status = SQLITE_ERROR;
        } else {
            layer = *real;
            layer.pNext = NULL;
            layer.zName = CSQLITE_INSTANT;
            layer.szOsFile = (int)sizeof(struct instant_file) + real->szOsFile;
            layer.xOpen = instant_open;
            layer.xSleep = instant_sleep;
            status = sqlite3_vfs_register(&layer, 0);
            if (status != SQLITE_OK) real = NULL;
        }
    }
    pthread_mutex_unlock(&once);
    return status;
}

void csqlite_instant_begin(void) {
    is_active = 1;
    outcome = 0;
}

int csqlite_instant_end(void) {
    is_active = 0;
    return outcome;
}

int csqlite_can_read_instantly(int descriptor) {
    char byte;
    struct iovec room = {&byte, 1};
    return preadv2(descriptor, &room, 1, 0, RWF_NOWAIT) >= 0 || errno != EOPNOTSUPP;
}
