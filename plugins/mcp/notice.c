/* SPDX-License-Identifier: Apache-2.0 */
/* What a server is told while nobody waits for its answer: that a call is cancelled, a session is
 * over, what it asked is answered. */
#include "exchange.h"

#include <string.h>

enum { NOTICES_MAX = 100 /* that wait; a server may ask without end */ };

struct notice {
    struct notice *next;
    struct mcp *mcp;
    char *key, *body; /* body NULL: DELETE; host->mem_free() */
    size_t body_len;
    struct peer_state state;
};

static void free_notice(struct notice *notice)
{
    peer_key_free(notice->key);
    notice->mcp->host->mem_free(notice->body);
    explicit_bzero(&notice->state, sizeof(notice->state));
    free(notice);
}

static int nothing(void *data, const void *piece, size_t len)
{
    (void)data, (void)piece, (void)len;
    return 0;
}

static void send(const struct notice *notice, const char *url, const char *token)
{
    const struct mcp *mcp = notice->mcp;
    EIN_VENDOR_HEADERS struct vendor_headers lines = { .count = 0 };
    const struct talk talk = { .call = { .token = token }, .state = notice->state };
    struct ein_fetched got = { .struct_size = sizeof(got) };
    const struct ein_fetch what = {
        .struct_size = sizeof(what),
        .egress = peer_key_egress(notice->key),
        .connect_ms = mcp->connect_ms,
        .total_ms = mcp->notice_ms,
        .max_bytes = VENDOR_ERROR_MAX,
        .method = notice->body ? "POST" : "DELETE",
        .url = url,
        .headers = (const char *const *)lines.lines,
        .body = notice->body,
        .body_len = notice->body_len,
        .on_data = nothing,
        .piece_bytes = 1024,
    };

    if (vendor_header(&lines, "Accept", "application/json, text/event-stream", NULL) < 0 ||
        (notice->body && vendor_header(&lines, "Content-Type", "application/json", NULL) < 0) ||
        exchange_headers(&talk, &lines, NULL, NULL, NULL) < 0)
        return;
    /* Whether it has heard it makes no difference. */
    (void)mcp->host->client->fetch(mcp->ctx, &what, &got, NULL);
    json_decref(got.headers);
    mcp->host->mem_free(got.body);
}

static void run(void *data)
{
    const struct notice *notice = data;
    const char *url = peer_key_url(notice->key);
    EIN_FREE char *address = strndup(url, strcspn(url, "\n"));

    if (address)
        send(notice, address, peer_key_token(notice->key));
}

/* ---- one after the other ---- */

void notices_init(struct notices *notices)
{
    *notices = (struct notices){ .last = &notices->first };
    (void)pthread_mutex_init(&notices->lock, NULL);
}

void notices_done(struct notices *notices)
{
    (void)pthread_mutex_destroy(&notices->lock);
}

/* True: NOTICE is to be sent now; else it waits, or is let go of. */
static bool take_turn(struct notices *notices, struct notice *notice)
{
    EIN_LOCKED(&notices->lock);

    if (!notices->sending)
        return notices->sending = true;
    if (notices->waiting == NOTICES_MAX) {
        free_notice(notice);
        return false;
    }
    notices->waiting++;
    *notices->last = notice;
    notices->last = &notice->next;
    return false;
}

/* NULL: none waits. */
static struct notice *next_of(struct notices *notices)
{
    EIN_LOCKED(&notices->lock);
    struct notice *next = notices->first;

    notices->sending = next;
    if (!next)
        return NULL;
    notices->waiting--;
    notices->first = next->next;
    if (!notices->first)
        notices->last = &notices->first;
    return next;
}

/* It was sent, or cannot be: the next one's turn. */
static void drop(void *data)
{
    struct notice *notice = data;
    struct mcp *mcp = notice->mcp;

    free_notice(notice);
    notice = next_of(&mcp->notices);
    if (notice)
        (void)mcp->host->submit(mcp->ctx, run, drop, notice);
}

void exchange_notice(struct mcp *mcp, const char *key, const struct peer_state *state,
                     const json_t *message)
{
    struct notice *notice = calloc(1, sizeof(*notice));

    if (!notice)
        return;
    notice->mcp = mcp;
    notice->state = *state;
    notice->key = strdup(key);
    notice->body = message ? mcp->host->json_text(message, &notice->body_len) : NULL;
    if (!notice->key || (message && !notice->body))
        free_notice(notice);
    else if (take_turn(&mcp->notices, notice))
        (void)mcp->host->submit(mcp->ctx, run, drop, notice);
}
