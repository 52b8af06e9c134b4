/* SPDX-License-Identifier: Apache-2.0 */
#include "tracing.h"

#include "cleanup.h"
#include "clock.h"
#include "gate.h"
#include "hex.h"
#include "mix.h"
#include "rwlock.h"
#include "str.h"
#include <jansson.h>
#include <string.h>
#include <sys/random.h>

enum {
    TRACE_ID_LEN = 32,
    SPAN_ID_LEN = 16,
    /* Where they are in a traceparent: version "-" trace id "-" parent id "-" flags. */
    TRACE_AT = 3,
    SPAN_AT = 36,
    FLAGS_AT = 53,
    SAMPLED = 1
};

struct watcher {
    struct watcher *next;
    struct gate *gate;
    double share;
    tracing_fn *on_span;
    void *data;
};

struct tracing {
    pthread_rwlock_t lock;
    struct watcher *watchers; /* guarded by lock */
    bool watched, carries;    /* atomic */
    uint64_t seed, count;     /* of ids; the last is atomic */
};

/* Where a thread is. */
struct place {
    char trace_id[TRACE_ID_LEN + 1]; /* "": nowhere */
    char span_id[SPAN_ID_LEN + 1];   /* "": the trace begins */
    bool sampled;
    struct ein_span *open; /* the span that it is, if this thread has begun it */
};

static _Thread_local struct place here;

struct ein_span {
    struct tracing *tracing;
    struct place self, before;
    int kind;
    char *name;
    int64_t began_ns, began_us;
    json_t *address, *port; /* of the first server that was called within a client's span */
};

/* ---- who watches ---- */

int tracing_new(struct tracing **ret_tracing)
{
    struct tracing *tracing = calloc(1, sizeof(*tracing));

    if (!tracing)
        return EIN_E_NO_MEMORY;
    if (getrandom(&tracing->seed, sizeof(tracing->seed), 0) < 0) {
        free(tracing);
        return EIN_E_UNAVAILABLE;
    }
    rwlock_init(&tracing->lock);
    *ret_tracing = tracing;
    return 0;
}

void tracing_free(struct tracing *tracing)
{
    if (!tracing)
        return;
    while (tracing->watchers)
        tracing_withdraw(tracing, tracing->watchers->gate);
    (void)pthread_rwlock_destroy(&tracing->lock);
    free(tracing);
}

int tracing_watch(struct tracing *tracing, struct gate *gate, double share, tracing_fn *on_span,
                  void *data)
{
    struct watcher *watcher = on_span ? calloc(1, sizeof(*watcher)) : NULL;

    if (!watcher)
        return on_span ? EIN_E_NO_MEMORY : EIN_E_INVALID;
    (void)pthread_rwlock_wrlock(&tracing->lock);
    *watcher = (struct watcher){ tracing->watchers, gate, share, on_span, data };
    tracing->watchers = watcher;
    __atomic_store_n(&tracing->watched, true, __ATOMIC_RELAXED);
    (void)pthread_rwlock_unlock(&tracing->lock);
    return 0;
}

void tracing_withdraw(struct tracing *tracing, const struct gate *gate)
{
    (void)pthread_rwlock_wrlock(&tracing->lock);
    for (struct watcher **link = &tracing->watchers; *link;) {
        struct watcher *watcher = *link;

        if (watcher->gate != gate) {
            link = &watcher->next;
            continue;
        }
        *link = watcher->next;
        free(watcher);
    }
    __atomic_store_n(&tracing->watched, tracing->watchers != NULL, __ATOMIC_RELAXED);
    (void)pthread_rwlock_unlock(&tracing->lock);
}

void tracing_carry_on(struct tracing *tracing, bool carries)
{
    __atomic_store_n(&tracing->carries, carries, __ATOMIC_RELAXED);
}

static bool is_watched(const struct tracing *tracing)
{
    return tracing && __atomic_load_n(&tracing->watched, __ATOMIC_RELAXED);
}

bool tracing_is_on(const struct tracing *tracing)
{
    return is_watched(tracing) || (tracing && __atomic_load_n(&tracing->carries, __ATOMIC_RELAXED));
}

static void tell(struct tracing *tracing, const struct ein_span_told *told)
{
    (void)pthread_rwlock_rdlock(&tracing->lock);
    for (const struct watcher *watcher = tracing->watchers; watcher; watcher = watcher->next) {
        if (!gate_enter(watcher->gate))
            continue;
        watcher->on_span(told, watcher->data);
        gate_leave(watcher->gate);
    }
    (void)pthread_rwlock_unlock(&tracing->lock);
}

/* The last seven bytes of a trace's id, LEN characters, are taken for random: those traces are
 * recorded for which they are large enough, by all who want the same share. */
static bool is_taken(struct tracing *tracing, const char *id, size_t len)
{
    static const double all = 72057594037927936.0; /* 2^56 */
    double number = (double)strtoull(id + len - 14, NULL, 16), share = 0;

    (void)pthread_rwlock_rdlock(&tracing->lock);
    for (const struct watcher *watcher = tracing->watchers; watcher; watcher = watcher->next)
        share = watcher->share > share ? watcher->share : share;
    (void)pthread_rwlock_unlock(&tracing->lock);
    return number >= (1 - share) * all;
}

/* ---- traceparent ---- */

static bool is_id(const char *text, size_t len)
{
    return strspn(text, "0123456789abcdef") == len && strspn(text, "0") < len;
}

/* A later version than 00 may go on after the flags. */
bool tracing_is_parent(const char *text)
{
    size_t len = text ? strlen(text) : 0, known = EIN_TRACEPARENT_SIZE - 1;

    if (len < known || (len > known && (text[known] != '-' || str_starts(text, "00"))))
        return false;
    return strspn(text, "0123456789abcdef") == 2 && !str_starts(text, "ff") && text[2] == '-' &&
           is_id(text + TRACE_AT, TRACE_ID_LEN) && text[SPAN_AT - 1] == '-' &&
           is_id(text + SPAN_AT, SPAN_ID_LEN) && text[FLAGS_AT - 1] == '-' &&
           strspn(text + FLAGS_AT, "0123456789abcdef") == 2;
}

static struct place place_of(const char *parent)
{
    struct place place = { .sampled = strtoul(parent + FLAGS_AT, NULL, 16) & SAMPLED };

    memcpy(place.trace_id, parent + TRACE_AT, TRACE_ID_LEN);
    memcpy(place.span_id, parent + SPAN_AT, SPAN_ID_LEN);
    return place;
}

static void write_parent(const struct place *place, char ret_traceparent[EIN_TRACEPARENT_SIZE])
{
    ret_traceparent[0] = '\0';
    if (place->trace_id[0] && place->span_id[0])
        (void)snprintf(ret_traceparent, EIN_TRACEPARENT_SIZE, "00-%s-%s-%02x", place->trace_id,
                       place->span_id, place->sampled);
}

void tracing_where(char ret_traceparent[EIN_TRACEPARENT_SIZE])
{
    if (ret_traceparent)
        write_parent(&here, ret_traceparent);
}

void tracing_enter(const char *traceparent)
{
    here = tracing_is_parent(traceparent) ? place_of(traceparent) : (struct place){ .open = NULL };
}

void tracing_leave(void)
{
    here = (struct place){ .open = NULL };
}

static void make_id(struct tracing *tracing, char ret_id[SPAN_ID_LEN + 1])
{
    uint64_t id;

    do
        id = mix(tracing->seed + __atomic_add_fetch(&tracing->count, 1, __ATOMIC_RELAXED));
    while (id == 0);
    hex_encode(&id, sizeof(id), ret_id);
}

void tracing_onward(struct tracing *tracing, const struct ein_span *span,
                    char ret_traceparent[EIN_TRACEPARENT_SIZE])
{
    struct place place = span ? span->self : here;

    if (!span && place.trace_id[0])
        make_id(tracing, place.span_id);
    write_parent(&place, ret_traceparent);
}

/* ---- spans ---- */

struct ein_span *tracing_begin(struct tracing *tracing, int kind, const char *name)
{
    struct ein_span *span;

    if (!here.sampled || !is_watched(tracing))
        return NULL;
    span = calloc(1, sizeof(*span));
    if (!span)
        return NULL;
    span->tracing = tracing;
    span->kind = kind;
    span->name = name ? strdup(name) : NULL;
    span->before = span->self = here;
    make_id(tracing, span->self.span_id);
    span->self.open = span;
    span->began_ns = clock_wall_us() * 1000;
    span->began_us = clock_mono_us();
    here = span->self;
    return span;
}

static struct ein_span *begin_request(struct tracing *tracing)
{
    struct ein_span *span = tracing_begin(tracing, EIN_SPAN_SERVER, NULL);

    if (!span && here.trace_id[0])
        make_id(tracing, here.span_id);
    return span;
}

/* A stranger may choose the id of a trace, but not that it is recorded. */
struct ein_span *tracing_begin_request(struct tracing *tracing, const char *trace_id,
                                       const char *parent)
{
    char chance[SPAN_ID_LEN + 1];

    tracing_leave();
    if (parent) {
        here = place_of(parent);
        if (here.sampled && is_watched(tracing)) {
            make_id(tracing, chance);
            here.sampled = is_taken(tracing, chance, SPAN_ID_LEN);
        }
    } else if (is_watched(tracing)) {
        memcpy(here.trace_id, trace_id, TRACE_ID_LEN + 1);
        here.sampled = is_taken(tracing, trace_id, TRACE_ID_LEN);
    }
    return begin_request(tracing);
}

struct ein_span *tracing_begin_known(struct tracing *tracing, const char *parent, int64_t began_us)
{
    struct ein_span *span;

    here = place_of(parent);
    span = begin_request(tracing);
    if (span) {
        span->began_ns -= (span->began_us - began_us) * 1000;
        span->began_us = began_us;
    }
    return span;
}

void tracing_name(struct ein_span *span, const char *name)
{
    if (!span)
        return;
    free(span->name);
    span->name = strdup(name);
}

/* Who asks a model does not know where that is; who sends the request does. */
static void pass_address_up(const struct ein_span *span, const json_t *attributes)
{
    struct ein_span *above = span->before.open;
    json_t *address = json_object_get(attributes, "server.address");

    if (!above || span->kind != EIN_SPAN_CLIENT || above->kind != EIN_SPAN_CLIENT || above->address)
        return;
    above->address = json_incref(address);
    above->port = json_incref(json_object_get(attributes, "server.port"));
}

static void take_address(const struct ein_span *span, json_t *attributes)
{
    if (!span->address || json_object_get(attributes, "server.address"))
        return;
    (void)json_object_set(attributes, "server.address", span->address);
    if (span->port)
        (void)json_object_set(attributes, "server.port", span->port);
}

void tracing_end(struct ein_span *span, const char *error, struct json_t *take_attributes)
{
    EIN_JSON json_t *attributes = take_attributes;

    if (!span)
        return;
    take_address(span, attributes);
    pass_address_up(span, attributes);
    const struct ein_span_told told = {
        .struct_size = sizeof(told),
        .kind = span->kind,
        .trace_id = span->self.trace_id,
        .span_id = span->self.span_id,
        .parent_id = span->before.span_id[0] ? span->before.span_id : NULL,
        .name = span->name ? span->name : "",
        .began_ns = span->began_ns,
        .ended_ns = span->began_ns + (clock_mono_us() - span->began_us) * 1000,
        .error = error,
        .attributes = attributes,
    };
    tell(span->tracing, &told);
    here = span->before;
    json_decref(span->address);
    json_decref(span->port);
    free(span->name);
    free(span);
}
