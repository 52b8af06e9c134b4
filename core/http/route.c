/* SPDX-License-Identifier: Apache-2.0 */
#include "route.h"
#include "error.h"
#include "schema.h"
#include "stats.h"
#include "str.h"
#include <string.h>

enum {
    KNOWN_FLAGS = EIN_ROUTE_RAW_BODY | EIN_ROUTE_EVENTS | EIN_ROUTE_PAGE | EIN_ROUTE_LAST |
                  EIN_ROUTE_ONCE | EIN_ROUTE_ONCE_500 | EIN_ROUTE_ONCE_OWN | EIN_ROUTE_ETAG |
                  EIN_ROUTE_ONCE_SECRET
};

/* Those of them that this server does not know are refused. */
#define FLAGS_REFUSED UINT32_C(0xffff0000)

#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static bool known_auth(int32_t auth)
{
    return auth == EIN_AUTH_NONE || auth == EIN_AUTH_OPTIONAL || auth == EIN_AUTH_USER ||
           auth == EIN_AUTH_ADMIN;
}

/* What would not go into the OpenAPI document, and make it none; NULL: nothing. */
static const char *not_utf8(const struct ein_route *spec)
{
    const struct {
        const char *name, *text;
    } texts[] = { { "path", spec->path },
                  { "summary", spec->summary },
                  { "reply_type", spec->reply_type },
                  { "scope", spec->scope } };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i].text && !str_is_utf8(texts[i].text, strlen(texts[i].text)))
            return texts[i].name;
    return NULL;
}

static int check_spec(const struct ein_route *spec, struct ein_error *err)
{
    const char *name = spec->operation_id ? spec->operation_id : "(unnamed)";

    if (!spec->operation_id || !str_only(spec->operation_id, UPPER LOWER DIGITS "_.-"))
        return error_set(
            err, EIN_E_INVALID,
            "route %s %s: a route needs an operation_id of letters, digits, '_', '.' and '-'",
            spec->method ? spec->method : "?", spec->path ? spec->path : "?");
    if (!spec->method || !str_only(spec->method, UPPER))
        return error_set(err, EIN_E_INVALID, "route %s: the method must be in capitals", name);
    if (!spec->path || spec->path[0] != '/')
        return error_set(err, EIN_E_INVALID, "route %s: the path must begin with '/'", name);
    if (not_utf8(spec))
        return error_set(err, EIN_E_INVALID, "route %s: its %s is not UTF-8", name, not_utf8(spec));
    if (!spec->handle)
        return error_set(err, EIN_E_INVALID, "route %s: there is no handler", name);
    if (spec->flags & FLAGS_REFUSED & ~(uint32_t)KNOWN_FLAGS)
        return error_set(err, EIN_E_UNSUPPORTED, "route %s: this server does not know flags 0x%x",
                         name, spec->flags & FLAGS_REFUSED);
    if (spec->flags & EIN_ROUTE_PAGE && !str_eq(spec->method, "GET"))
        return error_set(err, EIN_E_INVALID, "route %s: browsers go to a page with GET", name);
    if (!known_auth(spec->auth))
        return error_set(err, EIN_E_INVALID, "route %s: unknown auth level %d", name, spec->auth);
    if (spec->status != 0 && (spec->status < 200 || spec->status > 399))
        return error_set(err, EIN_E_INVALID, "route %s: %d is not the status of a success", name,
                         spec->status);
    return 0;
}

/* The name inside "{name}" or "{name:path}"; NULL if it is neither. */
static char *param_name(const char *text, size_t len, enum segment_kind *ret_kind)
{
    static const char tail[] = ":path";
    size_t name_len;

    if (len < 3 || text[0] != '{' || text[len - 1] != '}')
        return NULL;
    text++;
    len -= 2;
    *ret_kind = SEGMENT_PARAM;
    if (len > sizeof(tail) - 1 &&
        memcmp(text + len - (sizeof(tail) - 1), tail, sizeof(tail) - 1) == 0) {
        *ret_kind = SEGMENT_TAIL;
        len -= sizeof(tail) - 1;
    }
    name_len = strspn(text, UPPER LOWER DIGITS "_");
    return name_len == len ? strndup(text, len) : NULL;
}

static int add_segment(struct route_entry *entry, const char *text, size_t len,
                       struct ein_error *err)
{
    const char *name = entry->route.spec.operation_id;
    struct segment *segment = &entry->segments[entry->count];

    if (entry->count == ROUTE_SEGMENTS)
        return error_set(err, EIN_E_TOO_LARGE, "route %s: more than %d segments", name,
                         ROUTE_SEGMENTS);
    if (len == 0)
        return error_set(err, EIN_E_INVALID, "route %s: %s has an empty segment", name,
                         entry->route.spec.path);
    if (memchr(text, '{', len) || memchr(text, '}', len)) {
        segment->text = param_name(text, len, &segment->kind);
        if (!segment->text)
            return error_set(err, EIN_E_INVALID, "route %s: \"%.*s\" is not {name} or {name:path}",
                             name, (int)len, text);
    } else {
        segment->kind = SEGMENT_LITERAL;
        segment->text = strndup(text, len);
        if (!segment->text)
            return error_no_memory(err);
    }
    entry->count++;
    return 0;
}

/* Is a parameter of the name of segment `at` before it? */
static bool has_param(const struct route_entry *entry, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (entry->segments[i].kind != SEGMENT_LITERAL &&
            str_eq(entry->segments[i].text, entry->segments[at].text))
            return true;
    return false;
}

static int parse_template(struct route_entry *entry, struct ein_error *err)
{
    const char *name = entry->route.spec.operation_id, *at = entry->route.spec.path + 1;
    size_t params = 0;
    int r;

    while (*at != '\0' || (entry->count > 0 && at[-1] == '/')) {
        size_t len = strcspn(at, "/");

        r = add_segment(entry, at, len, err);
        if (r < 0)
            return r;
        at += len;
        if (*at == '/')
            at++;
        else
            break;
    }
    for (size_t i = 0; i < entry->count; i++) {
        if (entry->segments[i].kind != SEGMENT_LITERAL && has_param(entry, i))
            return error_set(err, EIN_E_INVALID, "route %s: {%s} appears twice", name,
                             entry->segments[i].text);
        if (entry->segments[i].kind != SEGMENT_LITERAL)
            params++;
        if (entry->segments[i].kind == SEGMENT_TAIL && i + 1 < entry->count)
            return error_set(err, EIN_E_INVALID, "route %s: {%s:path} must be the last segment",
                             name, entry->segments[i].text);
    }
    if (params > ROUTER_PARAMS)
        return error_set(err, EIN_E_TOO_LARGE, "route %s: more than %d parameters", name,
                         ROUTER_PARAMS);
    return 0;
}

static int compile(const char *name, const char *what, const char *text, struct schema **ret_schema,
                   struct ein_error *err)
{
    struct ein_error why = { 0 };
    int r;

    if (!text)
        return 0;
    r = schema_compile(text, ret_schema, &why);
    return r < 0 ? error_set(err, r, "route %s: %s: %s", name, what, why.text) : 0;
}

static int compile_schemas(struct route *route, struct ein_error *err)
{
    const struct ein_route *spec = &route->spec;
    int r;

    r = compile(spec->operation_id, "query_schema", spec->query_schema, &route->query, err);
    if (r >= 0)
        r = compile(spec->operation_id, "body_schema", spec->body_schema, &route->body, err);
    if (r >= 0)
        r = compile(spec->operation_id, "reply_schema", spec->reply_schema, &route->reply, err);
    if (r >= 0)
        r = compile(spec->operation_id, "error_schema", spec->error_schema, &route->error, err);
    return r;
}

int route_entry_new(const struct route_owner *owner, const struct ein_route *spec, void *self,
                    struct metrics *metrics, struct route_entry **ret_entry, struct ein_error *err)
{
    struct route_entry *entry;
    int r;

    r = check_spec(spec, err);
    if (r < 0)
        return r;
    entry = calloc(1, sizeof(*entry));
    if (!entry)
        return error_no_memory(err);

    entry->route = (struct route){ .spec = *spec, .owner = *owner, .self = self };
    r = parse_template(entry, err);
    if (r >= 0)
        r = compile_schemas(&entry->route, err);
    if (r >= 0) {
        entry->route.stats = route_stats_new(metrics, spec->operation_id);
        if (!entry->route.stats)
            r = error_no_memory(err);
    }
    if (r < 0) {
        route_entry_free(entry);
        return r;
    }
    *ret_entry = entry;
    return 0;
}

void route_entry_free(struct route_entry *entry)
{
    if (!entry)
        return;
    for (size_t i = 0; i < entry->count; i++)
        free(entry->segments[i].text);
    schema_free(entry->route.query);
    schema_free(entry->route.body);
    schema_free(entry->route.reply);
    schema_free(entry->route.error);
    route_stats_free(entry->route.stats);
    free(entry);
}

static bool same_segment(const struct segment *a, const struct segment *b)
{
    return a->kind == b->kind && (a->kind != SEGMENT_LITERAL || str_eq(a->text, b->text));
}

enum route_place route_place(const struct route *route)
{
    if (route->spec.flags & EIN_ROUTE_PAGE)
        return ROUTE_PAGES;
    return route->spec.flags & EIN_ROUTE_LAST ? ROUTE_LAST : ROUTE_API;
}

bool route_entry_same(const struct route_entry *a, const struct route_entry *b)
{
    if (a->count != b->count || !str_eq(a->route.spec.method, b->route.spec.method) ||
        route_place(&a->route) != route_place(&b->route))
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!same_segment(&a->segments[i], &b->segments[i]))
            return false;
    return true;
}
