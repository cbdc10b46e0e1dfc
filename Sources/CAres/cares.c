#include "CAres.h"

#include <ares.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum { internet_class = 1, address_limit = 64 };

// No search list and no aliases: the name is meant as it is.
enum { flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES };

int cares_open(cares_channel **channel, int timeout, int sends, const char *servers, int keeps_refusals,
               cares_watch watch, void *owner)
{
    static int started = -1;
    *channel = NULL;
    if (started != ARES_SUCCESS && (started = ares_library_init(ARES_LIB_INIT_ALL)) != ARES_SUCCESS) return started;
    struct ares_options options;
    memset(&options, 0, sizeof options);
    options.flags = flags | (keeps_refusals ? ARES_FLAG_NOCHECKRESP : 0);
    options.timeout = timeout;
    options.tries = sends;
    options.sock_state_cb = watch;
    options.sock_state_cb_data = owner;
    int status = ares_init_options(channel, &options,
                                   ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (status == ARES_SUCCESS && servers) status = ares_set_servers_ports_csv(*channel, servers);
    if (status == ARES_SUCCESS) return 0;
    if (*channel) ares_destroy(*channel);
    *channel = NULL;
    return status;
}

void cares_close(cares_channel *channel) { ares_destroy(channel); }

// What c-ares hands back with an answer: whom to tell. It tells once.
typedef struct {
    cares_answered answered;
    void *owner;
} question;

static void answer(void *argument, int status, int timeouts, unsigned char *bytes, int length)
{
    (void)timeouts;
    question asked = *(question *)argument;
    free(argument);
    asked.answered(asked.owner, status, bytes, length > 0 ? (size_t)length : 0);
}

void cares_ask(cares_channel *channel, const char *name, int kind, cares_answered answered, void *owner)
{
    question *asked = malloc(sizeof *asked);
    if (!asked) { answered(owner, ARES_ENOMEM, NULL, 0); return; }
    asked->answered = answered;
    asked->owner = owner;
    ares_query(channel, name, internet_class, kind, answer, asked);
}

void cares_proceed(cares_channel *channel, int readable, int writable)
{
    ares_process_fd(channel, readable < 0 ? ARES_SOCKET_BAD : readable, writable < 0 ? ARES_SOCKET_BAD : writable);
}

int64_t cares_wait(cares_channel *channel)
{
    struct timeval time;
    if (!ares_timeout(channel, NULL, &time)) return -1;
    // Rounded up: called a moment too early it would do nothing, again and again.
    return (int64_t)time.tv_sec * 1000 + (time.tv_usec + 999) / 1000;
}

int cares_read_addresses(const uint8_t *bytes, size_t length, int is_ipv6, uint8_t *addresses, size_t capacity, size_t *count)
{
    *count = 0;
    if (length > INT_MAX) return ARES_EBADRESP;
    int found = capacity < address_limit ? (int)capacity : address_limit, status;
    if (is_ipv6) {
        struct ares_addr6ttl records[address_limit];
        status = ares_parse_aaaa_reply(bytes, (int)length, NULL, records, &found);
        for (int at = 0; status == ARES_SUCCESS && at < found; at++) memcpy(addresses + 16 * at, &records[at].ip6addr, 16);
    } else {
        struct ares_addrttl records[address_limit];
        status = ares_parse_a_reply(bytes, (int)length, NULL, records, &found);
        for (int at = 0; status == ARES_SUCCESS && at < found; at++) memcpy(addresses + 4 * at, &records[at].ipaddr, 4);
    }
    if (status == ARES_SUCCESS) *count = (size_t)found;
    return status;
}

int cares_read_services(const uint8_t *bytes, size_t length, cares_service take, void *owner)
{
    if (length > INT_MAX) return ARES_EBADRESP;
    struct ares_srv_reply *list = NULL;
    int status = ares_parse_srv_reply(bytes, (int)length, &list);
    for (struct ares_srv_reply *next = list; status == ARES_SUCCESS && next; next = next->next)
        take(owner, next->priority, next->weight, next->port, next->host ? next->host : "");
    if (list) ares_free_data(list);
    return status;
}

typedef struct {
    cares_address take;
    void *owner;
} taker;

static void take_hosts(void *argument, int status, int timeouts, struct ares_addrinfo *result)
{
    (void)timeouts;
    taker *to = argument;
    for (struct ares_addrinfo_node *node = status == ARES_SUCCESS && result ? result->nodes : NULL; node; node = node->ai_next) {
        if (node->ai_family == AF_INET)
            to->take(to->owner, (const uint8_t *)&((struct sockaddr_in *)node->ai_addr)->sin_addr, 4);
        if (node->ai_family == AF_INET6)
            to->take(to->owner, (const uint8_t *)&((struct sockaddr_in6 *)node->ai_addr)->sin6_addr, 16);
    }
    if (result) ares_freeaddrinfo(result);
}

void cares_read_hosts(const char *name, cares_address take, void *owner)
{
    struct ares_options options;
    memset(&options, 0, sizeof options);
    options.flags = flags;
    options.lookups = "f";
    ares_channel channel;
    if (ares_init_options(&channel, &options, ARES_OPT_FLAGS | ARES_OPT_LOOKUPS) != ARES_SUCCESS) return;
    struct ares_addrinfo_hints hints = { .ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC };
    taker to = { take, owner };
    // Only the file is looked at, so everything is over when this returns.
    ares_getaddrinfo(channel, name, NULL, &hints, take_hosts, &to);
    ares_destroy(channel);
}

cares_meaning cares_meaning_of(int status)
{
    switch (status) {
    case ARES_SUCCESS: return cares_ok;
    case ARES_ENOTFOUND: return cares_no_name;
    case ARES_ENODATA: return cares_no_data;
    case ARES_ETIMEOUT: return cares_timeout;
    case ARES_ECONNREFUSED: return cares_unreachable;
    case ARES_EREFUSED: return cares_refused;
    case ARES_ESERVFAIL: case ARES_ENOTIMP: return cares_server_failure;
    case ARES_EFORMERR: case ARES_EBADRESP: case ARES_EBADSTR: return cares_malformed;
    case ARES_EBADNAME: case ARES_EBADQUERY: return cares_bad_name;
    case ARES_EDESTRUCTION: case ARES_ECANCELLED: return cares_end;
    default: return cares_other;
    }
}

const char *cares_text(int status) { return ares_strerror(status); }
