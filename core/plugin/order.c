/* SPDX-License-Identifier: Apache-2.0 */
#include "order.h"

#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "str.h"
#include <string.h>

struct sorting {
    const struct order_item *items;
    size_t count;
    const char *const *present;
    bool *placed;
};

static bool has(const char *const *names, const char *name)
{
    for (; names && *names; names++) {
        if (str_eq(*names, name))
            return true;
    }
    return false;
}

/* Somebody other than `item` itself. */
static bool is_offered(const struct sorting *sorting, size_t item, const char *need)
{
    for (size_t i = 0; i < sorting->count; i++) {
        if (i != item && has(sorting->items[i].offers, need))
            return true;
    }
    return has(sorting->present, need);
}

/* A publisher of `need` that has not been placed yet, other than `item`; or count. */
static size_t waits_for(const struct sorting *sorting, size_t item, const char *need)
{
    for (size_t i = 0; i < sorting->count; i++) {
        if (i != item && !sorting->placed[i] && has(sorting->items[i].offers, need))
            return i;
    }
    return sorting->count;
}

/* The first need that keeps `item` from being placed, and who offers it; NULL: nothing does. */
static const char *obstacle(const struct sorting *sorting, size_t item, size_t *ret_whom)
{
    for (const char *const *need = sorting->items[item].needs; need && *need; need++) {
        *ret_whom = waits_for(sorting, item, *need);
        if (*ret_whom < sorting->count)
            return *need;
    }
    return NULL;
}

static int check_needs(const struct sorting *sorting, size_t *ret_at, struct ein_error *err)
{
    for (size_t i = 0; i < sorting->count; i++) {
        for (const char *const *need = sorting->items[i].needs; need && *need; need++) {
            if (is_offered(sorting, i, *need))
                continue;
            *ret_at = i;
            return error_set(err, EIN_E_INVALID, "%s needs %s, which no %senabled plugin offers",
                             sorting->items[i].name, *need,
                             has(sorting->items[i].offers, *need) ? "other " : "");
        }
    }
    return 0;
}

static size_t next_placeable(const struct sorting *sorting)
{
    size_t whom;

    for (size_t i = 0; i < sorting->count; i++) {
        if (!sorting->placed[i] && !obstacle(sorting, i, &whom))
            return i;
    }
    return sorting->count;
}

/* Every item left waits for another that is left: following them from any leads into a circle,
 * after count steps for certain. */
static int say_cycle(const struct sorting *sorting, size_t *ret_at, struct ein_error *err)
{
    size_t at = 0, first, whom;
    struct buf chain;
    int r;

    while (sorting->placed[at])
        at++;
    for (size_t step = 0; step < sorting->count; step++) {
        (void)obstacle(sorting, at, &whom);
        at = whom;
    }
    buf_init(&chain, sizeof(err->text));
    first = *ret_at = at;
    do {
        const char *need = obstacle(sorting, at, &whom);

        (void)buf_printf(&chain, "%s%s needs %s of %s", chain.len ? ", " : "",
                         sorting->items[at].name, need, sorting->items[whom].name);
        at = whom;
    } while (at != first);
    r = error_set(err, EIN_E_INVALID, "these plugins need each other: %s", buf_str(&chain));
    buf_done(&chain);
    return r;
}

int order_resolve(const struct order_item *items, size_t count, const char *const *present,
                  size_t *ret_order, size_t *ret_at, struct ein_error *err)
{
    EIN_FREE bool *placed = calloc(count + 1, sizeof(*placed));
    struct sorting sorting = { items, count, present, placed };
    size_t unused, *at = ret_at ? ret_at : &unused;
    int r;

    if (!placed)
        return error_no_memory(err);
    r = check_needs(&sorting, at, err);
    for (size_t i = 0; r == 0 && i < count; i++) {
        size_t next = next_placeable(&sorting);

        if (next == count)
            return say_cycle(&sorting, at, err);
        placed[next] = true;
        ret_order[i] = next;
    }
    return r;
}
