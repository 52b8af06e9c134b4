/* SPDX-License-Identifier: Apache-2.0 */
#include "router.h"
#include "arena.h"
#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "gate.h"
#include "percent.h"
#include "route.h"
#include "rwlock.h"
#include "stats.h"
#include "str.h"
#include <stdio.h>
#include <string.h>

enum { ALLOW_MAX = 256, HELD_MAX = 4096, ROUTES_MAX = 10000 };

/* One segment of the templates, and all that may follow it. */
struct node {
    const char *text;  /* the literal; NULL for a parameter */
    struct node *next; /* the next literal beside this one */
    struct node *literals, *param;
    struct route_list {
        struct route_list *next;
        const struct route_entry *entry;
    } * routes, *tails; /* that end here; that take all the rest */
};

/* All routes at one time.  Immutable: replaced whole. */
struct table {
    struct arena arena;
    struct node *roots[ROUTE_PLACES];
    size_t count;
    struct route_entry *entries[]; /* ordered by path, then method */
};

struct router {
    struct metrics *metrics;
    pthread_mutex_t writer; /* held while a new table is made */
    pthread_rwlock_t lock;
    struct table *table; /* guarded by lock */
    uint64_t version;    /* atomic */
};

/* ---- making tables ---- */

static void table_free(struct table *table)
{
    if (!table)
        return;
    arena_done(&table->arena);
    free(table);
}

static struct node *child_for(struct table *table, struct node *node, const struct segment *segment)
{
    struct node **at = segment->kind == SEGMENT_PARAM ? &node->param : &node->literals;

    while (*at && (*at)->text && !str_eq((*at)->text, segment->text))
        at = &(*at)->next;
    if (!*at) {
        *at = arena_alloc(&table->arena, sizeof(**at));
        if (*at && segment->kind == SEGMENT_LITERAL)
            (*at)->text = segment->text;
    }
    return *at;
}

static bool add_to_tree(struct table *table, const struct route_entry *entry)
{
    struct node *node = table->roots[route_place(&entry->route)];
    size_t depth = entry->count;
    bool tail = depth > 0 && entry->segments[depth - 1].kind == SEGMENT_TAIL;
    struct route_list *item = arena_alloc(&table->arena, sizeof(*item));
    struct route_list **list;

    for (size_t i = 0; node && i < depth - tail; i++)
        node = child_for(table, node, &entry->segments[i]);
    if (!node || !item)
        return false;
    list = tail ? &node->tails : &node->routes;
    *item = (struct route_list){ .next = *list, .entry = entry };
    *list = item;
    return true;
}

static bool plant_trees(struct table *table)
{
    for (size_t i = 0; i < ROUTE_PLACES; i++) {
        table->roots[i] = arena_alloc(&table->arena, sizeof(struct node));
        if (!table->roots[i])
            return false;
    }
    for (size_t i = 0; i < table->count; i++)
        if (!add_to_tree(table, table->entries[i]))
            return false;
    return true;
}

static int by_path_and_method(const void *a, const void *b)
{
    const struct ein_route *left = &(*(struct route_entry *const *)a)->route.spec;
    const struct ein_route *right = &(*(struct route_entry *const *)b)->route.spec;
    int order = strcmp(left->path, right->path);

    return order ? order : strcmp(left->method, right->method);
}

static struct table *table_new(struct route_entry *const *entries, size_t count)
{
    struct table *table = malloc(sizeof(*table) + count * sizeof(struct route_entry *));

    if (!table)
        return NULL;
    table->count = count;
    if (count > 0)
        memcpy(table->entries, entries, count * sizeof(struct route_entry *));
    qsort(table->entries, count, sizeof(struct route_entry *), by_path_and_method);

    arena_init(&table->arena, NULL, 0, SIZE_MAX);
    if (plant_trees(table))
        return table;
    table_free(table);
    return NULL;
}

static void swap_table(struct router *router, struct table *table)
{
    struct table *old;

    (void)pthread_rwlock_wrlock(&router->lock);
    old = router->table;
    router->table = table;
    (void)__atomic_add_fetch(&router->version, 1, __ATOMIC_RELEASE);
    (void)pthread_rwlock_unlock(&router->lock);
    table_free(old);
}

int router_new(struct metrics *metrics, struct router **ret_router)
{
    struct router *router = calloc(1, sizeof(*router));

    if (!router)
        return EIN_E_NO_MEMORY;
    router->metrics = metrics;
    router->table = table_new(NULL, 0);
    if (!router->table) {
        free(router);
        return EIN_E_NO_MEMORY;
    }
    (void)pthread_mutex_init(&router->writer, NULL);
    rwlock_init(&router->lock);
    *ret_router = router;
    return 0;
}

void router_free(struct router *router)
{
    if (!router)
        return;
    for (size_t i = 0; i < router->table->count; i++)
        route_entry_free(router->table->entries[i]);
    table_free(router->table);
    (void)pthread_rwlock_destroy(&router->lock);
    (void)pthread_mutex_destroy(&router->writer);
    free(router);
}

/* ---- adding and removing ---- */

static int check_against(const struct route_entry *entry, const struct route_entry *other,
                         struct ein_error *err)
{
    const struct ein_route *mine = &entry->route.spec, *theirs = &other->route.spec;

    if (route_entry_same(entry, other))
        return error_set(err, EIN_E_CONFLICT, "%s %s of \"%s\" is taken by %s %s of \"%s\"",
                         mine->method, mine->path, entry->route.owner.name, theirs->method,
                         theirs->path, other->route.owner.name);
    if (str_eq(mine->operation_id, theirs->operation_id))
        return error_set(err, EIN_E_CONFLICT,
                         "the operation_id %s of \"%s\" (%s %s) is taken by %s %s of \"%s\"",
                         mine->operation_id, entry->route.owner.name, mine->method, mine->path,
                         theirs->method, theirs->path, other->route.owner.name);
    return 0;
}

/* Appends the entries for `routes` to the `ret_count` that are in `entries`. */
static int make_entries(struct router *router, const struct route_owner *owner, const char *routes,
                        size_t count, size_t stride, void *self, struct route_entry **entries,
                        size_t *ret_count, struct ein_error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct ein_route spec = { 0 };
        int r;

        memcpy(&spec, routes + i * stride, stride < sizeof(spec) ? stride : sizeof(spec));
        r = route_entry_new(owner, &spec, self, router->metrics, &entries[*ret_count], err);
        if (r < 0)
            return r;
        (*ret_count)++;
        for (size_t k = 0; k + 1 < *ret_count && r >= 0; k++)
            r = check_against(entries[*ret_count - 1], entries[k], err);
        if (r < 0)
            return r;
    }
    return 0;
}

int router_add(struct router *router, const struct route_owner *owner,
               const struct ein_route *routes, size_t count, size_t stride, void *self,
               struct ein_error *err)
{
    EIN_LOCKED(&router->writer);
    const struct table *old = router->table;
    size_t total = old->count;
    EIN_FREE struct route_entry **entries = NULL;
    struct table *table = NULL;
    int r;

    if (!routes && count > 0)
        return error_set(err, EIN_E_INVALID, "routes of \"%s\": there are none", owner->name);
    if (stride < offsetof(struct ein_route, handle) + sizeof(routes->handle))
        return error_set(err, EIN_E_INVALID, "routes of \"%s\": the stride %zu is too small",
                         owner->name, stride);
    if (count > ROUTES_MAX - total)
        return error_set(err, EIN_E_TOO_LARGE, "more than %d routes", ROUTES_MAX);
    entries = calloc(total + count + 1, sizeof(struct route_entry *));
    if (!entries)
        return error_no_memory(err);

    memcpy(entries, old->entries, total * sizeof(struct route_entry *));
    r = make_entries(router, owner, (const char *)routes, count, stride, self, entries, &total,
                     err);
    if (r >= 0) {
        table = table_new(entries, total);
        if (!table)
            r = error_no_memory(err);
    }
    if (r < 0) {
        for (size_t i = old->count; i < total; i++)
            route_entry_free(entries[i]);
        return r;
    }
    swap_table(router, table);
    return 0;
}

void router_remove(struct router *router, const struct gate *gate)
{
    EIN_LOCKED(&router->writer);
    struct table *old = router->table, *table;
    EIN_FREE struct route_entry **gone = calloc(old->count + 1, sizeof(struct route_entry *));
    EIN_FREE struct route_entry **kept = calloc(old->count + 1, sizeof(struct route_entry *));
    size_t gone_count = 0, kept_count = 0;

    if (!gone || !kept)
        return; /* they go on answering 503 */
    for (size_t i = 0; i < old->count; i++) {
        if (old->entries[i]->route.owner.gate == gate)
            gone[gone_count++] = old->entries[i];
        else
            kept[kept_count++] = old->entries[i];
    }
    table = table_new(kept, kept_count);
    if (!table)
        return;
    swap_table(router, table);
    for (size_t i = 0; i < gone_count; i++)
        route_entry_free(gone[i]);
}

/* ---- matching ---- */

struct walk {
    const char *method;
    struct arena *arena;
    const char *rest; /* where the first segment begins, as it came */
    size_t rest_len;
    bool encoded; /* there are escapes in it */
    struct {
        const char *text; /* decoded */
        size_t len, at;   /* at: of the segment in `rest`, as it came */
    } segments[ROUTE_SEGMENTS + 1];
    size_t count; /* of segments, or one more than any template has */
    const struct route_entry *found;
    const struct route_list *allowed[ROUTE_SEGMENTS]; /* path matches, method does not */
    size_t allowed_count;
};

static bool needs_decoding(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == '%' || (unsigned char)text[i] >= 0x80 || text[i] == '\0')
            return true;
    return false;
}

/* A decoded copy; NULL if the text is no good. */
static char *decode(struct arena *arena, const char *text, size_t len, size_t *ret_len)
{
    char *copy = arena_text(arena, text, len);
    long decoded = copy ? percent_decode(copy, len) : -1;

    if (decoded < 0)
        return NULL;
    copy[decoded] = '\0';
    *ret_len = (size_t)decoded;
    return copy;
}

/* Splits first, decodes then: an encoded slash stays inside its segment. */
static bool split(struct walk *walk)
{
    const char *at = walk->rest, *end = walk->rest + walk->rest_len;
    size_t whole;

    walk->encoded = needs_decoding(at, walk->rest_len);
    if (walk->encoded && !decode(walk->arena, at, walk->rest_len, &whole))
        return false;
    if (at == end)
        return true;

    while (walk->count <= ROUTE_SEGMENTS) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        size_t len = (size_t)((slash ? slash : end) - at);
        const char *text = at;

        walk->segments[walk->count].at = (size_t)(at - walk->rest);
        if (walk->encoded)
            text = decode(walk->arena, at, len, &len);
        if (!text)
            return false;
        walk->segments[walk->count].text = text;
        walk->segments[walk->count].len = len;
        walk->count++;
        if (!slash)
            break;
        at = slash + 1;
    }
    return true;
}

static const struct route_entry *for_method(const struct route_list *list, const char *method)
{
    for (; list; list = list->next)
        if (strcmp(list->entry->route.spec.method, method) == 0)
            return list->entry;
    return NULL;
}

static bool take(struct walk *walk, const struct route_list *list)
{
    if (!list)
        return false;
    walk->found = for_method(list, walk->method);
    if (!walk->found && strcmp(walk->method, "HEAD") == 0)
        walk->found = for_method(list, "GET");
    if (!walk->found && walk->allowed_count < ROUTE_SEGMENTS)
        walk->allowed[walk->allowed_count++] = list;
    return walk->found;
}

/* Literals first, then a parameter, then the rest of the path.  Not deeper than the templates. */
static bool descend(struct walk *walk, const struct node *node, size_t depth)
{
    if (depth == walk->count)
        return take(walk, node->routes);

    for (const struct node *it = node->literals; it; it = it->next)
        if (strlen(it->text) == walk->segments[depth].len &&
            memcmp(it->text, walk->segments[depth].text, walk->segments[depth].len) == 0) {
            if (descend(walk, it, depth + 1))
                return true;
            break;
        }
    if (node->param && walk->segments[depth].len > 0 && descend(walk, node->param, depth + 1))
        return true;
    return walk->segments[depth].at < walk->rest_len && take(walk, node->tails);
}

static const char *param_value(struct walk *walk, const struct segment *segment, size_t i)
{
    size_t at = walk->segments[i].at, len;

    if (segment->kind == SEGMENT_PARAM)
        return arena_text(walk->arena, walk->segments[i].text, walk->segments[i].len);
    if (walk->encoded)
        return decode(walk->arena, walk->rest + at, walk->rest_len - at, &len);
    return arena_text(walk->arena, walk->rest + at, walk->rest_len - at);
}

static bool fill_params(struct walk *walk, struct path_params *params)
{
    params->count = 0;
    for (size_t i = 0; i < walk->found->count; i++) {
        const struct segment *segment = &walk->found->segments[i];

        if (segment->kind == SEGMENT_LITERAL)
            continue;
        params->items[params->count].name = segment->text;
        params->items[params->count].value = param_value(walk, segment, i);
        if (!params->items[params->count++].value)
            return false;
    }
    return true;
}

static void add_method(struct buf *allow, const char *method)
{
    size_t len = strlen(method);

    for (const char *at = allow->data; at && (at = strstr(at, method)); at += len)
        if (at[len] == '\0' || at[len] == ',')
            return;
    (void)buf_printf(allow, "%s%s", allow->len ? ", " : "", method);
}

static const char *allow_text(const struct walk *walk)
{
    struct buf allow;
    const char *text;

    buf_init(&allow, ALLOW_MAX);
    for (size_t i = 0; i < walk->allowed_count; i++)
        for (const struct route_list *it = walk->allowed[i]; it; it = it->next) {
            add_method(&allow, it->entry->route.spec.method);
            if (str_eq(it->entry->route.spec.method, "GET"))
                add_method(&allow, "HEAD");
        }
    text = arena_text(walk->arena, buf_str(&allow), allow.len);
    buf_done(&allow);
    return text ? text : "";
}

static bool matches_without_slash(const struct table *table, const struct walk *walk)
{
    struct walk shorter;

    if (walk->rest_len < 2 || walk->rest[walk->rest_len - 1] != '/' || walk->rest[0] == '/')
        return false;
    shorter = *walk;
    shorter.rest_len--;
    shorter.count = 0;
    return split(&shorter) &&
           (descend(&shorter, table->roots[ROUTE_API], 0) || shorter.allowed_count > 0);
}

/* Whether there is a page for browsers, which one is taken to only if it `navigates`. */
static bool has_page(const struct table *table, struct walk *walk, bool navigates)
{
    bool has = descend(walk, table->roots[ROUTE_PAGES], 0);

    walk->allowed_count = 0; /* with another method it is as if there were none */
    if (!navigates)
        walk->found = NULL;
    return has;
}

/* A path that only has a last route for another method is one that nobody has. */
static bool has_last(const struct table *table, struct walk *walk)
{
    walk->allowed_count = 0;
    return descend(walk, table->roots[ROUTE_LAST], 0);
}

static enum router_found find(const struct table *table, struct walk *walk, bool navigates,
                              struct router_match *ret_match)
{
    if (!split(walk))
        return ROUTER_BAD_PATH;
    ret_match->varies = has_page(table, walk, navigates);
    if (!walk->found && !descend(walk, table->roots[ROUTE_API], 0)) {
        if (walk->allowed_count > 0) {
            ret_match->allow = allow_text(walk);
            return ROUTER_BAD_METHOD;
        }
        if (matches_without_slash(table, walk))
            return ROUTER_SLASH;
        if (!has_last(table, walk))
            return ROUTER_NOT_FOUND;
    }
    if (!fill_params(walk, &ret_match->params))
        return ROUTER_BAD_PATH;
    if (!gate_enter(walk->found->route.owner.gate))
        return ROUTER_SHUT;
    ret_match->route = &walk->found->route;
    return ROUTER_MATCH;
}

enum router_found router_match(struct router *router, const char *method, const char *path,
                               size_t path_len, bool navigates, struct arena *arena,
                               struct router_match *ret_match)
{
    struct walk walk;
    enum router_found found;

    if (path_len == 0 || path[0] != '/')
        return ROUTER_NOT_FOUND;
    walk.method = method;
    walk.arena = arena;
    walk.rest = path + 1;
    walk.rest_len = path_len - 1;
    walk.count = walk.allowed_count = 0;
    walk.found = NULL;

    (void)pthread_rwlock_rdlock(&router->lock);
    found = find(router->table, &walk, navigates, ret_match);
    (void)pthread_rwlock_unlock(&router->lock);
    return found;
}

/* ---- telling ---- */

int router_each(struct router *router, int (*visit)(const struct route *route, void *data),
                void *data)
{
    int r = 0;

    (void)pthread_rwlock_rdlock(&router->lock);
    for (size_t i = 0; i < router->table->count && r == 0; i++)
        r = visit(&router->table->entries[i]->route, data);
    (void)pthread_rwlock_unlock(&router->lock);
    return r;
}

struct held {
    const struct gate *gate;
    struct buf text;
};

static int add_held(const struct route *route, void *data)
{
    struct held *held = data;
    uint32_t inside = __atomic_load_n(&route->stats->inside, __ATOMIC_RELAXED);

    if (route->owner.gate == held->gate && inside > 0)
        (void)buf_printf(&held->text, "%s%s %s (%u)", held->text.len ? ", " : "",
                         route->spec.method, route->spec.path, inside);
    return 0;
}

void router_held(struct router *router, const struct gate *gate, char *out, size_t size)
{
    struct held held = { .gate = gate };

    buf_init(&held.text, HELD_MAX);
    (void)router_each(router, add_held, &held);
    (void)snprintf(out, size, "%s", buf_str(&held.text));
    buf_done(&held.text);
}

uint64_t router_version(const struct router *router)
{
    return __atomic_load_n(&router->version, __ATOMIC_ACQUIRE);
}
