/* SPDX-License-Identifier: Apache-2.0 */
#include "member.h"
#include "memory.h"

#include "cleanup.h"
#include "document.h"
#include "error.h"
#include "hits.h"

struct candidate {
    const struct memory_doc *doc;
    struct key keys[QUERY_ORDER_MAX];
};

struct candidates {
    struct candidate *list;
    size_t count;
};

static int matches(const struct query *query, const json_t *doc, struct ein_error *err)
{
    for (size_t i = 0; i < query->term_count; i++) {
        struct key key;
        if (key_make(member_at(doc, query->terms[i].field), &key) < 0)
            return error_no_memory(err);
        bool match = query_term_match(&query->terms[i], &key);
        key_done(&key);
        if (!match)
            return 0;
    }
    return 1;
}

static int compare_places(const struct query *query, const struct key *a, uint64_t a_seq,
                          const struct key *b, uint64_t b_seq)
{
    for (size_t i = 0; i < query->order_count; i++) {
        int order = key_compare(&a[i], &b[i]);
        if (order)
            return query->order[i].descending ? -order : order;
    }
    return (a_seq > b_seq) - (a_seq < b_seq);
}

static int compare_candidates(const void *left, const void *right, void *data)
{
    const struct candidate *a = left, *b = right;

    return compare_places(data, a->keys, a->doc->seq, b->keys, b->doc->seq);
}

static bool is_before_cursor(const struct query *query, const struct candidate *candidate)
{
    return query->resumed && compare_places(query, candidate->keys, candidate->doc->seq,
                                            query->after, query->after_seq) <= 0;
}

static void done_candidate(struct candidate *candidate)
{
    for (size_t i = 0; i < QUERY_ORDER_MAX; i++)
        key_done(&candidate->keys[i]);
}

static void done_candidates(struct candidates *found)
{
    while (found->count--)
        done_candidate(&found->list[found->count]);
    free(found->list);
}

static int consider(const struct query *query, const struct memory_doc *doc,
                    struct candidates *found, struct ein_error *err)
{
    struct candidate candidate = { .doc = doc };
    int r = matches(query, doc->json, err);

    if (r <= 0)
        return r;
    for (size_t i = 0; i < query->order_count; i++)
        if (key_make(member_at(doc->json, query->order[i].field), &candidate.keys[i]) < 0) {
            done_candidate(&candidate);
            return error_no_memory(err);
        }
    if (is_before_cursor(query, &candidate))
        done_candidate(&candidate);
    else
        found->list[found->count++] = candidate;
    return 0;
}

static int collect_from(const struct memory_set *set, const struct query *query, struct hits *hits,
                        struct ein_error *err)
{
    struct candidates found = { 0 };
    int r = 0;

    if (!set)
        return 0;
    found.list = calloc(set->docs.count + 1, sizeof(*found.list));
    if (!found.list)
        return error_no_memory(err);

    for (const struct memory_doc *doc = set->first; doc && r >= 0; doc = doc->next)
        r = consider(query, doc, &found, err);
    if (r >= 0)
        qsort_r(found.list, found.count, sizeof(*found.list), compare_candidates, (void *)query);
    for (size_t i = 0; r >= 0 && i < found.count && i <= query->limit; i++)
        r = hits_add(hits, json_incref(found.list[i].doc->json), found.list[i].doc->seq, 0, err);

    done_candidates(&found);
    return r;
}

struct find {
    struct memory *memory;
    const char *set;
};

static int collect(void *data, const struct query *query, struct hits *hits, struct ein_error *err)
{
    const struct find *find = data;

    pthread_rwlock_rdlock(&find->memory->lock);
    int r = collect_from(memory_find_set(find->memory, find->set), query, hits, err);
    pthread_rwlock_unlock(&find->memory->lock);
    return r;
}

int memory_find(void *impl, const char *set, const struct ein_query *from, ein_doc_fn *each,
                void *data, char **ret_cursor, struct ein_error *err)
{
    struct memory *memory = impl;
    struct find find = { memory, set };
    const struct hits_source source = { memory->host, collect, &find, SIZE_MAX, set };

    return hits_find(&source, from, each, data, ret_cursor, err);
}

/* Adds up to *SUM what one document counts. */
typedef int measure(const struct memory *memory, const json_t *doc, uint64_t *sum,
                    struct ein_error *err);

static int add_one(const struct memory *memory, const json_t *doc, uint64_t *sum,
                   struct ein_error *err)
{
    (void)memory;
    (void)doc;
    (void)err;
    ++*sum;
    return 0;
}

/* As the others keep it: its text, without what is the store's. */
static int add_bytes(const struct memory *memory, const json_t *doc, uint64_t *sum,
                     struct ein_error *err)
{
    struct doc_text text = { 0 };
    int r = doc_encode(memory->host, doc, SIZE_MAX, &text, err);

    *sum += text.len;
    memory->host->mem_free(text.own);
    return r;
}

static int add_up(const struct memory *memory, const char *set, const struct query *query,
                  measure *add, uint64_t *ret_sum, struct ein_error *err)
{
    const struct memory_set *found = memory_find_set(memory, set);
    int r = 0;

    *ret_sum = 0;
    for (const struct memory_doc *doc = found ? found->first : NULL; doc && r >= 0;
         doc = doc->next) {
        r = matches(query, doc->json, err);
        if (r > 0)
            r = add(memory, doc->json, ret_sum, err);
    }
    return r;
}

static int sum_of(struct memory *memory, const char *set, const json_t *where, measure *add,
                  uint64_t *ret_sum, struct ein_error *err)
{
    struct query query;
    int r = query_parse_where(&query, set, where, err);

    if (r >= 0) {
        pthread_rwlock_rdlock(&memory->lock);
        r = add_up(memory, set, &query, add, ret_sum, err);
        pthread_rwlock_unlock(&memory->lock);
    }
    query_done(&query);
    return r < 0 ? r : 0;
}

int memory_tally(void *impl, const char *set, const json_t *where, uint64_t *ret_count,
                 struct ein_error *err)
{
    return sum_of(impl, set, where, add_one, ret_count, err);
}

int memory_weigh(void *impl, const char *set, const json_t *where, uint64_t *ret_bytes,
                 struct ein_error *err)
{
    return sum_of(impl, set, where, add_bytes, ret_bytes, err);
}

int memory_sets(void *impl, json_t **ret_names, struct ein_error *err)
{
    struct memory *memory = impl;
    EIN_JSON json_t *names = json_array();
    int r = names ? 0 : -1;

    pthread_rwlock_rdlock(&memory->lock);
    for (size_t i = 0; i < memory->sets.slot_count; i++)
        for (const struct map_entry *it = memory->sets.slots[i]; it && r == 0; it = it->next)
            r = json_array_append_new(names, json_string(it->key));
    pthread_rwlock_unlock(&memory->lock);
    if (r < 0)
        return error_no_memory(err);
    *ret_names = EIN_TAKE(names);
    return 0;
}

int memory_index(void *impl, const char *set, const char *field, struct ein_error *err)
{
    EIN_FREE char *first = NULL;
    const char *last;

    (void)impl;
    return doc_check_index(set, field, &first, &last, err);
}

static struct memory_doc *find_due(const struct memory_set *set, const char *due_field, int64_t now)
{
    struct memory_doc *first = NULL;
    int64_t smallest = 0;

    for (struct memory_doc *doc = set ? set->first : NULL; doc; doc = doc->next) {
        const json_t *due = json_object_get(doc->json, due_field);
        int64_t value = json_integer_value(due);
        if (json_is_integer(due) && value <= now && (!first || value < smallest)) {
            first = doc;
            smallest = value;
        }
    }
    return first;
}

static int take_due(struct memory *memory, const char *set, const char *due_field, int64_t now,
                    int64_t due_next, json_t **ret_doc, struct ein_error *err)
{
    struct memory_doc *doc = find_due(memory_find_set(memory, set), due_field, now);
    EIN_JSON json_t *members = NULL;
    json_t *json;
    int r;

    if (!doc)
        return 0;
    r = doc_with_integer(doc->json, due_field, due_next, &members, err);
    if (r >= 0)
        r = memory_revise(memory, members, doc->id, doc_rev(doc->json), &json, err);
    if (r < 0)
        return r;
    json_decref(doc->json);
    doc->json = json;
    *ret_doc = json_incref(json);
    return 1;
}

int memory_claim(void *impl, const char *set, const char *due_field, int64_t now, int64_t lease,
                 json_t **ret_doc, struct ein_error *err)
{
    struct memory *memory = impl;
    int64_t due_next;
    int r = doc_check_claim(set, due_field, now, lease, &due_next, err);

    if (r < 0)
        return r;
    pthread_rwlock_wrlock(&memory->lock);
    r = take_due(memory, set, due_field, now, due_next, ret_doc, err);
    pthread_rwlock_unlock(&memory->lock);
    return r;
}
