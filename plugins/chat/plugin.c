/* SPDX-License-Identifier: Apache-2.0 */
/* chat: questions to models that outlive connections and servers.
 *
 *   POST   /chat               stores a ticket, then answers with its id
 *   GET    /chat/{ticket_id}   how it stands; ?wait=SECONDS waits for its end; with
 *                              Accept: text/event-stream its answer as it comes
 *   DELETE /chat/{ticket_id}   cancels it, at the vendor too; ?forget=true deletes it
 *
 * Any server on the database works on any ticket.  A worker takes one for as long as its lease,
 * which it extends; if its server dies, the lease ends and the ticket is begun again, up to
 * `attempts` times.  Each write names the revision that it follows, so that a ticket ends once,
 * whoever was at it, and is begun no more after that.  A call that a vendor had answered, and been
 * paid for, when its server died before the answer was stored is made again: nobody else knows
 * that answer.
 *
 * The event stream: "ticket" first, then "text", "thought", "tool_call" and "source" with ids, by
 * which a reader goes on where it was (Last-Event-ID), and "done" with the ticket.  "restart" says
 * that the pieces so far are void, as the ticket was begun again.  Pieces are kept in the memory of
 * the server that works on the ticket, until it has ended and nobody follows it there any more; who
 * comes later, or to another server, gets the end, with all of the answer in it.
 *
 * A ticket belongs to its user, and to the workspace that `workspaceId` may name.  A POST with an
 * Idempotency-Key is answered with the ticket that the same POST made before.
 *
 * Needs storage_backend/1 and completion/1.
 *
 * Settings
 *   workers            tickets that this server works on at once (64)
 *   queue              tickets that may wait or be worked on, on all servers; above it 503 (1000)
 *   user_tickets       of them of one user; above it 429 (100)
 *   attempts           how often one is begun whose server dies (3)
 *   lease_ms           how long one waits whose server has died (30000)
 *   poll_ms            how often the store is looked at for what other servers did (500)
 *   ticket_s           after so many seconds it fails (1800)
 *   keep_hours         how long it is kept once it has ended (168)
 *   sweep_ms           how often such tickets are looked for (10000)
 *   wait_max_s         the most that ?wait= waits (60)
 *   messages           the most that one may have (1000)
 *   request_bytes      the longest request (8388608)
 *   answer_bytes       the memory that one answer may take (16777216)
 *   drain_ms           what answers may still take when the server stops; then they are handed
 *                      to another, or wait for its return (5000)
 *
 * Example
 *   plugins:
 *     chat:
 *       workers: 128
 *       keep_hours: 24
 */
#include "chat.h"
#include "chat_schemas.h"
#include "init.h"
#include "member.h"
#include <einion/services.h>
#include <jansson.h>
#include <stdlib.h>

#define SETTING(name, least, most, unset, text)                                                    \
    "\"" #name "\": {\"type\": \"integer\", \"minimum\": " #least ", \"maximum\": " #most          \
    ", \"default\": " #unset ", \"description\": \"" text "\"}"

/* clang-format off */
static const char config_schema[] = "{\"type\": \"object\", \"properties\": {"
    SETTING(workers, 1, 4096, 64, "Tickets that this server works on at once.") ","
    SETTING(queue, 1, 1000000, 1000, "Tickets that may wait or be worked on; above it 503.") ","
    SETTING(user_tickets, 1, 1000000, 100, "Of them of one user; above it 429.") ","
    SETTING(attempts, 1, 100, 3, "How often a ticket is begun whose server dies.") ","
    SETTING(lease_ms, 100, 3600000, 30000, "How long a ticket waits whose server has died.") ","
    SETTING(poll_ms, 10, 60000, 500, "How often the store is looked at for what other servers did.") ","
    SETTING(ticket_s, 1, 604800, 1800, "After so many seconds a ticket fails.") ","
    SETTING(keep_hours, 0, 87600, 168, "How long a ticket is kept once it has ended.") ","
    SETTING(sweep_ms, 10, 3600000, 10000, "How often old tickets are looked for.") ","
    SETTING(wait_max_s, 0, 3600, 60, "The most seconds that ?wait= waits.") ","
    SETTING(messages, 1, 1000000, 1000, "The most messages of a ticket; above it 422.") ","
    SETTING(request_bytes, 1, 1073741824, 8388608, "The longest request; above it 413.") ","
    SETTING(answer_bytes, 1, 1073741824, 16777216, "The memory that one answer may take.") ","
    SETTING(drain_ms, 0, 600000, 5000, "What answers may still take when the server stops.")
    "}}";
/* clang-format on */

static const struct ein_route routes[] = {
    { .method = "POST",
      .path = "/chat",
      .operation_id = "create_chat",
      .summary = "Ask a model, and get a ticket for its answer",
      .auth = EIN_AUTH_USER,
      .flags = EIN_ROUTE_EVENTS | EIN_ROUTE_ONCE_OWN,
      .body_schema = ASK_SCHEMA,
      .reply_schema = TICKET_SCHEMA,
      .scope = "models:run",
      .status = 200,
      .handle = chat_ask },
    { .method = "GET",
      .path = "/chat/{ticket_id}",
      .operation_id = "get_chat",
      .summary = "How a ticket stands",
      .auth = EIN_AUTH_USER,
      .flags = EIN_ROUTE_EVENTS,
      .query_schema = GET_QUERY_SCHEMA,
      .reply_schema = TICKET_SCHEMA,
      .scope = "models:run",
      .status = 200,
      .handle = chat_get },
    { .method = "DELETE",
      .path = "/chat/{ticket_id}",
      .operation_id = "cancel_chat",
      .summary = "Cancel a ticket, or delete it",
      .auth = EIN_AUTH_USER,
      .query_schema = CANCEL_QUERY_SCHEMA,
      .scope = "models:write",
      .status = 204,
      .handle = chat_cancel },
};

static void read_settings(struct chat *chat, const json_t *config)
{
    chat->workers_max = (unsigned)integer_of(config, "workers");
    chat->queue_max = integer_of(config, "queue");
    chat->user_max = integer_of(config, "user_tickets");
    chat->attempts_max = integer_of(config, "attempts");
    chat->lease_ms = integer_of(config, "lease_ms");
    chat->poll_ms = integer_of(config, "poll_ms");
    chat->sweep_ms = setting_of(config, "sweep_ms");
    chat->ticket_ms = integer_of(config, "ticket_s") * 1000;
    chat->keep_ms = integer_of(config, "keep_hours") * 3600 * 1000;
    chat->drain_ms = integer_of(config, "drain_ms");
    chat->wait_max_ms = integer_of(config, "wait_max_s") * 1000;
    chat->messages_max = (size_t)integer_of(config, "messages");
    chat->request_max = (size_t)integer_of(config, "request_bytes");
    chat->answer_max = (size_t)integer_of(config, "answer_bytes");
}

static void fini(void *self)
{
    struct chat *chat = self;

    workers_done(&chat->workers);
    lives_done(&chat->lives);
    free(chat);
}

static const char *const kept[] = { TICKET_SET, "userId", ASKED_SET, "userId", NULL };
static const struct ein_keeps keeps = { .struct_size = sizeof(keeps), .sets = kept };

static int init(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                void **ret_self, struct ein_error *err)
{
    struct chat *chat = calloc(1, sizeof(*chat));
    int r;

    if (!chat)
        return error_no_memory(err);
    chat->host = host;
    chat->ctx = ctx;
    read_settings(chat, config);
    workers_init(&chat->workers);
    r = lives_init(&chat->lives);
    r = r < 0 ? error_set(err, r, "The system has no random bytes.")
              : EIN_ADD_ROUTES(host, ctx, routes, chat, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_KEEPS, NULL, &keeps, chat, err);
    if (r >= 0)
        r = host->publish(ctx, EIN_ERASURE, "chats", &chat_erasure, chat, err);
    return init_done(r, chat, fini, ret_self);
}

static int start(void *self, struct ein_error *err)
{
    static const char *const indexed[] = { "dueAt", "endsAt", "openOf", "userId" };
    struct chat *chat = self;
    int r = chat->host->store->index(chat->ctx, ASKED_SET, "userId", err);

    for (size_t i = 0; r >= 0 && i < sizeof(indexed) / sizeof(indexed[0]); i++)
        r = chat->host->store->index(chat->ctx, TICKET_SET, indexed[i], err);
    if (r >= 0 && chat->host->every(chat->ctx, chat->sweep_ms, chat_sweep, chat) < 0)
        r = error_no_memory(err);
    return r < 0 ? r : workers_start(chat, err);
}

static const char *const needs[] = { EIN_STORAGE_BACKEND, EIN_COMPLETION, NULL };

static const struct ein_plugin plugin = {
    EIN_PLUGIN_HEADER,
    .flags = EIN_PLUGIN_SINGLE,
    .name = "chat",
    .version = "0.1.0",
    .summary = "Questions to models that outlive connections and servers",
    .config_schema = config_schema,
    .needs = needs,
    .init = init,
    .start = start,
    .stop = workers_stop,
    .fini = fini,
};
EIN_PLUGIN_EXPORT(plugin)
