// libpq, loaded when it is first needed: a worker whose configuration names no database does without its memory.
#ifndef CPOSTGRESQL_H
#define CPOSTGRESQL_H
#include <postgresql/libpq-fe.h>

// The functions that are called, by their names without PQ.
typedef struct {
    __typeof__(&PQconnectStartParams) connectStartParams;
    __typeof__(&PQconnectPoll) connectPoll;
    __typeof__(&PQsocket) socket;
    __typeof__(&PQstatus) status;
    __typeof__(&PQerrorMessage) errorMessage;
    __typeof__(&PQfinish) finish;
    __typeof__(&PQsetNoticeProcessor) setNoticeProcessor;
    __typeof__(&PQsetnonblocking) setNonblocking;
    __typeof__(&PQsendQueryParams) sendQueryParams;
    __typeof__(&PQflush) flush;
    __typeof__(&PQconsumeInput) consumeInput;
    __typeof__(&PQisBusy) isBusy;
    __typeof__(&PQgetResult) getResult;
    __typeof__(&PQresultStatus) resultStatus;
    __typeof__(&PQresultErrorField) resultErrorField;
    __typeof__(&PQntuples) rows;
    __typeof__(&PQnfields) columns;
    __typeof__(&PQgetisnull) isNull;
    __typeof__(&PQgetvalue) value;
    __typeof__(&PQgetlength) length;
    __typeof__(&PQcmdTuples) affectedRows;
    __typeof__(&PQclear) clear;
} cpostgresql;

// Loads the library, once; from any thread. NULL: it is not installed or lacks a function.
const cpostgresql *cpostgresql_load(void);

// Notices of the server are not ours to print.
void cpostgresql_ignore_notice(void *context, const char *message);

// Fields of an error (libpq-fe.h has them as characters).
static const int cpostgresql_sqlstate = PG_DIAG_SQLSTATE;
static const int cpostgresql_primary_message = PG_DIAG_MESSAGE_PRIMARY;
#endif
