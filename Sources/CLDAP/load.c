#include "CLDAP.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

static cldap functions;
static int is_complete;
static pthread_once_t once = PTHREAD_ONCE_INIT;

// Debian 12 and its successors name the same library differently.
static const char *const names[] = {"libldap-2.5.so.0", "libldap.so.2"};

static const struct {
    const char *name;
    void **place;
} wanted[] = {
    {"ldap_init_fd", (void **)&functions.initialize},
    {"ldap_install_tls", (void **)&functions.installTLS},
    {"ldap_set_option", (void **)&functions.setOption},
    {"ldap_get_option", (void **)&functions.getOption},
    {"ldap_sasl_bind", (void **)&functions.saslBind},
    {"ldap_search_ext", (void **)&functions.search},
    {"ldap_result", (void **)&functions.result},
    {"ldap_parse_result", (void **)&functions.parseResult},
    {"ldap_first_entry", (void **)&functions.firstEntry},
    {"ldap_next_entry", (void **)&functions.nextEntry},
    {"ldap_get_dn", (void **)&functions.name},
    {"ldap_get_values_len", (void **)&functions.values},
    {"ldap_value_free_len", (void **)&functions.freeValues},
    {"ldap_msgfree", (void **)&functions.freeMessage},
    {"ldap_memfree", (void **)&functions.freeText},
    {"ldap_unbind_ext", (void **)&functions.unbind},
    {"ldap_err2string", (void **)&functions.errorText},
};

static void load(void) {
    void *library = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && library == NULL; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if ((*wanted[i].place = dlsym(library, wanted[i].name)) == NULL) return;
    is_complete = 1;
}

const cldap *cldap_load(void) {
    pthread_once(&once, load);
    return is_complete ? &functions : NULL;
}
