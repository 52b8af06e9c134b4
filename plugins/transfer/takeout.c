/* SPDX-License-Identifier: Apache-2.0 */
/* GET /users/me/export, GET /admin/users/{user_id}/export: what is kept of one user, as lines of
 * JSON.  The first tells whose it is, the last how much of each set there was, or why that is not
 * all; between them is a line for each document, as in an export of everything.
 *
 * It is what erasure/1 deletes, and what calls have cost; what keeps/1 tells of, whosever plugin
 * that is, and what is named here.  Nothing is held while a client is slow: a page is read, then
 * sent. */
#include "agent_doc.h"
#include "agent_secret.h"
#include "agent_version.h"
#include "audit_event.h"
#include "buf.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "ownership.h"
#include "served.h"
#include "transfer.h"

#include <stdbool.h>
#include <string.h>

enum { PAGE = 100 /* documents that are read at once, or fewer where they are long */ };

/* What keeps/1, which is for what counts, does not tell of. */
static const struct kept {
    const char *set, *field; /* names whose it is */
    const char *without[2];  /* members that nobody is to have: what opens something, and what is
                                written for admins */
    bool begins;             /* the field only begins with it, before a '|' */
} kept[] = {
    { "users", "_id", { "blocked" } },
    { "ledger_accounts", "_id" },
    { "ledger_entries", "userTime", .begins = true },
    { "ledger_expired", "userId" },
    { "ledger_budgets", "userId" }, /* of their keys */
    { "disk_quotas", "_id" },
    { "auth_sessions", "userId", { "_id", "said" } },
    { "api_keys", "userId", { "hash" } },
    { "api_key_owners", "_id" },
    { "runs", "userId" },
};

/* What goes with documents of another set: `field` is what these have as `member`. */
static const struct part {
    const char *of, *member, *set, *field;
    bool shared; /* by several; and it is theirs alone only where the other is */
} parts[] = {
    { AGENT_SET, "_id", VERSION_SET, "agentId" },
    { AGENT_SET, "_id", SECRET_SET, "_id" }, /* their names */
    { AGENT_SET, "_id", SETTINGS_SET, "_id" },
    { "runs", "_id", "run_events", "runId" },
    { "runs", "codeHash", "run_code", "_id", .shared = true },
};

enum { KEPT = sizeof(kept) / sizeof(kept[0]), PARTS = sizeof(parts) / sizeof(parts[0]) };

struct takeout {
    const struct transfer *transfer;
    struct ein_req *req;
    const char *uid;
    const char *owners[2]; /* uid, and that of things in their personal workspace */
    json_t *counts;        /* {set: documents} */
    json_t *shared;        /* which shared parts were sent: {member: true} */
    struct buf lines;      /* to be sent */
    bool has_begun;
    struct ein_error *err;
};

/* ---- lines ---- */

static int add_line(struct takeout *takeout, json_t *take_line)
{
    EIN_JSON json_t *line = take_line;
    const struct ein_host *host = takeout->transfer->host;
    char *text = line ? host->json_text(line, NULL) : NULL;
    int r = text ? buf_text(&takeout->lines, text) : EIN_E_NO_MEMORY;

    host->mem_free(text);
    return r < 0 ? r : buf_text(&takeout->lines, "\n");
}

static int begin(struct takeout *takeout)
{
    const struct ein_host *host = takeout->transfer->host;
    const struct ein_http *http = host->http;

    takeout->has_begun = true;
    (void)audit_done(host, takeout->transfer->ctx, takeout->req, NULL, "user_exported",
                     takeout->uid, NULL, NULL); /* what could not be written is in the log */
    return http->set_header(takeout->req, "Content-Type", "application/x-ndjson") < 0 ||
                   http->set_header(takeout->req, "Content-Disposition",
                                    "attachment; filename=\"einion.jsonl\"") < 0
               ? EIN_E_NO_MEMORY
               : 0;
}

static int send_lines(struct takeout *takeout)
{
    const struct ein_http *http = takeout->transfer->host->http;
    int r = takeout->has_begun ? 0 : begin(takeout);

    if (r >= 0)
        r = http->send_bytes(takeout->req, takeout->lines.data, takeout->lines.len);
    buf_clear(&takeout->lines);
    return r;
}

/* ---- documents ---- */

struct page {
    struct takeout *takeout;
    const char *set;
    const char *const *without;
    json_t *members[PARTS]; /* of its documents, by which their parts are found */
};

static bool is_theirs_alone(const struct takeout *takeout, const json_t *doc)
{
    const char *owner = text_of(doc, OWNER_INDEX);

    return owner &&
           (strcmp(owner, takeout->owners[0]) == 0 || strcmp(owner, takeout->owners[1]) == 0);
}

/* By which PART of DOC is found. */
static int note_member(struct page *page, size_t part, const json_t *doc)
{
    json_t *value = json_object_get(doc, parts[part].member);
    json_t *sent = page->takeout->shared;

    if (strcmp(parts[part].of, page->set) != 0 || !json_is_string(value))
        return 0;
    if (parts[part].shared &&
        (!is_theirs_alone(page->takeout, doc) || json_object_get(sent, json_string_value(value))))
        return 0;
    if (parts[part].shared && json_object_set(sent, json_string_value(value), json_true()) < 0)
        return EIN_E_NO_MEMORY;
    if (!page->members[part])
        page->members[part] = json_array();
    return json_array_append(page->members[part], value) < 0 ? EIN_E_NO_MEMORY : 0;
}

static int add_doc(const json_t *doc, void *data)
{
    struct page *page = data;
    struct takeout *takeout = page->takeout;
    EIN_JSON json_t *plain = json_copy((json_t *)doc);
    json_int_t count = json_integer_value(json_object_get(takeout->counts, page->set));
    int r = 0;

    (void)json_object_del(plain, "_rev");
    for (size_t i = 0; i < 2 && page->without && page->without[i]; i++)
        (void)json_object_del(plain, page->without[i]);
    for (size_t i = 0; i < PARTS && r >= 0; i++)
        r = note_member(page, i, doc);
    if (r >= 0)
        r = add_line(takeout, json_pack("{s:s, s:O}", "set", page->set, "doc", plain));
    if (r >= 0 && json_object_set_new(takeout->counts, page->set, json_integer(count + 1)) < 0)
        r = EIN_E_NO_MEMORY;
    return r;
}

static int add_found(struct takeout *takeout, const char *set, const char *const *without,
                     json_t *take_where);

static int add_parts(struct page *page)
{
    int r = 0;

    for (size_t i = 0; i < PARTS && r >= 0; i++)
        if (page->members[i])
            r = add_found(page->takeout, parts[i].set, NULL,
                          json_pack("{s:{s:O}}", parts[i].field, "$in", page->members[i]));
    return r;
}

/* A page of SET, and what goes with its documents. */
static int add_page(struct takeout *takeout, const char *set, const char *const *without,
                    const json_t *where, char **cursor)
{
    const struct transfer *transfer = takeout->transfer;
    const struct ein_query query = {
        .struct_size = sizeof(query), .where = where, .limit = PAGE, .cursor = *cursor
    };
    struct page page = { .takeout = takeout, .set = set, .without = without };
    char *next = NULL;
    int r = transfer->host->store->find(transfer->ctx, set, &query, add_doc, &page, &next,
                                        takeout->err);

    transfer->host->mem_free(*cursor);
    *cursor = next;
    if (r >= 0 && json_object_size(takeout->counts) > 0)
        r = send_lines(takeout);
    if (r >= 0)
        r = add_parts(&page);
    for (size_t i = 0; i < PARTS; i++)
        json_decref(page.members[i]);
    return r;
}

static int add_found(struct takeout *takeout, const char *set, const char *const *without,
                     json_t *take_where)
{
    EIN_JSON json_t *where = take_where;
    char *cursor = NULL;
    int r = where ? 0 : EIN_E_NO_MEMORY;

    do {
        if (r >= 0)
            r = add_page(takeout, set, without, where, &cursor);
    } while (r >= 0 && cursor);
    takeout->transfer->host->mem_free(cursor);
    return r;
}

/* ---- all of it ---- */

static int add_kept(struct takeout *takeout, const struct kept *what)
{
    const char *uid = takeout->uid;
    int r = 0;

    if (what->begins)
        return add_found(takeout, what->set, what->without,
                         json_pack("{s:{s:o}, s:s}", what->field, "$prefix",
                                   json_sprintf("%s|", uid), "userId", uid));
    for (size_t i = 0; i < 2 && r >= 0; i++)
        r = add_found(takeout, what->set, what->without,
                      json_pack("{s:s}", what->field, takeout->owners[i]));
    return r;
}

static bool is_part(const char *set)
{
    for (size_t i = 0; i < PARTS; i++)
        if (strcmp(parts[i].set, set) == 0)
            return true;
    return false;
}

static int add_keeper(const struct ein_service *service, void *data)
{
    const struct ein_keeps *keeps = service->vtable;
    int r = 0;

    for (const char *const *at = keeps->sets; *at && r >= 0; at += 2) {
        const struct kept what = { .set = at[0], .field = at[1] };

        r = is_part(what.set) ? 0 : add_kept(data, &what);
    }
    return r;
}

static int add_all(struct takeout *takeout)
{
    const struct transfer *transfer = takeout->transfer;
    char now[CLOCK_ISO_SIZE];
    int r;

    clock_iso(now);
    r = add_line(takeout, json_pack("{s:s, s:s, s:s}", "user", takeout->uid, "at", now, "einion",
                                    transfer->host->version));
    for (size_t i = 0; i < KEPT && r >= 0; i++)
        r = add_kept(takeout, &kept[i]);
    if (r >= 0)
        r = transfer->host->each_service(transfer->ctx, EIN_KEEPS, add_keeper, takeout);
    return r;
}

static int finish(struct takeout *takeout, int r)
{
    const struct ein_http *http = takeout->transfer->host->http;

    if (r == EIN_E_CANCELLED) /* nobody reads on */
        return r;
    if (r == EIN_E_NO_MEMORY)
        (void)error_no_memory(takeout->err);
    if (r < 0 && !takeout->has_begun)
        return http->fail_error(takeout->req, takeout->err);
    if (json_object_size(takeout->counts) == 0)
        return http->fail(takeout->req, 404, "Nothing is kept of '%s'.", takeout->uid);
    buf_clear(&takeout->lines);
    r = add_line(takeout, r < 0 ? json_pack("{s:s}", "error", takeout->err->text)
                                : json_pack("{s:O}", "end", takeout->counts));
    return r < 0 ? r : send_lines(takeout);
}

static int export_user(struct ein_req *req, const struct transfer *transfer, const char *uid)
{
    const struct ein_http *http = transfer->host->http;
    EIN_JSON json_t *workspace = json_sprintf(PERSONAL "%s", uid);
    EIN_JSON json_t *counts = json_object();
    EIN_JSON json_t *shared = json_object();
    const char *personal = ownership_drawer(http, req, uid, json_string_value(workspace));
    struct ein_error err = { 0 };
    struct takeout takeout = { .transfer = transfer,
                               .req = req,
                               .uid = uid,
                               .owners = { uid, personal },
                               .counts = counts,
                               .shared = shared,
                               .lines = BUF_INIT,
                               .err = &err };
    int r;

    if (!workspace || !counts || !shared || !personal)
        return EIN_E_NO_MEMORY;
    if (ownership_drawer(http, req, uid, NULL) != uid) /* what is meant may be a workspace's */
        return http->fail(req, 422, "'%s' is not the id of a user.", uid);
    r = finish(&takeout, add_all(&takeout));
    buf_done(&takeout.lines);
    return r;
}

int takeout_mine(struct ein_req *req, void *self)
{
    const struct transfer *transfer = self;

    return export_user(req, transfer, transfer->host->http->identity(req)->uid);
}

int takeout_anyones(struct ein_req *req, void *self)
{
    const struct transfer *transfer = self;

    return export_user(req, transfer, transfer->host->http->path_param(req, "user_id"));
}
