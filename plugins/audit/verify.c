/* SPDX-License-Identifier: Apache-2.0 */
/* Every entry is looked at, in the order of its number: that its mac is right behind the one
 * before, that none is missing, and that the head says where they end.  Servers may write
 * meanwhile: what the head said before is the least there must be, and what it says afterwards the
 * most. */
#include "audit.h"

#include "cleanup.h"
#include "error.h"
#include "http_json.h"

#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <string.h>

enum { PAGE = 500 };

struct walk {
    struct audit *audit;
    struct mac_key key;
    struct head head; /* as it was at first */
    uint64_t seq;     /* of the last entry that was right */
    char mac[MAC_SIZE];
};

static int wrong(const struct walk *walk, const char *what, struct ein_error *err)
{
    return error_set(err, EIN_E_INVALID, "Entry %" PRIu64 " of the audit log was %s", walk->seq + 1,
                     what);
}

static int check_entry(struct walk *walk, const json_t *doc, struct ein_error *err)
{
    const struct audit *audit = walk->audit;
    char mac[MAC_SIZE], expected[ENTRY_ID_SIZE];

    entry_id(walk->seq + 1, expected);
    int order = strcmp(json_string_value(json_object_get(doc, "_id")), expected);
    if (order != 0)
        return wrong(walk, order > 0 && walk->seq < walk->head.seq ? "taken away" : "put in", err);
    if (json_integer_value(json_object_get(doc, "seq")) != (json_int_t)walk->seq + 1 ||
        entry_mac(audit->host, &walk->key, doc, walk->mac, mac, NULL) < 0 ||
        !mac_equal(mac, json_string_value(json_object_get(doc, "mac"))))
        return wrong(walk, "changed", err);
    walk->seq++;
    memcpy(walk->mac, mac, sizeof(mac));
    if (walk->seq == walk->head.seq && strcmp(mac, walk->head.mac) != 0)
        return error_set(err, EIN_E_INVALID, "The head of the audit log is of another log");
    return 0;
}

/* *ret_count documents behind the last one. */
static int check_page(struct walk *walk, size_t *ret_count, struct ein_error *err)
{
    static const char *const order[] = { "_id", NULL };
    EIN_JSON json_t *where = NULL;
    EIN_JSON json_t *docs = NULL;
    char last[ENTRY_ID_SIZE];
    const json_t *doc;
    size_t i;

    entry_id(walk->seq, last);
    where = walk->seq ? json_pack("{s:{s:s}}", "_id", "$gt", last) : json_object();
    const struct ein_query query = {
        .struct_size = sizeof(query), .limit = PAGE, .where = where, .order = order
    };
    int r = find_docs(walk->audit->host, walk->audit->ctx, AUDIT_SET, &query, &docs, NULL, err);
    json_array_foreach(docs, i, doc)
    {
        r = r < 0 ? r : check_entry(walk, doc, err);
    }
    *ret_count = json_array_size(docs);
    return r;
}

static int check_end(struct walk *walk, struct ein_error *err)
{
    struct mac_key key;
    struct head now;
    int r = audit_load(walk->audit, false, &key, &now, err);

    gnutls_memset(&key, 0, sizeof(key));
    if (r < 0)
        return r;
    if (walk->seq < walk->head.seq)
        return wrong(walk, "taken away, and all behind it", err);
    if (walk->seq > now.seq)
        return error_set(err, EIN_E_INVALID,
                         "The head of the audit log is older than its entries: it ends at %" PRIu64
                         ", and there are %" PRIu64,
                         now.seq, walk->seq);
    return 0;
}

int audit_check_none(struct audit *audit, struct ein_error *err)
{
    uint64_t count;
    int r = audit->host->store->tally(audit->ctx, AUDIT_SET, NULL, &count, err);

    return r < 0 || count == 0 ? r
                               : error_set(err, EIN_E_INVALID, "The head of the audit log is gone");
}

int audit_verify(void *impl, uint64_t *ret_count, struct ein_error *err)
{
    struct walk walk = { .audit = impl };
    size_t count = PAGE;
    int r = audit_load(impl, false, &walk.key, &walk.head, err);

    if (r == EIN_E_NOT_FOUND)
        r = audit_check_none(impl, err);
    else if (r == 0) {
        while (r == 0 && count == PAGE)
            r = check_page(&walk, &count, err);
        if (r == 0)
            r = check_end(&walk, err);
    }
    gnutls_memset(&walk.key, 0, sizeof(walk.key));
    if (r == 0)
        *ret_count = walk.seq;
    return r;
}
