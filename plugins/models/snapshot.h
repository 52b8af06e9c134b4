/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "catalog.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    SNAPSHOT_PROVIDERS_MAX = 64,
    SNAPSHOT_VIEWS_MAX = 32, /* that are kept; more are made for each call */
    ETAG_SIZE = 24
};

struct provider {
    const char *name, *key_variable; /* NULL: it needs no key */
    const json_t *other_variables;   /* may be NULL */
    json_t *json;  /* as it is served: {"api_key_env_var", "models": {id: entry}} */
    json_t *whole; /* the same with "embeddings" where there are any: front ends that let people
                      choose a model to talk to are not shown those */
    bool local;    /* the catalog does not know it: somebody's own server */
};

/* What those see who may call the same providers: prepared once.  Text is the members of an object,
 * without braces; between `head` and `tail` there is room for one more. */
struct view {          /* const but for `refs`, once made */
    struct view *next; /* guarded by the snapshot's lock */
    const struct ein_host *host;
    atomic_uint refs;
    uint64_t mask;     /* bit i: provider i */
    json_t *json;      /* of whole providers */
    char *head, *tail; /* of what the files know, and of others; host->mem_free */
    char *text;        /* all of it, with braces; free() */
    size_t head_len, tail_len, len;
    uint64_t hash; /* of the text */
    char etag[ETAG_SIZE];
};

struct snapshot { /* but for `views` const once made */
    const struct ein_host *host;
    atomic_uint refs;
    json_t *resolved; /* what all others point into */
    const json_t *aliases;
    struct provider *providers;
    size_t provider_count;
    struct model *models;
    size_t model_count;
    const struct model **by_id; /* sorted by id, then as `models` */
    pthread_mutex_t lock;
    struct view *views; /* guarded by lock */
    size_t view_count;  /* guarded by lock */
};

/* Of what catalog_resolve() gave; providers from `known` on are those that its files do not know.
 */
int snapshot_new(const struct ein_host *host, json_t *take_resolved, size_t known,
                 struct snapshot **ret_snapshot, struct ein_error *err);
struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_drop(struct snapshot *snapshot); /* NULL is fine */

const struct provider *snapshot_provider(const struct snapshot *snapshot, const char *name,
                                         size_t *ret_index);
const struct model *snapshot_model(const struct snapshot *snapshot, const char *provider,
                                   const char *id);
/* The models of this id, of whichever provider. */
size_t snapshot_all(const struct snapshot *snapshot, const char *id,
                    const struct model *const **ret_models);

/* For view_drop(); it may outlive its snapshot. */
int snapshot_view(struct snapshot *snapshot, uint64_t mask, struct view **ret_view,
                  struct ein_error *err);
void view_drop(struct view *view); /* NULL is fine */
/* Its object with one more member ("\"name\":value", or "") in its place; free() it. */
char *view_text(const struct view *view, const char *member, size_t *ret_len);

/* A strong ETag of these bytes and of what `hash` is of. */
void etag_write(char etag[ETAG_SIZE], uint64_t hash, const void *data, size_t len);
