/* SPDX-License-Identifier: Apache-2.0 */
#include "purse_inside.h"

#include "cleanup.h"
#include "error.h"
#include "str.h"

#include <stdlib.h>
#include <string.h>

/* A line of a server that has died. */
static int recover(const char *line, size_t len, void *data, struct ein_error *err)
{
    const struct users *users = data;
    EIN_JSON json_t *said = json_loadb(line, len, 0, NULL);
    const char *hold = text_of(said, "hold");
    const json_t *entry = json_object_get(said, "entry");
    const struct account_ids of = { text_of(entry, "userId"), text_of(said, "budget") };
    struct payment payment = { .cost = integer_of(entry, "costNano"),
                               .text = users->host->json_text(entry, NULL) };
    int r = 1;

    if (hold && strlen(hold) < EIN_HOLD_SIZE && of.uid && payment.text) {
        str_copy(payment.hold, sizeof(payment.hold), hold);
        r = purse_store_enter(users, &of, text_of(said, "purse"), &payment, err);
    }
    users->host->mem_free(payment.text);
    if (r > 0)
        users->host->log_msg(users->ctx, EIN_WARN,
                             "A line of the journal is of another store, or damaged: it is left "
                             "out");
    return r < 0 ? r : 0;
}

static int begin(struct users *users, struct ein_error *err)
{
    struct purses *purses = users->purses;
    int r = journal_open(users->journal_folder, recover, users, &purses->journal, err);

    if (r < 0)
        return r;
    purses->runs = pthread_create(&purses->flusher, NULL, purse_flusher, users) == 0;
    if (!purses->runs)
        return error_set(err, EIN_E_UNAVAILABLE, "the ledger's thread cannot be started");
    return users->host->every(users->ctx, PURSE_KEEP_MS, purse_keep, users);
}

int purses_open(struct users *users, struct ein_error *err)
{
    struct purses *purses;

    if (!*users->journal_folder)
        return 0;
    purses = calloc(1, sizeof(*purses));
    if (!purses || map_init(&purses->map) < 0 || map_init(&purses->calls) < 0) {
        free(purses);
        return error_no_memory(err);
    }
    purses->last = &purses->first;
    atomic_store(&purses->works, true);
    (void)pthread_mutex_init(&purses->lock, NULL);
    (void)pthread_mutex_init(&purses->flush_lock, NULL);
    (void)pthread_cond_init(&purses->filled, NULL);
    (void)pthread_cond_init(&purses->pending, NULL);
    users->purses = purses;
    return begin(users, err);
}

void purses_stop(void *self)
{
    struct users *users = self;
    struct purses *purses = users->purses;
    struct ein_error err;

    if (!purses)
        return;
    {
        EIN_LOCKED(&purses->lock);
        purses->stopping = true;
        (void)pthread_cond_broadcast(&purses->pending);
        (void)pthread_cond_broadcast(&purses->filled);
    }
    if (purses->runs)
        (void)pthread_join(purses->flusher, NULL);
    purses->runs = false;
    if (purses->journal && purse_flush(users, &err) < 0)
        users->host->log_msg(users->ctx, EIN_ERROR,
                             "What calls have cost is in the journal, and not in the store: %s",
                             err.text);
    purse_keep(users);
}

static void drop(struct map_entry *entry)
{
    free(entry);
}

void purses_close(struct users *users)
{
    struct purses *purses = users->purses;

    if (!purses)
        return;
    purses_stop(users); /* what calls have settled since */
    map_done(&purses->calls, drop);
    map_done(&purses->map, drop);
    payments_free(purses->taken);
    payments_free(purses->first);
    journal_close(purses->journal);
    (void)pthread_mutex_destroy(&purses->lock);
    (void)pthread_mutex_destroy(&purses->flush_lock);
    (void)pthread_cond_destroy(&purses->filled);
    (void)pthread_cond_destroy(&purses->pending);
    free(purses);
    users->purses = NULL;
}
