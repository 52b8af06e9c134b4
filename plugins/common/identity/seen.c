/* SPDX-License-Identifier: Apache-2.0 */
#include "seen.h"
#include "cleanup.h"
#include "error.h"
#include "list.h"
#include "map.h"

#include <gnutls/crypto.h>
#include <string.h>

struct token {
    struct map_entry entry; /* first; its key is `hash` */
    struct list link;
    json_t *claims;
    int64_t until_s;
    unsigned char hash[SEEN_HASH_SIZE];
};

struct seen {
    pthread_mutex_t lock;
    struct map map;     /* guarded by lock, as all below */
    struct list by_use; /* the one asked for longest ago first */
    size_t max;
};

int seen_new(size_t max, struct seen **ret_seen, struct ein_error *err)
{
    struct seen *seen = calloc(1, sizeof(*seen));

    if (!seen)
        return error_no_memory(err);
    if (map_init(&seen->map) < 0) {
        free(seen);
        return error_set(err, EIN_E_INTERNAL, "no random numbers");
    }
    (void)pthread_mutex_init(&seen->lock, NULL);
    list_init(&seen->by_use);
    seen->max = max;
    *ret_seen = seen;
    return 0;
}

static void token_free(struct map_entry *entry)
{
    struct token *token = (struct token *)entry;

    json_decref(token->claims);
    free(token);
}

void seen_free(struct seen *seen)
{
    if (!seen)
        return;
    map_done(&seen->map, token_free);
    (void)pthread_mutex_destroy(&seen->lock);
    free(seen);
}

void seen_hash(const char *token, unsigned char ret_hash[SEEN_HASH_SIZE])
{
    /* It cannot fail: the algorithm is there, and nothing is allocated. */
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, token, strlen(token), ret_hash) < 0)
        abort();
}

static void forget(struct seen *seen, struct token *token)
{
    list_remove(&token->link);
    map_remove(&seen->map, &token->entry);
    token_free(&token->entry);
}

json_t *seen_get(struct seen *seen, const unsigned char hash[SEEN_HASH_SIZE], int64_t now_s)
{
    EIN_LOCKED(&seen->lock);
    struct token *token = (struct token *)map_find(&seen->map, (const char *)hash, SEEN_HASH_SIZE);

    if (!token)
        return NULL;
    if (now_s >= token->until_s) {
        forget(seen, token);
        return NULL;
    }
    list_remove(&token->link);
    list_append(&seen->by_use, &token->link);
    return json_incref(token->claims);
}

void seen_add(struct seen *seen, const unsigned char hash[SEEN_HASH_SIZE], json_t *claims,
              int64_t exp_s, int64_t good_s, int64_t now_s)
{
    EIN_LOCKED(&seen->lock);
    int64_t until_s = exp_s - now_s < good_s ? exp_s : now_s + good_s;
    struct token *token;

    /* Two requests with one new token may both have verified it. */
    if (seen->max == 0 || until_s <= now_s ||
        map_find(&seen->map, (const char *)hash, SEEN_HASH_SIZE))
        return;
    if (seen->map.count == seen->max)
        forget(seen, list_entry(seen->by_use.next, struct token, link));
    token = calloc(1, sizeof(*token));
    if (!token)
        return;
    memcpy(token->hash, hash, SEEN_HASH_SIZE);
    token->entry.key = (const char *)token->hash;
    token->entry.key_len = SEEN_HASH_SIZE;
    token->claims = json_incref(claims);
    token->until_s = until_s;
    if (map_add(&seen->map, &token->entry) < 0) {
        token_free(&token->entry);
        return;
    }
    list_append(&seen->by_use, &token->link);
}
