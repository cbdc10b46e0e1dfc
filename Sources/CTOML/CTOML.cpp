// toml++ behind a C interface. Compiled without exceptions: a parse gives a result or an error.
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#define TOML_MAX_NESTED_VALUES 64
// toml++ asserts what some malformed texts do not keep to, and tells the optimiser to rely on it. A wrong
// file must be an error and nothing else, so both are taken away; its own error paths then answer.
#define TOML_ASSERT(expression) static_cast<void>(0)
#ifdef NDEBUG
#undef NDEBUG
#endif
#include <toml++/impl/forward_declarations.h>
// Its tables of characters take for unreachable what U+00A1 to U+0499 outside a string reach.
#pragma push_macro("TOML_UNREACHABLE")
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE return {}
#include <toml++/impl/unicode.h>
#pragma pop_macro("TOML_UNREACHABLE")
#include <toml++/toml.h>

#include <algorithm>
#include <cstring>

#include "CTOML.h"

namespace {

constexpr unsigned deepest_key = 100;

ctoml_position place(const toml::source_position &position) {
    return {static_cast<uint32_t>(position.line), static_cast<uint32_t>(position.column)};
}

void fill(ctoml_error &error, ctoml_position position, std::string_view message) {
    const size_t length = std::min(message.size(), sizeof error.message - 1);
    std::memcpy(error.message, message.data(), length);
    error.message[length] = '\0';
    error.position = position;
}

// toml++ bounds the nesting of values, not of dotted keys, and recurses over both.
bool nests_too_deeply(const char *text, size_t length, ctoml_position &where) {
    unsigned dots = 0;
    bool comment = false;
    where = {1, 1};
    for (size_t index = 0; index < length; ++index, ++where.column) {
        switch (text[index]) {
        case '\n':
            where = {where.line + 1, 0};
            comment = false;
            dots = 0;
            break;
        case '#':
            comment = true;
            break;
        case '=': case ',': case '{': case '[':
            dots = 0;
            break;
        case '.':
            if (!comment && ++dots > deepest_key) return true;
            break;
        default:
            break;
        }
    }
    return false;
}

struct walk {
    ctoml_visitor visitor;
    void *context;

    void value(ctoml_event event, const toml::node &node) const {
        event.position = place(node.source().begin);
        if (const auto *table = node.as_table()) {
            event.kind = CTOML_TABLE_BEGIN;
            visitor(context, &event);
            entries(*table);
            event.kind = CTOML_TABLE_END;
        } else if (const auto *array = node.as_array()) {
            event.kind = CTOML_ARRAY_BEGIN;
            visitor(context, &event);
            for (const toml::node &element : *array) value({}, element);
            event.kind = CTOML_ARRAY_END;
        } else {
            scalar(event, node);
        }
        visitor(context, &event);
    }

    void entries(const toml::table &table) const {
        for (const auto &[key, node] : table) {
            ctoml_event event{};
            event.key = key.str().data();
            event.key_length = key.str().size();
            event.key_position = place(key.source().begin);
            value(event, node);
        }
    }

    static void scalar(ctoml_event &event, const toml::node &node) {
        if (const auto *text = node.as_string()) {
            event.kind = CTOML_STRING;
            event.text = text->get().data();
            event.text_length = text->get().size();
        } else if (const auto *integer = node.as_integer()) {
            event.kind = CTOML_INTEGER;
            event.integer = integer->get();
        } else if (const auto *real = node.as_floating_point()) {
            event.kind = CTOML_FLOAT;
            event.real = real->get();
        } else if (const auto *boolean = node.as_boolean()) {
            event.kind = CTOML_BOOLEAN;
            event.boolean = boolean->get();
        } else {
            event.kind = CTOML_DATE;
        }
    }
};

} // namespace

extern "C" bool ctoml_parse(const char *text, size_t length, ctoml_visitor visitor, void *context,
                            ctoml_error *error) {
    ctoml_position where{};
    if (nests_too_deeply(text, length, where)) {
        fill(*error, where, "a key of more than 100 parts");
        return false;
    }
    toml::parse_result result = toml::parse(std::string_view{text, length});
    if (!result) {
        fill(*error, place(result.error().source().begin), result.error().description());
        return false;
    }
    walk{visitor, context}.value({}, result.table());
    return true;
}
