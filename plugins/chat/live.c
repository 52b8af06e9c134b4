/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include "cleanup.h"
#include "clock.h"
#include <einion/plugin.h>
#include <string.h>

enum {
    HEAD = 1 + sizeof(uint32_t), /* of a piece: its kind and its length */
    JOINED_MAX = 16384           /* bytes of pieces that are handed out as one */
};

/* ---- all of them ---- */

int lives_init(struct lives *lives)
{
    (void)pthread_mutex_init(&lives->lock, NULL);
    return map_init(&lives->by_id);
}

void lives_done(struct lives *lives)
{
    map_done(&lives->by_id, NULL);
    (void)pthread_mutex_destroy(&lives->lock);
}

static struct live *live_new(const char *id)
{
    size_t len = strlen(id);
    struct live *live = calloc(1, sizeof(*live) + len + 1);

    if (!live)
        return NULL;
    memcpy(live->id, id, len);
    live->entry.key = live->id;
    live->entry.key_len = len;
    buf_init(&live->pieces, SIZE_MAX);
    (void)pthread_mutex_init(&live->lock, NULL);
    (void)pthread_cond_init(&live->changed, NULL);
    return live;
}

static void live_free(struct live *live)
{
    (void)pthread_cond_destroy(&live->changed);
    (void)pthread_mutex_destroy(&live->lock);
    buf_done(&live->pieces);
    free(live);
}

struct live *live_enter(struct lives *lives, const char *id)
{
    EIN_LOCKED(&lives->lock);
    struct live *live = (struct live *)map_find(&lives->by_id, id, strlen(id));

    if (!live) {
        live = live_new(id);
        if (live && map_add(&lives->by_id, &live->entry) < 0) {
            live_free(live);
            live = NULL;
        }
    }
    if (live)
        live->refs++;
    return live;
}

void live_leave(struct lives *lives, struct live *live)
{
    if (!live)
        return;
    EIN_LOCKED(&lives->lock);
    if (--live->refs > 0)
        return;
    map_remove(&lives->by_id, &live->entry);
    live_free(live);
}

static void change(struct live *live)
{
    live->events++;
    (void)pthread_cond_broadcast(&live->changed);
}

void live_poke(struct lives *lives, const char *id)
{
    EIN_LOCKED(&lives->lock);
    struct live *live = (struct live *)map_find(&lives->by_id, id, strlen(id));

    if (!live)
        return;
    EIN_LOCKED(&live->lock);
    change(live);
}

/* ---- who works on it ---- */

void live_begin(struct live *live, unsigned attempt)
{
    EIN_LOCKED(&live->lock);
    live->running = true;
    live->attempt = attempt;
    live->count = 0;
    buf_clear(&live->pieces);
    change(live);
}

int live_add(struct live *live, unsigned attempt, enum live_kind kind, const char *bytes,
             size_t len, size_t max)
{
    uint32_t length = (uint32_t)len;

    EIN_LOCKED(&live->lock);
    if (live->attempt != attempt)
        return EIN_E_CANCELLED;
    if (len > max || live->pieces.len > max - len)
        return EIN_E_TOO_LARGE;
    char *piece = buf_room(&live->pieces, HEAD + len);
    if (!piece)
        return live->pieces.error;
    piece[0] = (char)kind;
    memcpy(piece + 1, &length, sizeof(length));
    memcpy(piece + HEAD, bytes, len);
    live->count++;
    (void)pthread_cond_broadcast(&live->changed);
    return 0;
}

void live_end(struct live *live, unsigned attempt)
{
    EIN_LOCKED(&live->lock);
    if (live->attempt != attempt)
        return;
    live->running = false;
    change(live);
}

/* The piece at `at`, which moves behind it. */
static enum live_kind piece_at(const struct live *live, size_t *at, const char **ret_bytes,
                               size_t *ret_len)
{
    enum live_kind kind = (enum live_kind)live->pieces.data[*at];
    uint32_t len;

    memcpy(&len, live->pieces.data + *at + 1, sizeof(len));
    *ret_bytes = live->pieces.data + *at + HEAD;
    *ret_len = len;
    *at += HEAD + len;
    return kind;
}

int live_each(struct live *live, unsigned attempt, live_piece_fn *each, void *data)
{
    size_t at = 0;
    int r = 0;

    EIN_LOCKED(&live->lock);
    while (live->attempt == attempt && at < live->pieces.len && r == 0) {
        const char *bytes;
        size_t len;
        enum live_kind kind = piece_at(live, &at, &bytes, &len);

        r = each(kind, bytes, len, data);
    }
    return r;
}

/* ---- who follows it ---- */

static bool is_text(enum live_kind kind)
{
    return kind == LIVE_TEXT || kind == LIVE_THOUGHT;
}

/* Puts `place`, which may be a stranger's word, where its count says. */
static void find_place(const struct live *live, struct live_place *place)
{
    uint64_t wanted = place->count;
    const char *bytes;
    size_t len;

    if (place->attempt != live->attempt || wanted > live->count)
        wanted = 0;
    *place = (struct live_place){ .attempt = live->attempt, .events = place->events };
    while (place->count < wanted) {
        (void)piece_at(live, &place->at, &bytes, &len);
        place->count++;
    }
}

/* How many bytes the next pieces have that go together. */
static size_t joined_len(const struct live *live, const struct live_place *place)
{
    size_t at = place->at, sum = 0, len;
    const char *bytes;
    enum live_kind first = piece_at(live, &at, &bytes, &sum);

    while (is_text(first) && at < live->pieces.len &&
           (enum live_kind)live->pieces.data[at] == first) {
        (void)piece_at(live, &at, &bytes, &len);
        if (sum + len > JOINED_MAX)
            break;
        sum += len;
    }
    return sum;
}

static enum live_kind take_joined(const struct live *live, struct live_place *place,
                                  char **ret_bytes, size_t *ret_len)
{
    size_t sum = joined_len(live, place), filled = 0, len;
    char *joined = malloc(sum + 1);
    enum live_kind kind = LIVE_NOTHING;

    if (!joined)
        return LIVE_NOTHING;
    do {
        const char *bytes;

        kind = piece_at(live, &place->at, &bytes, &len);
        memcpy(joined + filled, bytes, len);
        filled += len;
        place->count++;
    } while (filled < sum);
    joined[sum] = '\0';
    *ret_bytes = joined;
    *ret_len = sum;
    return kind;
}

enum live_kind live_next(struct live *live, struct live_place *place, uint32_t wait_ms,
                         char **ret_bytes, size_t *ret_len)
{
    const struct timespec until = clock_deadline(wait_ms);
    int r = 0;

    EIN_LOCKED(&live->lock);
    for (;;) {
        if (live->attempt && (place->attempt != live->attempt || place->count > live->count ||
                              (place->count > 0 && place->at == 0)))
            find_place(live, place);
        if (live->attempt && place->at < live->pieces.len)
            return take_joined(live, place, ret_bytes, ret_len);
        if (place->events != live->events || r != 0) {
            place->events = live->events;
            return LIVE_NOTHING;
        }
        r = pthread_cond_clockwait(&live->changed, &live->lock, CLOCK_MONOTONIC, &until);
    }
}

void live_wait(struct live *live, struct live_place *place, uint32_t wait_ms)
{
    const struct timespec until = clock_deadline(wait_ms);
    int r = 0;

    EIN_LOCKED(&live->lock);
    while (place->events == live->events && r == 0)
        r = pthread_cond_clockwait(&live->changed, &live->lock, CLOCK_MONOTONIC, &until);
    place->events = live->events;
}

bool live_runs(struct live *live)
{
    EIN_LOCKED(&live->lock);
    return live->running;
}

unsigned live_attempt(struct live *live)
{
    EIN_LOCKED(&live->lock);
    return live->attempt;
}
