/* SPDX-License-Identifier: Apache-2.0 */
#include "old.h"

#include "cleanup.h"
#include "error.h"
#include "member.h"

#include <inttypes.h>
#include <string.h>

/* In the order in which they need each other. */
static const struct collection {
    const char *name;
    old_take *take;  /* NULL: left out */
    const char *why; /* it is */
} collections[] = {
    { "users", old_take_user, NULL },
    { "agents", old_take_agent, NULL },
    { "deployments", old_take_deployment, NULL },
    { "demos", old_take_demo, NULL },
    { "agent_data_store", old_take_record, NULL },
    { "tickets", NULL, "answers of chats are fetched once, by the page that has asked" },
    { "sessions", NULL, "nothing in them says whose they are: the page sets them again" },
    { "user_sessions", NULL, "everybody logs in again" },
    { "_users", NULL, "they are the database's own" },
    { "_replicator", NULL, "it is the database's own" },
    { "_global_changes", NULL, "they are the database's own" },
};
enum { COLLECTIONS = sizeof(collections) / sizeof(collections[0]) };

static const struct collection *find_collection(const char *name)
{
    for (size_t i = 0; i < COLLECTIONS; i++)
        if (strcmp(collections[i].name, name) == 0)
            return &collections[i];
    return NULL;
}

/* One collection on its way. */
struct taking {
    struct old *old;
    const struct collection *collection;
    struct load_tally *tally;
    json_t *left; /* lines: what was left out, and why */
    uint64_t designs;
};

static int take_one(const json_t *doc, void *data, struct ein_error *err)
{
    struct taking *taking = data;
    const char *id = text_of(doc, "_id");
    char why[WHY_SIZE] = "it is not a document: it has no _id";
    int r = 1;

    if (id && strncmp(id, "_design/", 8) == 0) {
        taking->designs++;
        return 0;
    }
    if (id)
        r = taking->collection->take(taking->old, taking->tally, doc, why, err);
    if (r <= 0)
        return r;
    return report_add(taking->left, "  left out: %s: %s", id ? id : "?", why) < 0
               ? error_no_memory(err)
               : 0;
}

static int tell(const struct taking *taking)
{
    json_t *report = taking->old->report;
    const json_t *line;
    size_t i;
    int r = report_add(report, "%s: %" PRIu64 " brought, %" PRIu64 " here already, %zu left out",
                       taking->collection->name, taking->tally->added, taking->tally->same,
                       json_array_size(taking->left));

    json_array_foreach(taking->left, i, line)
    {
        if (json_array_append(report, (json_t *)line) < 0)
            r = -1;
    }
    if (taking->designs > 0)
        r = report_add(report,
                       "  left out: %" PRIu64 " _design documents: einion has its own indexes",
                       taking->designs);
    return r;
}

static int take_collection(struct old *old, struct old_source *source,
                           const struct collection *collection, struct ein_error *err)
{
    EIN_JSON json_t *left = json_array();
    struct taking taking = { .old = old,
                             .collection = collection,
                             .tally = load_tally(old->load, collection->name),
                             .left = left };
    int r = old_source_read(source, collection->name, take_one, &taking, err);

    if (r >= 0)
        r = load_flush(old->load, err);
    if (r >= 0 && tell(&taking) < 0)
        r = error_no_memory(err);
    return r;
}

static int take_all(struct old *old, struct old_source *source, const json_t *names,
                    struct ein_error *err)
{
    size_t taken = 0;
    int r = 0;

    for (size_t i = 0; i < COLLECTIONS && r >= 0; i++)
        if (collections[i].take && list_has(names, collections[i].name)) {
            r = take_collection(old, source, &collections[i], err);
            taken++;
        }
    if (r >= 0 && taken == 0)
        r = error_set(err, EIN_E_NOT_FOUND,
                      "there is nothing to import: none of users, agents, deployments, "
                      "demos, agent_data_store");
    return r;
}

/* What users have spent has no collection of its own. */
static int tell_of_usage(struct old *old)
{
    const struct load_tally *usage = load_tally(old->load, "usage");

    if (!usage || usage->added + old->bad_usage == 0)
        return 0;
    return report_add(old->report,
                      "usage: %" PRIu64 " entries brought, %" PRIu64
                      " left out: they have no cost or no time",
                      usage->added, old->bad_usage);
}

static int tell_of_others(const struct old *old, const json_t *names)
{
    const json_t *item;
    size_t i;
    int r = 0;

    json_array_foreach(names, i, item)
    {
        const struct collection *collection = find_collection(json_string_value(item));

        if (r >= 0 && (!collection || !collection->take))
            r = report_add(old->report, "%s: left out: %s", json_string_value(item),
                           collection ? collection->why : "einion does not know what it is");
    }
    return r;
}

int old_import(const struct transfer *transfer, const char *from, json_t *report,
               struct ein_error *err)
{
    struct old old = { .transfer = transfer, .report = report };
    struct old_source *source = NULL;
    EIN_JSON json_t *names = NULL;
    int r = old_source_open(transfer, from, &source, err);

    if (r >= 0)
        r = old_source_names(source, &names, err);
    if (r >= 0) {
        old.load = load_new(transfer, false);
        r = old.load ? take_all(&old, source, names, err) : error_no_memory(err);
    }
    if (r >= 0 &&
        (tell_of_usage(&old) < 0 || tell_of_others(&old, names) < 0 ||
         (old.keys > 0 && report_add(report, "%" PRIu64 " keys and secrets are sealed in the vault",
                                     old.keys) < 0)))
        r = error_no_memory(err);
    load_free(old.load);
    old_source_close(source);
    return r;
}
