#ifndef CTOML_H
#define CTOML_H

/// TOML 1.0 as a stream of events, each with the place where it stands. toml++ does the reading;
/// nothing of its document outlives the call.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ctoml_kind {
    CTOML_TABLE_BEGIN,
    CTOML_TABLE_END,
    CTOML_ARRAY_BEGIN,
    CTOML_ARRAY_END,
    CTOML_STRING,
    CTOML_INTEGER,
    CTOML_FLOAT,
    CTOML_BOOLEAN,
    CTOML_DATE
};

/// A place in the text; both count from 1. A column counts code points.
struct ctoml_position {
    uint32_t line;
    uint32_t column;
};

/// One value, or the begin or end of one. `key` is NULL outside tables. Texts are UTF-8, not
/// terminated, and live as long as the callback.
struct ctoml_event {
    enum ctoml_kind kind;
    const char *key;
    size_t key_length;
    struct ctoml_position key_position;
    struct ctoml_position position;
    const char *text;
    size_t text_length;
    int64_t integer;
    double real;
    bool boolean;
};

typedef void (*ctoml_visitor)(void *context, const struct ctoml_event *event);

/// What is wrong with a text that is no TOML. `message` is UTF-8, cut to fit, terminated.
struct ctoml_error {
    struct ctoml_position position;
    char message[240];
};

/// Reads `text` and tells `visitor` its root table. False: nothing was told, `error` says why.
bool ctoml_parse(const char *text, size_t length, ctoml_visitor visitor, void *context,
                 struct ctoml_error *error);

#ifdef __cplusplus
}
#endif
#endif
