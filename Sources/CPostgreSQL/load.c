#include "CPostgreSQL.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

static cpostgresql functions;
static int is_complete;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct {
    const char *name;
    void **place;
} wanted[] = {
    {"PQconnectStartParams", (void **)&functions.connectStartParams},
    {"PQconnectPoll", (void **)&functions.connectPoll},
    {"PQsocket", (void **)&functions.socket},
    {"PQstatus", (void **)&functions.status},
    {"PQerrorMessage", (void **)&functions.errorMessage},
    {"PQfinish", (void **)&functions.finish},
    {"PQsetNoticeProcessor", (void **)&functions.setNoticeProcessor},
    {"PQsetnonblocking", (void **)&functions.setNonblocking},
    {"PQsendQueryParams", (void **)&functions.sendQueryParams},
    {"PQflush", (void **)&functions.flush},
    {"PQconsumeInput", (void **)&functions.consumeInput},
    {"PQisBusy", (void **)&functions.isBusy},
    {"PQgetResult", (void **)&functions.getResult},
    {"PQresultStatus", (void **)&functions.resultStatus},
    {"PQresultErrorField", (void **)&functions.resultErrorField},
    {"PQntuples", (void **)&functions.rows},
    {"PQnfields", (void **)&functions.columns},
    {"PQgetisnull", (void **)&functions.isNull},
    {"PQgetvalue", (void **)&functions.value},
    {"PQgetlength", (void **)&functions.length},
    {"PQcmdTuples", (void **)&functions.affectedRows},
    {"PQclear", (void **)&functions.clear},
};

static void load(void) {
    void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if ((*wanted[i].place = dlsym(library, wanted[i].name)) == NULL) return;
    is_complete = 1;
}

const cpostgresql *cpostgresql_load(void) {
    pthread_once(&once, load);
    return is_complete ? &functions : NULL;
}

void cpostgresql_ignore_notice(void *context, const char *message) {
    (void)context;
    (void)message;
}
