/* SPDX-License-Identifier: Apache-2.0 */
#include "peers.h"

#include "cleanup.h"
#include "clock.h"

#include <stdio.h>
#include <string.h>

enum { KEY_MAX = 16 << 10 }; /* bytes: of a longer one nothing is remembered */

struct peer {
    struct map_entry entry; /* the key is the peer's own */
    struct peer_state state;
    json_t *tools;
    size_t tools_bytes;
    int64_t tools_until_ms, used_ms;
};

struct verdict {
    struct map_entry entry; /* likewise */
    enum peer_era era;
    int64_t since_ms;
};

/* ---- keys: "EGRESS\nURL\nUSER\nTOKEN" ---- */

char *peer_key(int egress, const char *url, const char *user, const char *token)
{
    char *key;

    if (asprintf(&key, "%03d\n%s\n%s\n%s", egress, url, user ? user : "", token ? token : "") < 0)
        return NULL;
    return key;
}

void peer_key_free(char *key)
{
    if (key)
        explicit_bzero(key, strlen(key));
    free(key);
}

const char *peer_key_url(const char *key)
{
    return key + 4;
}

const char *peer_key_token(const char *key)
{
    return strrchr(key, '\n') + 1;
}

int peer_key_egress(const char *key)
{
    return atoi(key);
}

/* A verdict goes for everybody who may go there at all: it says nothing of what is there. */
static size_t address_len(const char *key)
{
    return strcspn(peer_key_url(key), "\n?");
}

/* ---- the tables ---- */

static void peer_free(struct map_entry *entry)
{
    struct peer *peer = (struct peer *)entry;

    json_decref(peer->tools);
    peer_key_free((char *)peer->entry.key);
    explicit_bzero(&peer->state, sizeof(peer->state));
    free(peer);
}

static void verdict_free(struct map_entry *entry)
{
    free((char *)entry->key);
    free(entry);
}

int peers_init(struct peers *peers, uint32_t max, size_t kept_max)
{
    int r;

    (void)pthread_mutex_init(&peers->lock, NULL);
    peers->max = max;
    peers->kept_max = kept_max;
    r = map_init(&peers->peers);
    return r < 0 ? r : map_init(&peers->verdicts);
}

void peers_done(struct peers *peers)
{
    map_done(&peers->peers, peer_free);
    map_done(&peers->verdicts, verdict_free);
    (void)pthread_mutex_destroy(&peers->lock);
}

static struct peer *find(struct peers *peers, const char *key)
{
    struct peer *peer = (struct peer *)map_find(&peers->peers, key, strlen(key));

    if (peer)
        peer->used_ms = clock_mono_ms();
    return peer;
}

/* The one that waited longest. */
static struct peer *oldest(const struct peers *peers, bool with_tools)
{
    struct peer *found = NULL;

    for (size_t i = 0; i < peers->peers.slot_count; i++) {
        for (struct map_entry *it = peers->peers.slots[i]; it; it = it->next) {
            struct peer *peer = (struct peer *)it;

            if ((peer->tools || !with_tools) && (!found || peer->used_ms < found->used_ms))
                found = peer;
        }
    }
    return found;
}

static void drop_tools(struct peers *peers, struct peer *peer)
{
    peers->kept -= peer->tools_bytes;
    peer->tools_bytes = 0;
    json_decref(peer->tools);
    peer->tools = NULL;
}

static void remove_peer(struct peers *peers, struct peer *peer)
{
    drop_tools(peers, peer);
    map_remove(&peers->peers, &peer->entry);
    peer_free(&peer->entry);
}

/* Room for one more. */
static void make_room(struct peers *peers)
{
    if (peers->peers.count > 0 && peers->peers.count >= peers->max)
        remove_peer(peers, oldest(peers, false));
}

static struct peer *find_or_make(struct peers *peers, const char *key)
{
    struct peer *peer = find(peers, key);

    if (peer || strlen(key) > KEY_MAX)
        return peer;
    make_room(peers);
    peer = calloc(1, sizeof(*peer));
    if (!peer)
        return NULL;
    peer->used_ms = clock_mono_ms();
    peer->entry.key = strdup(key);
    peer->entry.key_len = strlen(key);
    if (!peer->entry.key || map_add(&peers->peers, &peer->entry) < 0) {
        peer_free(&peer->entry);
        return NULL;
    }
    return peer;
}

static struct verdict *find_verdict(struct peers *peers, const char *key)
{
    return (struct verdict *)map_find(&peers->verdicts, peer_key_url(key), address_len(key));
}

static void drop_verdicts(struct peers *peers)
{
    map_done(&peers->verdicts, verdict_free);
    (void)map_init(&peers->verdicts);
}

static void set_verdict(struct peers *peers, const char *key, enum peer_era era)
{
    struct verdict *verdict = find_verdict(peers, key);

    if (verdict) {
        verdict->era = era;
        return;
    }
    if (address_len(key) > KEY_MAX)
        return;
    if (peers->verdicts.count >= peers->max)
        drop_verdicts(peers); /* each is but one more question */
    verdict = calloc(1, sizeof(*verdict));
    if (!verdict)
        return;
    *verdict = (struct verdict){ .era = era, .since_ms = clock_mono_ms() };
    verdict->entry.key_len = address_len(key);
    verdict->entry.key = strndup(peer_key_url(key), verdict->entry.key_len);
    if (!verdict->entry.key || map_add(&peers->verdicts, &verdict->entry) < 0)
        verdict_free(&verdict->entry);
}

static void remove_verdict(struct peers *peers, struct verdict *verdict)
{
    map_remove(&peers->verdicts, &verdict->entry);
    verdict_free(&verdict->entry);
}

/* ---- what is known ---- */

void peers_get(struct peers *peers, const char *key, uint32_t verdict_ms,
               struct peer_state *ret_state)
{
    EIN_LOCKED(&peers->lock);
    struct verdict *verdict = find_verdict(peers, key);
    const struct peer *peer = find(peers, key);

    memset(ret_state, 0, sizeof(*ret_state));
    if (verdict && clock_mono_ms() - verdict->since_ms > verdict_ms) {
        remove_verdict(peers, verdict);
        verdict = NULL;
    }
    if (!verdict)
        return;
    if (peer && peer->state.era == verdict->era)
        *ret_state = peer->state;
    ret_state->era = verdict->era;
}

static void keep_state(struct peers *peers, const char *key, const struct peer_state *state)
{
    struct peer *peer = find_or_make(peers, key);

    set_verdict(peers, key, state->era);
    if (peer)
        peer->state = *state;
}

void peers_set(struct peers *peers, const char *key, const struct peer_state *state)
{
    EIN_LOCKED(&peers->lock);

    keep_state(peers, key, state);
}

bool peers_share(struct peers *peers, const char *key, struct peer_state *state)
{
    EIN_LOCKED(&peers->lock);
    const struct peer *peer = find(peers, key);

    if (peer && peer->state.era == state->era && peer->state.open) {
        *state = peer->state;
        return true;
    }
    keep_state(peers, key, state);
    return false;
}

void peers_lost(struct peers *peers, const char *key, const char *session)
{
    EIN_LOCKED(&peers->lock);
    struct peer *peer = find(peers, key);

    if (!peer || strcmp(peer->state.session, session) != 0)
        return;
    peer->state.open = false;
    peer->state.session[0] = '\0';
}

void peers_forget_verdict(struct peers *peers, const char *key)
{
    EIN_LOCKED(&peers->lock);
    struct verdict *verdict = find_verdict(peers, key);

    if (verdict)
        remove_verdict(peers, verdict);
}

/* ---- lists ---- */

void peers_keep_tools(struct peers *peers, const char *key, json_t *tools, size_t bytes,
                      int64_t ttl_ms)
{
    EIN_LOCKED(&peers->lock);
    struct peer *peer = find_or_make(peers, key);

    if (!peer)
        return;
    drop_tools(peers, peer);
    if (!tools || bytes > peers->kept_max)
        return;
    while (peers->kept + bytes > peers->kept_max)
        drop_tools(peers, oldest(peers, true));
    peer->tools = json_incref(tools);
    peer->tools_bytes = bytes;
    peers->kept += bytes;
    peer->tools_until_ms = clock_mono_ms() + ttl_ms;
}

json_t *peers_tools(struct peers *peers, const char *key, bool fresh)
{
    EIN_LOCKED(&peers->lock);
    const struct peer *peer = find(peers, key);

    if (!peer || (fresh && clock_mono_ms() >= peer->tools_until_ms))
        return NULL;
    return json_incref(peer->tools);
}

void peers_sweep(struct peers *peers, uint32_t idle_ms, peer_end_fn *end, void *data)
{
    EIN_LOCKED(&peers->lock);
    int64_t before_ms = clock_mono_ms() - idle_ms;

    for (size_t i = 0; i < peers->peers.slot_count; i++) {
        struct map_entry *it = peers->peers.slots[i], *next;

        for (; it; it = next) {
            struct peer *peer = (struct peer *)it;

            next = it->next;
            if (peer->used_ms > before_ms)
                continue;
            end(data, peer->entry.key, &peer->state);
            remove_peer(peers, peer);
        }
    }
}
