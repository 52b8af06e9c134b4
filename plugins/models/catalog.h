/* SPDX-License-Identifier: Apache-2.0 */
/* The models that there are: what ships with the server, what the operator's files add and change,
 * and what servers say that list their own.  Readers hold a snapshot, which never changes. */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>

enum model_price {
    PRICE_INPUT,
    PRICE_OUTPUT,
    PRICE_CACHE_READ,
    PRICE_CACHE_WRITE,
    PRICE_CACHE_HOUR, /* written, and kept for an hour */
    PRICE_REASONING,
    PRICE_INPUT_AUDIO,
    PRICE_CITATION,
    PRICE_REQUEST, /* a million requests */
    PRICE_SEARCH,  /* a million searches of the web */
    PRICE_KINDS
};
enum { PRICE_LONG_CONTEXT = 200000 }; /* input tokens above which the second tier counts */

enum model_ability { /* bits of `can` and `cannot`; in neither: not known */
                     MODEL_THINKING = 1u << 0, /* supports_thinking */
                     MODEL_REASONING = 1u << 1 /* can_reasoning */
};

struct model { /* const; lives as long as its snapshot */
    const char *provider, *id;
    json_t *json;                    /* the entry as it is served; read only */
    bool embeds;                     /* makes embeddings, and does not converse */
    bool priced;                     /* has a list price; all may be 0 */
    int64_t price[PRICE_KINDS];      /* nano-dollars a million tokens; -1: no price of its own */
    int64_t long_price[PRICE_KINDS]; /* the same above PRICE_LONG_CONTEXT; -1: as `price` */
    int64_t context_window, max_input, max_output, max_thinking; /* tokens; 0: not known */
    uint32_t can, cannot;                                        /* enum model_ability */
    uint32_t time_percent; /* what its calls may take, of what is configured: 100, reasoning more */
};

struct catalog;  /* of the instance; any thread */
struct snapshot; /* reference-counted */

/* Reads the operator's files; INVALID: one is wrong, "FILE:LINE: place: what is wrong". */
int catalog_new(const struct ein_host *host, struct ein_ctx *ctx, const json_t *config,
                struct catalog **ret_catalog, struct ein_error *err);
int catalog_start(struct catalog *catalog, struct ein_error *err);
void catalog_stop(struct catalog *catalog);
void catalog_free(struct catalog *catalog); /* NULL is fine */
/* Looks whether the operator's files have changed: takes them over, or tells the log and /readyz
 * what is wrong.  Of host->every(); DATA is the catalog. */
void catalog_refresh(void *data);
/* Reads them, changed or not.  Of host->subscribe(). */
void catalog_reread(const char *topic, const json_t *event, void *data);

struct found {
    struct snapshot *snapshot; /* keeps `model` alive */
    const struct model *model;
};

/* "provider/model", an alias, or a model's id where it is unique among what the user may call,
 * or else among all.  gofannon/NAME is asked of who offers it.  NOT_FOUND: there is no such model;
 * INVALID: several providers have it.  Drop what was found. */
int catalog_find(struct catalog *catalog, const char *user_id, const char *model,
                 const json_t *visible, struct found *ret_found, struct ein_error *err);
void found_drop(struct found *found); /* a second time does nothing */
