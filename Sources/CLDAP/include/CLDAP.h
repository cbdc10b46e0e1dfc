// libldap, loaded when it is first needed: a worker whose configuration names no directory does without its memory.
#ifndef CLDAP_H
#define CLDAP_H
#include <ldap.h>
#include <openldap.h>

// The functions that are called, by their names without ldap_.
typedef struct {
    __typeof__(&ldap_init_fd) initialize;
    __typeof__(&ldap_install_tls) installTLS;
    __typeof__(&ldap_set_option) setOption;
    __typeof__(&ldap_get_option) getOption;
    __typeof__(&ldap_sasl_bind) saslBind;
    __typeof__(&ldap_search_ext) search;
    __typeof__(&ldap_result) result;
    __typeof__(&ldap_parse_result) parseResult;
    __typeof__(&ldap_first_entry) firstEntry;
    __typeof__(&ldap_next_entry) nextEntry;
    __typeof__(&ldap_get_dn) name;
    __typeof__(&ldap_get_values_len) values;
    __typeof__(&ldap_value_free_len) freeValues;
    __typeof__(&ldap_msgfree) freeMessage;
    __typeof__(&ldap_memfree) freeText;
    __typeof__(&ldap_unbind_ext) unbind;
    __typeof__(&ldap_err2string) errorText;
} cldap;

// Loads the library, once; from any thread. NULL: it is not installed or lacks a function.
const cldap *cldap_load(void);

// What the header has as a cast, which Swift does not see.
static const char *const cldap_simple = (const char *)0;
#endif
