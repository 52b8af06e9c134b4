/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct gate;
struct metrics;
struct router;
struct schema;

enum { ROUTER_PARAMS = 16 }; /* in one template */

/* Whose routes they are.  All of it outlives them. */
struct route_owner {
    const char *name;
    struct gate *gate;
    struct ein_cancel *stopping; /* parent of its requests' tokens; may be NULL */
};

struct route_stats; /* metrics of one route, and the requests inside */

struct route {             /* immutable but for its stats; lives while its owner's gate is held */
    struct ein_route spec; /* what the plugin's header did not know is zero */
    struct route_owner owner;
    void *self;
    struct schema *query, *body, *reply, *error; /* NULL: unchecked */
    struct route_stats *stats;
};

/* Among which routes it is looked for, and found before others. */
enum route_place { ROUTE_PAGES, ROUTE_API, ROUTE_LAST, ROUTE_PLACES };
enum route_place route_place(const struct route *route);

struct path_params {
    size_t count;
    struct {
        const char *name, *value; /* decoded */
    } items[ROUTER_PARAMS];
};

enum router_found {
    ROUTER_MATCH,
    ROUTER_NOT_FOUND,
    ROUTER_BAD_PATH,   /* a bad escape, %00, not UTF-8 */
    ROUTER_BAD_METHOD, /* the path has routes, none for this method */
    ROUTER_SHUT,       /* the instance is being taken away, or is disabled */
    ROUTER_SLASH       /* there is a route for the path without its last slash */
};

struct router_match {
    const struct route *route;
    struct path_params params;
    const char *allow; /* "GET, HEAD", in the arena: ROUTER_BAD_METHOD */
    bool varies;       /* browsers that go there find another route than all others */
};

int router_new(struct metrics *metrics, struct router **ret_router);
void router_free(struct router *router);

/* All of the routes or none.  They and their strings are lent until router_remove().
 * EIN_E_CONFLICT names both instances. */
int router_add(struct router *router, const struct route_owner *owner,
               const struct ein_route *routes, size_t count, size_t stride, void *self,
               struct ein_error *err);
/* Forgets all routes of an owner.  Nobody is inside its gate; while it is shut they answer 503. */
void router_remove(struct router *router, const struct gate *gate);
/* Which routes of an owner have requests inside: "POST /chat (2), GET /health (1)", or "". */
void router_held(struct router *router, const struct gate *gate, char *out, size_t size);

/* PATH is still percent-encoded.  `navigates`: a browser goes there.  ROUTER_MATCH: the gate is
 * entered; call gate_leave() after the last use of the route. */
enum router_found router_match(struct router *router, const char *method, const char *path,
                               size_t path_len, bool navigates, struct arena *arena,
                               struct router_match *ret_match);

/* Every route in the order of path and method, under the lock: `visit` must not call the router.
 * Non-zero ends the walk, and is returned. */
int router_each(struct router *router, int (*visit)(const struct route *route, void *data),
                void *data);
uint64_t router_version(const struct router *router); /* changes with every add and remove */
