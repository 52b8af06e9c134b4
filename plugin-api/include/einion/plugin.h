/* SPDX-License-Identifier: Apache-2.0
 *
 * einion/plugin.h - everything a plugin and the server know about each other.
 *
 * Only ISO C99 and jansson's `struct json_t` appear here.  ulfius, libcurl and
 * sqlite stay out: their struct layouts depend on how they were built.
 *
 * OWNERSHIP  `const T *`  lent to the callee until it returns, unless a comment
 *                         names a longer life.  Lent JSON is read only.
 *            `take_x`     the callee takes the caller's reference, on failure too.
 *            `ret_x`      written on success only; the caller then owns it.
 *            char * from the host goes back to host->mem_free, JSON to json_decref.
 *            Descriptors, vtables and their strings live until fini() returns.  NULL only where it says so.
 * THREADS    init, start, stop, fini: the main thread, never two at once.
 *            All other calls into a plugin: any thread, many at once.
 *            Host functions: any thread, except those marked [init].
 *            Callbacks given to a host function that returns a result, or to a method
 *            of a service, run on the caller's thread, before that function returns.
 * ERRORS     int results are >= 0 for success, else a negative enum ein_err.
 *            Library code fills `err` and does not log; the caller decides.
 *            `err` may be NULL; who fails fills it, for its caller need not have cleared it.
 *            No C++ exception leaves a plugin's function: it would end the server.
 * TIME       milliseconds, unless the name says otherwise.  TEXT  UTF-8, NUL-ended.
 * STRUCTS    A struct that may grow begins with struct_size: whoever makes it writes
 *            sizeof.  What a reader does not find there is zero, and zero means
 *            "as before".  Use EIN_HAS() before calling anything newer than 1.0.
 *
 * Changes    1.0  first release
 *            1.1  services: api_keys/1, blocks/1, completion/1, disk_quota/1, error_shape/1, keeps/1, mcp_client/1,
 *                 openapi_source/1, runs/1, specs/1, transfer/1
 *                 errors: EIN_E_FULL
 *                 plugin: check()
 *                 host: tracing, publish() without a name, store: sets(), weigh(), text of a PUT, fields of a find, fetch(): piece_bytes, no `ret`,
 *                 EIN_FETCH_ENOUGH, EIN_FETCH_MAY_END; cancel: NULL
 *                 routes: EIN_ROUTE_PAGE, EIN_ROUTE_LAST, EIN_ROUTE_ONCE, EIN_ROUTE_ONCE_500, EIN_ROUTE_ONCE_OWN,
 *                 EIN_ROUTE_ETAG, EIN_ROUTE_ONCE_SECRET, error_schema, several types in reply_type
 *                 requests: navigates(), reply_header(), set_header() adds to Vary
 *                 agent_runtime/1: agent, key_id, request_id, visible, scopes, stand_in, lane, secrets of each agent
 *                 auth_provider/1: no_login, still(), tokensOf
 *                 llm_provider/1: models_of(), embed(); calls: tool_choice, user_id, visible, scopes, inputs,
 *                 web_search; pieces: SOURCE, VECTOR, SEARCH, replay; outcomes: vendor_cost, model, stop_sequence,
 *                 cache_hour_tokens, searches
 *                 model_keys/1: sources()
 *                 server/1: openapi_for(), each_metric()
 *                 storage_backend/1: sets(), takes_text, stand_still(), weigh()
 */
#ifndef EIN_PLUGIN_H
#define EIN_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define EIN_EXTERN_C extern "C"
extern "C" {
#else
#define EIN_EXTERN_C
#endif

#if defined(__GNUC__)
#define EIN_PUBLIC       __attribute__((visibility("default")))
#define EIN_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define EIN_PUBLIC
#define EIN_PRINTF(f, a)
#endif

#define EIN_ABI_MAGIC 0x4e494521u /* "!EIN" in memory, little-endian */
#define EIN_ABI_MAJOR 1           /* also in the entry symbol: ein_plugin_v1 */
#define EIN_ABI_MINOR 1           /* raised by every addition */

/* Does this table reach as far as `member`, and is it filled in? */
#define EIN_HAS(type, table, member)                                           \
    ((table)->struct_size >= offsetof(type, member) + sizeof((table)->member) \
     && (table)->member)

struct json_t;     /* jansson; include <jansson.h> to look inside */
struct ein_ctx;    /* one configured instance of one plugin, as the host sees it */
struct ein_req;    /* one HTTP request and its reply; dies when the handler returns */
struct ein_cancel; /* tells whoever waits that the result is no longer wanted */

enum ein_err { /* never renumbered; new values are added below the last */
    EIN_E_INVALID = -1, EIN_E_NOT_FOUND = -2, EIN_E_CONFLICT = -3, EIN_E_DENIED = -4,
    EIN_E_UNAVAILABLE = -5, EIN_E_TIMEOUT = -6, EIN_E_CANCELLED = -7,
    EIN_E_NO_MEMORY = -8, EIN_E_UNSUPPORTED = -9, EIN_E_INTERNAL = -10,
    EIN_E_TOO_LARGE = -11, EIN_E_BUSY = -12,
    EIN_E_FULL = -13 /* 1.1: what somebody may keep is used up */
};

struct ein_error { /* caller's storage; 256 bytes for ever */
    int32_t code;  /* enum ein_err */
    char    text[252];
};

enum ein_level { EIN_DEBUG = 100, EIN_INFO = 200, EIN_WARN = 300, EIN_ERROR = 400 };

/* ---- routes ---- */

enum ein_auth { EIN_AUTH_NONE = 0, EIN_AUTH_OPTIONAL = 100, EIN_AUTH_USER = 200, EIN_AUTH_ADMIN = 300 };

enum { /* ein_route.flags; a host refuses bits 16-31 that it does not know */
    EIN_ROUTE_RAW_BODY = 1u << 0, /* do not parse the body as JSON */
    EIN_ROUTE_EVENTS   = 1u << 1, /* the handler may use send_event() and send_bytes() */
    /* 1.1, neither is part of the API that OpenAPI tells of */
    EIN_ROUTE_PAGE     = 1u << 16, /* a GET before all others, but only where a browser goes to the path */
    EIN_ROUTE_LAST     = 1u << 17, /* only where no other route has the path */
    /* 1.1, of a route for users: with the header Idempotency-Key the same request again gets the reply
     * of the first, a stream too, and the handler is not called; the first goes on when its client has
     * left.  A handler that fails, with a negative result or a status of 400 and more, gives the key
     * back: what it began to stream was no answer. */
    EIN_ROUTE_ONCE     = 1u << 18,
    EIN_ROUTE_ONCE_500 = 1u << 19, /* with it: 500 is a reply like any other, the work was done */
    EIN_ROUTE_ONCE_OWN = 1u << 20, /* in its place: the handler sees to it, OpenAPI tells of it */
    EIN_ROUTE_ETAG     = 1u << 21, /* 1.1: a GET whose replies carry an ETag; OpenAPI tells of 304 */
    EIN_ROUTE_ONCE_SECRET = 1u << 22 /* 1.1, with EIN_ROUTE_ONCE: the reply is not kept; the same again is 422 */
};

/* Returns what reply() or fail() returned, or a negative enum ein_err which the
 * host turns into the matching JSON error. */
typedef int ein_handler(struct ein_req *req, void *self);

/* Schemas are JSON Schema text (the subset of einion-plugin(3)).  A body is
 * accepted with each property in camelCase or snake_case; the handler sees the
 * schema's spelling, defaults filled in, values coerced, unknown ones dropped. */
struct ein_route {
    uint32_t     flags;
    int32_t      auth;         /* enum ein_auth */
    const char  *method;       /* "GET"; it serves HEAD too */
    const char  *path;         /* "/agents/{agent_id}"; "{key:path}" also matches '/' */
    const char  *operation_id; /* unique in the server; names the route in OpenAPI, logs, metrics */
    const char  *summary;
    const char  *query_schema; /* or NULL: parameters arrive as text, unchecked */
    const char  *body_schema;  /* or NULL: no body expected */
    const char  *reply_schema; /* of the success reply; or NULL */
    const char  *reply_type;   /* of the success reply; NULL: application/json; 1.1: "a/b, c/d", the first has the schema */
    const char  *scope;        /* what a limited credential must carry; NULL: any may call */
    uint32_t     body_max;     /* bytes; 0: the configured default */
    int32_t      status;       /* of the success reply: 200, 201, 202, 204; 0: 200 */
    ein_handler *handle;
    const char  *error_schema; /* 1.1: of error replies, where an error_shape/1 shapes them; or NULL */
};

struct ein_identity { /* lent for the life of the request */
    uint32_t struct_size, flags; /* enum below */
    const char *uid, *email, *name; /* the last two may be NULL */
    const char *provider;        /* who vouches: "local", "oidc", ... */
    const char *proof;           /* how: "loopback", "cookie", "bearer", "api_key"; but for the last two
                                  * pages of other origins may change nothing */
    const char *const *roles;    /* NULL-ended, may be NULL */
    const char *const *scopes;   /* NULL-ended; NULL: not limited */
    const struct json_t *workspaces; /* array of {"id", "role", "name"}, may be NULL */
    const struct json_t *claims; /* what the provider said, may be NULL */
};
enum { EIN_IDENTITY_ADMIN = 1u << 0 }; /* a site admin */

enum { /* set_cookie() flags; every cookie is Path=/ and SameSite=Lax */
    EIN_COOKIE_HTTP_ONLY = 1u << 0,
    EIN_COOKIE_SECURE    = 1u << 1,
    EIN_COOKIE_STRICT    = 1u << 2 /* SameSite=Strict */
};

struct ein_http {
    uint32_t struct_size, reserved;
    /* [init] `stride` is sizeof(struct ein_route) in the plugin's header; use
     * EIN_ADD_ROUTES.  All of the routes are added or none.  They and their
     * strings live until fini(). */
    int (*add_routes)(struct ein_ctx *ctx, const struct ein_route *routes, size_t count, size_t stride,
                      void *self, struct ein_error *err);

    /* The request.  Results are lent until the handler returns; NULL if absent. */
    const char *(*method)(const struct ein_req *req);
    const char *(*path)(const struct ein_req *req); /* as it came, percent-encoded, no query */
    const char *(*path_param)(const struct ein_req *req, const char *name); /* decoded */
    const char *(*header)(const struct ein_req *req, const char *name);
    const char *(*cookie)(const struct ein_req *req, const char *name);
    const struct json_t *(*query)(const struct ein_req *req); /* an object, never NULL */
    const struct json_t *(*body)(const struct ein_req *req);
    const void *(*raw_body)(const struct ein_req *req, size_t *ret_len);
    const struct ein_identity *(*identity)(const struct ein_req *req);
    const char *(*client_addr)(const struct ein_req *req); /* "127.0.0.1", "2001:db8::1" */
    const char *(*request_id)(const struct ein_req *req);
    const char *(*trace_id)(const struct ein_req *req); /* 32 hex digits, W3C trace context */
    void *(*alloc)(struct ein_req *req, size_t size);   /* zeroed; freed with the request */
    uint32_t (*left_ms)(const struct ein_req *req);     /* until the request's deadline */
    /* Fires when the client has left or the plugin is stopping. */
    struct ein_cancel *(*cancel)(struct ein_req *req);
    void (*log_msg)(const struct ein_req *req, int level, const char *fmt, ...) EIN_PRINTF(3, 4);

    /* The reply.  The first six return the status, 200 to 599, of a failure 400 to 599, so that
     * a handler can end in `return http->reply(...)`.  The last of several counts.  A GET whose
     * reply carries an ETag header is answered 304 by the host where If-None-Match says so. */
    int (*reply)(struct ein_req *req, int status, struct json_t *take_body); /* NULL: no body */
    int (*reply_bytes)(struct ein_req *req, int status, const char *type /* or NULL */, const void *data, size_t len);
    int (*redirect)(struct ein_req *req, int status, const char *location);
    int (*fail)(struct ein_req *req, int status, const char *fmt, ...) EIN_PRINTF(3, 4);
    int (*fail_json)(struct ein_req *req, int status, struct json_t *take_detail);
    int (*fail_error)(struct ein_req *req, const struct ein_error *err); /* status from err->code */
    /* Replaces; 1.1: what Vary names is added to.  0 or error. */
    int (*set_header)(struct ein_req *req, const char *name, const char *value);
    int (*set_cookie)(struct ein_req *req, const char *name, const char *value, int64_t max_age_s,
                      uint32_t flags); /* max_age_s 0 deletes, -1 lasts as long as the browser */

    /* EIN_ROUTE_EVENTS: the first piece sends status 200; before it a handler may
     * still fail().  Both block while the client is slow and return
     * EIN_E_CANCELLED once it has gone.  Ends when the handler returns. */
    int (*send_event)(struct ein_req *req, const char *id, const char *event, struct json_t *take_data);
    int (*send_bytes)(struct ein_req *req, const void *data, size_t len);

    /* "https://agents.example.org", this server as the client sees it.  Lent;
     * NULL where there is no usable Host header. */
    const char *(*origin)(const struct ein_req *req);
    /* Owners.  A document that belongs to somebody has `userId`, who made it,
     * and may have `workspaceId`; `owner` is "workspace:" and the latter, or
     * else the former.
     * may(): 0 if the caller may do with `doc` what the route's scope says: read it
     * ("...:read", "...:run", no scope), or change it (all others).  NOT_FOUND: the
     * caller is not to know that it exists.  DENIED: may read, not change it. */
    int (*may)(const struct ein_req *req, const struct json_t *doc, struct ein_error *err);
    /* Members for ein_query.where that leave what the caller may read. */
    struct json_t *(*visible)(const struct ein_req *req); /* json_decref; NULL: no memory */
    /* 1.1: a browser goes to the URL: no script asks for it, and no page for a part of itself.
     * (Sec-Fetch-Mode says so; without it an Accept that names text/html does.) */
    int (*navigates)(const struct ein_req *req);
    /* 1.1: what the reply's header was set to, by whomever; NULL: it was not. */
    const char *(*reply_header)(const struct ein_req *req, const char *name);
    /* 1.1, EIN_ROUTE_EVENTS: whether the first heartbeat may come before the first piece, where that is
     * late.  1: it has, with status 200: fail() and headers come too late.  Off before either is tried;
     * meanwhile nothing is done with `req`. */
    int (*beat_early)(struct ein_req *req, int on);
};
#define EIN_ADD_ROUTES(host, ctx, array, self, err)                                        \
    (host)->http->add_routes((ctx), (array), sizeof(array) / sizeof((array)[0]),           \
                             sizeof((array)[0]), (self), (err))

/* ---- cancelling ---- */

struct ein_cancels {
    uint32_t struct_size, reserved;
    /* Fires with its parent (may be NULL), which must outlive it.  NULL: no memory. */
    struct ein_cancel *(*make)(struct ein_ctx *ctx, struct ein_cancel *parent);
    void (*fire)(struct ein_cancel *cancel); /* once; later calls do nothing; 1.1: NULL never fires, and has no wait_fd() */
    int (*fired)(const struct ein_cancel *cancel);
    int (*wait_fd)(struct ein_cancel *cancel); /* readable once fired; the token's own; or error */
    void (*drop)(struct ein_cancel *cancel);   /* NULL is fine; only for what make() returned: others stay */
};

/* ---- outgoing HTTP ---- */

enum ein_egress {
    EIN_EGRESS_PUBLIC   = 0,  /* the URL came from a user or an agent: public addresses, and what
                                 the operator allows (egress.allow), checked on the address connected to */
    EIN_EGRESS_OPERATOR = 100 /* the URL came from the configuration: any address */
};

/* 1.1: on_data has all that is wanted.  It is not called again, and fetch() is well: it waits a moment
 * for the end of the reply, so that the connection serves the next one, and else breaks it off. */
#define EIN_FETCH_ENOUGH 100
/* 1.1: on_data may have all of a reply that does not say so.  It is called with what else comes, and
 * once nothing has come for a while (egress.finish_ms), fetch() is well, as if the reply had ended. */
#define EIN_FETCH_MAY_END 101

struct ein_fetch {
    uint32_t struct_size;
    int32_t  egress; /* enum ein_egress */
    uint32_t connect_ms, first_byte_ms, idle_ms, total_ms; /* 0: the configured default */
    uint32_t max_redirects; /* each hop is checked like the first; 0: none are followed */
    uint32_t reserved;
    uint64_t max_bytes;     /* of the reply's body; 0: the configured default */
    const char *method, *url;
    const char *const *headers; /* "Name: value", NULL-ended, may be NULL */
    const void *body;
    size_t      body_len;
    /* A body in pieces instead of `body`: fills `piece`, returns its length, 0 at
     * the end, < 0 to stop the transfer. */
    int64_t (*on_send)(void *data, void *piece, size_t size);
    /* Non-zero stops the transfer: CANCELLED, with fetch()'s own text in `err`.  `headers`: lower-case names. */
    int (*on_head)(void *data, int status, const struct json_t *headers);
    int (*on_data)(void *data, const void *piece, size_t len); /* NULL: collected into ret->body */
    void *data;
    struct ein_cancel *cancel; /* NULL: fires when the plugin is stopping */
    /* 1.1: the longest piece on_data is given, and what the transfer holds while it waits; 1024 to 16384,
     * 0: 16384. */
    uint32_t piece_bytes, reserved_too;
};

struct ein_fetched { /* the caller writes struct_size and clears the rest */
    uint32_t struct_size;
    int32_t  status;
    struct json_t *headers; /* an object of lower-case names; json_decref */
    char    *body;          /* NUL-ended; mem_free; NULL if on_data took it */
    size_t   body_len;
};

struct ein_client { /* TLS, proxies and connection reuse are the host's business */
    uint32_t struct_size, reserved;
    /* 0 whatever the HTTP status.  EIN_E_DENIED: the egress policy.  UNAVAILABLE:
     * no connection.  TIMEOUT, CANCELLED, TOO_LARGE, INVALID (the URL).
     * ret, 1.1: NULL where the callbacks take all: nothing is kept for the end. */
    int (*fetch)(struct ein_ctx *ctx, const struct ein_fetch *what, struct ein_fetched *ret,
                 struct ein_error *err);
};

/* ---- documents ---- */

/* A document is a JSON object in a named set ([a-z][a-z0-9_]{0,62}) of all plugins.  Its members
 * `_id` (1 to 512 bytes) and `_rev` are the store's: given out with every
 * document, ignored in what is put.  Every write gives a new revision.
 *
 * `expect` says what must be stored for a write to happen, else CONFLICT. */
#define EIN_REV_ANY NULL /* whatever is there, or nothing */
#define EIN_REV_NEW ""   /* nothing; any other text: exactly this revision */
#define EIN_REV_SIZE 40  /* bytes, with the NUL */

enum ein_doc_kind {
    EIN_DOC_PUT    = 100, /* `doc` becomes the document */
    EIN_DOC_UPDATE = 200, /* `doc`'s members replace those of the stored document (doc may be NULL), then
                             `add_by` is added to its integer member `add_field` (absent is 0; NULL: nothing
                             is added); CONFLICT if the sum is below `add_min`; NOT_FOUND if there is none */
    EIN_DOC_DELETE = 300, /* NOT_FOUND if there is none */
    EIN_DOC_CHECK  = 400  /* writes nothing, demands `expect` */
};
struct ein_doc_op {
    int32_t  kind; /* enum ein_doc_kind */
    uint32_t reserved;
    const char *set, *id, *expect;
    const struct json_t *doc;
    const char *add_field;
    int64_t  add_by, add_min;
    char     ret_rev[EIN_REV_SIZE]; /* the new revision; "" after DELETE and CHECK; nothing where the batch fails */
    const char *text; /* 1.1: PUT, in place of `doc`, which is not looked at: an object as json_text() writes it,
                         without `_id` and `_rev`; nobody reads it before it is found again */
};

struct ein_query {
    uint32_t struct_size;
    uint32_t limit; /* documents; 0: all there are */
    /* Members that must match: {"field": scalar} or {"field": {OP: value, ...}} with
     * OP one of $ne $gt $gte $lt $lte (scalar), $in (array of scalars), $prefix
     * (text).  Fields may be dotted paths; `_id` is one.  An absent field is null;
     * null matches only null and $ne.  Order of types: null, false, true, numbers, text by
     * bytes; arrays and objects match nothing, not even $ne, and sort last.  $gt, $gte, $lt and $lte
     * follow it from type to type, but for null.  NULL: every document. */
    const struct json_t *where;
    const char *const *order; /* "createdAt", "-updatedAt", NULL-ended; NULL: as created.
                                 Ties are in order of creation. */
    const char *cursor;       /* what an earlier find with the same where and order returned */
    /* 1.1: the members that are asked for, beside `_id` and `_rev`; NULL-ended, none: only these two.
     * A dotted path asks for one of an object's, which may come with that alone.  Others may be there.
     * Long documents are read much faster without what nobody needs.  NULL: all. */
    const char *const *fields;
};

typedef int ein_doc_fn(const struct json_t *doc, void *data); /* non-zero ends the walk, and is returned */

struct ein_store { /* the configured storage_backend/1, with metrics */
    uint32_t struct_size, reserved;
    /* NOT_FOUND with the text "Document 'ID' not found in 'SET'". */
    int (*get)(struct ein_ctx *ctx, const char *set, const char *id, struct json_t **ret_doc,
               struct ein_error *err);
    /* On disk when it returns.  ret_rev: EIN_REV_SIZE bytes, or NULL. */
    int (*put)(struct ein_ctx *ctx, const char *set, const char *id, const char *expect,
               const struct json_t *doc, char *ret_rev, struct ein_error *err);
    int (*del)(struct ein_ctx *ctx, const char *set, const char *id, const char *expect, struct ein_error *err);
    /* All of them or none, in this order: each finds what those before it did.  `stride` is
     * sizeof(struct ein_doc_op) in the plugin's header. */
    int (*batch)(struct ein_ctx *ctx, struct ein_doc_op *ops, size_t count, size_t stride, struct ein_error *err);
    /* One consistent view, of some MiB: a longer find reads on where it was, and hands out fewer than
     * its limit to who takes a cursor.  *ret_cursor (may be NULL) is NULL when nothing is left. */
    int (*find)(struct ein_ctx *ctx, const char *set, const struct ein_query *query, ein_doc_fn *each,
                void *data, char **ret_cursor, struct ein_error *err);
    int (*tally)(struct ein_ctx *ctx, const char *set, const struct json_t *where, uint64_t *ret_count,
                 struct ein_error *err);
    /* Declares that finds will filter or order by this field; cheap when known.  "a,b" (1.1): by both, those
     * of one `a` by or in order of `b`. */
    int (*index)(struct ein_ctx *ctx, const char *set, const char *field, struct ein_error *err);
    /* Takes the document whose integer member `due_field` is smallest and at most
     * `now`, and sets it to now + lease.  1 and the document as it is then, or 0: nothing is due. */
    int (*claim)(struct ein_ctx *ctx, const char *set, const char *due_field, int64_t now, int64_t lease,
                 struct json_t **ret_doc, struct ein_error *err);
    /* 1.1: an array of the names of all sets that there are. */
    int (*sets)(struct ein_ctx *ctx, struct json_t **ret_names, struct ein_error *err);
    /* 1.1: how many bytes the documents have, as they are kept.  UNSUPPORTED: the backend is older. */
    int (*weigh)(struct ein_ctx *ctx, const char *set, const struct json_t *where, uint64_t *ret_bytes,
                 struct ein_error *err);
};

/* ---- tracing (1.1) ---- */

/* A thread that serves a request is at a place: W3C trace context, as the text of a traceparent
 * header.  Nobody may be looking; then nothing here costs anything. */
#define EIN_TRACEPARENT_SIZE 56 /* bytes, with the NUL */

enum ein_span_kind { EIN_SPAN_INTERNAL = 100, EIN_SPAN_SERVER = 200, EIN_SPAN_CLIENT = 300 };

struct ein_span;      /* something that takes time, under way */
struct ein_span_told { /* one that has ended; lent until on_span() returns */
    uint32_t struct_size;
    int32_t  kind;                   /* enum ein_span_kind */
    const char *trace_id, *span_id;  /* 32 and 16 hex digits */
    const char *parent_id;           /* likewise; NULL: the trace begins here */
    const char *name;
    int64_t  began_ns, ended_ns;     /* since the epoch */
    const char *error;               /* its error.type; NULL: it went well */
    const struct json_t *attributes; /* an object of OpenTelemetry's names; may be NULL */
};

struct ein_tracing {
    uint32_t struct_size, reserved;
    /* A span within what the thread is at, which the thread is at from now on.  NULL: nobody
     * records it. */
    struct ein_span *(*begin)(struct ein_ctx *ctx, int kind, const char *name);
    /* The thread is back where it was before.  NULL is fine.  Attributes are text, numbers,
     * booleans and arrays of text; may be NULL.  Neither prompts nor secrets are among them. */
    void (*end)(struct ein_span *span, const char *error, struct json_t *take_attributes);
    /* To go on with it on another thread: where this one is, "" for nowhere; and to be there. */
    void (*where)(char ret_traceparent[EIN_TRACEPARENT_SIZE]);
    void (*enter)(const char *traceparent); /* NULL, "": nowhere */
    /* [init] on_span() is called on the thread that ends a span: it may not wait.  share: how many
     * of the traces that begin here are recorded, 0 to 1. */
    int (*watch)(struct ein_ctx *ctx, double share,
                 void (*on_span)(const struct ein_span_told *span, void *data), void *data);
};

/* ---- the host ---- */

struct ein_service { /* lent until release() */
    const char *iface, *name; /* "llm_provider/1", "openai" */
    const void *vtable;       /* begins with uint32_t struct_size */
    void       *impl;         /* first argument of every method */
};

struct ein_host {
    uint32_t struct_size;
    uint16_t abi_major, abi_minor;
    const char *version; /* "0.1.0", for messages */
    const struct ein_http    *http;
    const struct ein_cancels *cancel;
    const struct ein_client  *client;
    const struct ein_store   *store;

    void (*log_msg)(struct ein_ctx *ctx, int level, const char *fmt, ...) EIN_PRINTF(3, 4);
    int (*set_error)(struct ein_error *err, int code, const char *fmt, ...) EIN_PRINTF(3, 4); /* returns code */
    char *(*text_dup)(const char *text);
    void (*mem_free)(void *memory); /* NULL is fine */
    /* `text` with keys, tokens and passwords replaced by [REDACTED:kind]; mem_free. */
    char *(*redact)(const char *text);
    /* From the environment (NAME, or the file NAME_FILE) or the credentials
     * directory; never logged.  Lives until fini().  NULL if unset. */
    const char *(*secret)(struct ein_ctx *ctx, const char *name);
    /* What /readyz says of this instance from now on; NULL: it is well. */
    void (*unready)(struct ein_ctx *ctx, const char *reason);

    /* [init] Offer a service.  EIN_E_CONFLICT if iface+name is taken.  name NULL (1.1): that of
     * the instance. */
    int (*publish)(struct ein_ctx *ctx, const char *iface, const char *name, const void *vtable, void *impl,
                   struct ein_error *err);
    /* The owner cannot leave before release(): acquire at the moment of use.
     * name NULL: the configured default, else the first published.  NOT_FOUND if
     * nobody offers it now. */
    int (*acquire)(struct ein_ctx *ctx, const char *iface, const char *name,
                   const struct ein_service **ret_service);
    void (*release)(struct ein_ctx *ctx, const struct ein_service *service); /* NULL is fine */
    /* In the order of publishing; ends with the first visit() that does not return 0,
     * and returns that. */
    int (*each_service)(struct ein_ctx *ctx, const char *iface,
                        int (*visit)(const struct ein_service *service, void *data), void *data);

    /* Events: fire and forget, in order for one topic, on the host's workers. */
    int (*subscribe)(struct ein_ctx *ctx, const char *topic, /* [init] */
                     void (*on_event)(const char *topic, const struct json_t *event, void *data), void *data);
    void (*emit)(struct ein_ctx *ctx, const char *topic, struct json_t *take_event);

    /* Metrics (Prometheus names): labels are "key", "value", ..., NULL; or NULL. */
    void (*count)(struct ein_ctx *ctx, const char *metric, double by, const char *const *labels);
    void (*observe)(struct ein_ctx *ctx, const char *metric, double value, const char *const *labels);
    void (*gauge)(struct ein_ctx *ctx, const char *metric, double value, const char *const *labels);

    /* Jobs run on the host's workers and have ended before fini(); those of every() never twice at once.  `drop`
     * (may be NULL) frees data exactly once, also when the job never ran: BUSY
     * where as many wait as may, UNAVAILABLE once the instance is leaving. */
    int (*submit)(struct ein_ctx *ctx, void (*run)(void *data), void (*drop)(void *data), void *data);
    int (*every)(struct ein_ctx *ctx, uint32_t period_ms /* at least 1 */, void (*run)(void *data), void *data);

    /* Compact JSON text that can be read again, the shortest numbers in it, the
     * order of members kept; mem_free.  NULL: no memory, or it has no such text
     * (nested deeper than 512, NUL in a member's name, not UTF-8). */
    char *(*json_text)(const struct json_t *json, size_t *ret_len);
    const struct ein_tracing *tracing; /* 1.1 */
};

/* ---- the plugin ---- */

enum { /* ein_plugin.flags; a host refuses bits 16-31 that it does not know */
    EIN_PLUGIN_SINGLE = 1u << 0 /* at most one instance */
};

typedef void ein_say(const char *line, void *data);

struct ein_plugin { /* const, static; the host copies min(struct_size, its own) */
    uint32_t magic;
    uint16_t abi_major, abi_minor;
    uint32_t struct_size, flags;
    uint32_t min_host_minor, reserved; /* refuse older hosts; 0 */
    const char *name, *version, *summary; /* name: [a-z][a-z0-9-]{0,62} */
    const char *config_schema;   /* JSON Schema text of one instance's settings; NULL: it has none */
    const char *const *needs;    /* "storage_backend/1", ..., NULL: started before this one */
    /* Look round, publish services, add routes; no threads, no files: `einion check`
     * comes this far too.  `config` is checked and has its defaults; lent until fini(). */
    int  (*init)(const struct ein_host *host, struct ein_ctx *ctx, const struct json_t *config,
                 void **ret_self, struct ein_error *err);
    int  (*start)(void *self, struct ein_error *err); /* may be NULL */
    void (*stop)(void *self);  /* may be NULL; calls may still be inside: wake them */
    void (*fini)(void *self);  /* nobody is inside; free everything; also without start() */
    /* 1.1, may be NULL.  `einion check` found the configuration right: say(), a line each, what
     * this machine makes of it; fail if start() would.  After init(), without start(); may start
     * processes, which it ends. */
    int  (*check)(void *self, ein_say *say, void *data, struct ein_error *err);
};
#define EIN_PLUGIN_HEADER EIN_ABI_MAGIC, EIN_ABI_MAJOR, EIN_ABI_MINOR, sizeof(struct ein_plugin)

#define EIN_PLUGIN_EXPORT(plugin)                                         \
    EIN_EXTERN_C EIN_PUBLIC const struct ein_plugin *ein_plugin_v1(void); \
    const struct ein_plugin *ein_plugin_v1(void) { return &(plugin); }

#ifdef __cplusplus
}
#endif
#endif /* EIN_PLUGIN_H */
