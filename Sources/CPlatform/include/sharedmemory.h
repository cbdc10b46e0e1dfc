// Shared memory of all processes of the server: sealed memory files, robust mutexes, atomics over mapped memory,
// and the layout of what lies in the segment. The structures are C because their layout is a contract between
// processes that may come from different builds: whoever changes one raises XMPPD_SEGMENT_VERSION.
#ifndef CPLATFORM_SHAREDMEMORY_H
#define CPLATFORM_SHAREDMEMORY_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define XMPPD_SEGMENT_MAGIC 0x31676573444d5058ULL /* "XPMDseg1" */
#define XMPPD_SEGMENT_VERSION 6U

// MARK: Layout

/// The first page of the segment. The offsets follow from the sizes; they are written down to be compared.
struct xmppd_segment_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes;
    uint64_t total_bytes;
    uint32_t workers;
    uint32_t listeners;
    uint32_t shards;
    uint32_t entries_per_shard;
    uint32_t overflow_units_per_shard;
    uint32_t address_timers;
    uint64_t seed[2];
    uint64_t layout_check; /* hash of all sizes and offsets, keyed with the seed */
};

/// Behind the header, in the same page: a bit for each slot that has ever had a worker.
#define XMPPD_SLOTS_USED 1024

/// The head of one shard of the session table: its lock and what the lock guards.
struct xmppd_session_shard {
    pthread_mutex_t lock; /* 40 bytes on x86-64, 48 on arm64 */
    unsigned char reserved_for_lock[64 - sizeof(pthread_mutex_t)];
    uint32_t count;            /* entries 0..<count are in use */
    uint32_t index_bits;       /* the index in force has 1 << index_bits cells */
    uint32_t entries_touched;  /* entries below this may occupy memory */
    uint32_t overflow_top;     /* overflow units at and above this are free */
    uint32_t overflow_touched; /* overflow units below this may occupy memory */
    uint32_t overflow_used;    /* overflow units in use */
    uint32_t overflow_hint;    /* overflow units below this are all in use */
    uint32_t repairs;          /* how often a dead owner's work was repaired */
    uint32_t changes;          /* counts changes of entries, before they begin */
    unsigned char reserved[28];
};

#define XMPPD_ENTRY_TEXT 88
#define XMPPD_ENTRY_EMPTY 0
#define XMPPD_ENTRY_USED 1

/// One bound session. Its text is bare JID, resource and client address without separators; what exceeds
/// the inline bytes lies in the overflow area of the shard.
struct xmppd_session_entry {
    uint32_t tag;      /* low half of the hash of the bare JID */
    uint32_t standing; /* priority in the lowest byte, flags in the upper half: changed in one store */
    uint8_t state;
    uint8_t slot;
    uint8_t address_length;
    uint8_t reserved;
    uint16_t bare_length;
    uint16_t resource_length;
    uint32_t incarnation;
    uint32_t overflow; /* first overflow unit, if the text is longer than the inline bytes */
    uint64_t connection;
    int64_t since;
    uint8_t text[XMPPD_ENTRY_TEXT];
};

/// Counters of one listener in one worker.
struct xmppd_listener_cell {
    uint64_t accepted;
    int64_t open;
    uint64_t refused;
    int64_t pending; /* accepted, and not yet said by its proxy where it comes from */
};

#define XMPPD_METRICS 120

/// What one worker says about itself.
struct xmppd_worker_cell {
    uint32_t pid;
    uint32_t incarnation;
    int64_t started;    /* unix time, seconds */
    uint64_t heartbeat; /* CLOCK_MONOTONIC, milliseconds */
    uint64_t stalled;   /* slot + 1 in the highest byte, below it milliseconds; 0: nobody */
    uint64_t reserved[4];
    int64_t metrics[XMPPD_METRICS];
};

/// One address and its time. A time of 0 is a free place.
struct xmppd_address_timer {
    uint64_t key; /* keyed hash of the text */
    int64_t time; /* unix time, seconds */
    uint32_t reserved[2];
};

/// How often something failed of late. A time of 0 is a free place.
struct xmppd_failure_level {
    uint64_t key;  /* keyed hash of the text */
    int64_t time;  /* of the level; CLOCK_MONOTONIC, milliseconds */
    int64_t next;  /* when the next attempt may take place */
    uint32_t level; /* thousandths of a failure */
    uint32_t reserved;
};

#define XMPPD_WORKER_INDICES 64

/// Who serves each worker index. The master writes the copy that is not in force and then puts it in force with the epoch.
struct xmppd_owner_list {
    uint64_t workers;
    uint64_t owners[XMPPD_WORKER_INDICES]; /* slot + 1 in the upper half, incarnation in the lower; 0: nobody */
};

/// The ownership table.
struct xmppd_ownership {
    uint64_t epoch; /* its lowest bit is the number of the copy in force */
    uint64_t reserved[7];
    struct xmppd_owner_list copies[2];
};

/// The longest name of a domain that a component can serve, and the longest address that it comes from, in bytes.
#define XMPPD_COMPONENT_DOMAIN 256
#define XMPPD_COMPONENT_ADDRESS 64

/// A domain that a component serves.
struct xmppd_component {
    uint64_t connection;
    int64_t since; /* seconds since 1970 */
    uint32_t incarnation;
    uint8_t slot;
    uint8_t is_hidden;
    uint8_t address_length;
    uint8_t reserved;
    uint32_t domain_length; /* 0: the place is free */
    uint32_t padding;
    char domain[XMPPD_COMPONENT_DOMAIN];
    char address[XMPPD_COMPONENT_ADDRESS];
};

_Static_assert(sizeof(struct xmppd_component) == 352, "a component's entry has no hidden padding");
_Static_assert(sizeof(struct xmppd_session_shard) == 128, "a shard head is two cache lines");
_Static_assert(sizeof(struct xmppd_session_entry) == 128, "an entry is two cache lines");
_Static_assert(offsetof(struct xmppd_session_entry, text) == 40, "the text fills the entry");
_Static_assert(sizeof(struct xmppd_listener_cell) == 32, "two listener cells share a cache line");
_Static_assert(sizeof(struct xmppd_worker_cell) == 1024, "a worker cell is a quarter of a page");
_Static_assert(sizeof(struct xmppd_address_timer) == 24, "an address timer has no padding");
_Static_assert(sizeof(struct xmppd_ownership) <= 4096, "the ownership table is in one page");
_Static_assert(sizeof(struct xmppd_failure_level) == 32, "two failure levels share a cache line");

// MARK: Memory files

/// A memory file of `bytes` bytes, sparse, close-on-exec, sealed against changes of its size.
/// Returns the descriptor or a negated errno.
int xmppd_memory_file(const char *name, uint64_t bytes);

/// Whether the file can no longer change its size: 1, 0 or a negated errno.
int xmppd_memory_file_is_sealed(int descriptor);

/// Maps the whole file, shared, without reserving memory. NULL with errno set on failure.
void *xmppd_memory_map(int descriptor, uint64_t bytes);

/// Gives whole pages of a shared mapping back to the system, for all processes; they read as zeros again.
void xmppd_memory_release(void *address, size_t bytes);

// MARK: Locks and hashes

/// Prepares a process-shared robust mutex. Returns 0 or an errno.
int xmppd_mutex_prepare(pthread_mutex_t *mutex);

/// SipHash-1-3 with a 128-bit key: nobody who lacks the key can choose addresses that collide.
uint64_t xmppd_siphash(const uint64_t key[2], const void *bytes, size_t count);

// MARK: Stores whose order survives the death of the writer
//
// A killed process leaves exactly the stores that precede its last instruction; the next owner of the lock
// sees them all. So it suffices that the compiler keeps their order.

static inline void xmppd_keep_order(void) { __atomic_signal_fence(__ATOMIC_SEQ_CST); }

static inline void xmppd_publish_state(struct xmppd_session_entry *entry, uint8_t state) {
    xmppd_keep_order();
    *(volatile uint8_t *)&entry->state = state;
    xmppd_keep_order();
}

static inline void xmppd_publish_u32(uint32_t *place, uint32_t value) {
    xmppd_keep_order();
    __atomic_store_n(place, value, __ATOMIC_RELAXED);
    xmppd_keep_order();
}

static inline void xmppd_publish_i64(int64_t *place, int64_t value) {
    xmppd_keep_order();
    __atomic_store_n(place, value, __ATOMIC_RELAXED);
    xmppd_keep_order();
}

/// Copies everything but the state and the text.
static inline void xmppd_entry_copy_facts(struct xmppd_session_entry *to, const struct xmppd_session_entry *from) {
    const size_t after = offsetof(struct xmppd_session_entry, state) + 1;
    memcpy(to, from, offsetof(struct xmppd_session_entry, state));
    memcpy((char *)to + after, (const char *)from + after, offsetof(struct xmppd_session_entry, text) - after);
}

static inline void xmppd_entry_copy_text(struct xmppd_session_entry *to, const struct xmppd_session_entry *from) {
    memcpy(to->text, from->text, XMPPD_ENTRY_TEXT);
}

static inline uint8_t *xmppd_entry_text(struct xmppd_session_entry *entry) { return entry->text; }
static inline const uint64_t *xmppd_segment_seed(const void *base) {
    return ((const struct xmppd_segment_header *)base)->seed;
}
static inline uint64_t *xmppd_segment_slots_used(void *base) {
    return (uint64_t *)((char *)base + XMPPD_SLOTS_USED);
}
static inline struct xmppd_owner_list *xmppd_owner_copy(struct xmppd_ownership *table, uint64_t epoch) {
    return &table->copies[epoch & 1];
}
static inline uint64_t *xmppd_owner_cells(struct xmppd_owner_list *list) { return list->owners; }
static inline char *xmppd_component_domain(struct xmppd_component *entry) { return entry->domain; }
static inline char *xmppd_component_address(struct xmppd_component *entry) { return entry->address; }
static inline int64_t *xmppd_worker_metrics(struct xmppd_worker_cell *cell) { return cell->metrics; }

// MARK: Atomics over mapped memory

static inline uint32_t xmppd_load_u32(const uint32_t *place) { return __atomic_load_n(place, __ATOMIC_RELAXED); }
static inline uint64_t xmppd_load_u64(const uint64_t *place) { return __atomic_load_n(place, __ATOMIC_RELAXED); }
static inline int64_t xmppd_load_i64(const int64_t *place) { return __atomic_load_n(place, __ATOMIC_RELAXED); }
static inline void xmppd_store_u64(uint64_t *place, uint64_t value) {
    __atomic_store_n(place, value, __ATOMIC_RELAXED);
}
static inline void xmppd_store_i64(int64_t *place, int64_t value) {
    __atomic_store_n(place, value, __ATOMIC_RELAXED);
}

/// Whatever was written before this is seen by whoever loads the new value.
static inline void xmppd_release_u64(uint64_t *place, uint64_t value) {
    __atomic_store_n(place, value, __ATOMIC_RELEASE);
}
static inline uint64_t xmppd_acquire_u64(const uint64_t *place) { return __atomic_load_n(place, __ATOMIC_ACQUIRE); }

/// Between what a single writer has published and what it writes next: whoever sees the latter sees the former.
static inline void xmppd_fence_release(void) { __atomic_thread_fence(__ATOMIC_RELEASE); }
/// Between what a reader has read and its second look at what was published.
static inline void xmppd_fence_acquire(void) { __atomic_thread_fence(__ATOMIC_ACQUIRE); }

/// Adds for a single writer: no bus lock.
static inline void xmppd_bump_i64(int64_t *place, int64_t amount) {
    int64_t sum;
    __builtin_add_overflow(__atomic_load_n(place, __ATOMIC_RELAXED), amount, &sum);
    __atomic_store_n(place, sum, __ATOMIC_RELAXED);
}

/// Sets bits for many writers.
static inline void xmppd_set_bits_u64(uint64_t *place, uint64_t bits) {
    if ((__atomic_load_n(place, __ATOMIC_RELAXED) & bits) != bits) __atomic_fetch_or(place, bits, __ATOMIC_SEQ_CST);
}

/// Adds for many writers and returns the new value.
static inline int64_t xmppd_add_i64(int64_t *place, int64_t amount) {
    return __atomic_add_fetch(place, amount, __ATOMIC_SEQ_CST);
}
static inline uint64_t xmppd_add_u64(uint64_t *place, uint64_t amount) {
    return __atomic_add_fetch(place, amount, __ATOMIC_RELAXED);
}

#endif
