/* SPDX-License-Identifier: Apache-2.0
 *
 * einion/services.h - what plugins offer each other, by name.
 * "name/MAJOR" never changes meaning; methods are only added at the end.
 * The rules at the top of einion/plugin.h hold here too.
 */
#ifndef EIN_SERVICES_H
#define EIN_SERVICES_H

#include <einion/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- server/1: what the server says of itself; name "core" ---- */
#define EIN_SERVER "server/1"

enum ein_metric_kind { EIN_METRIC_COUNTER = 100, EIN_METRIC_GAUGE = 200, EIN_METRIC_HISTOGRAM = 300 };
struct ein_metric { /* 1.1: one series; lent until visit() returns */
    uint32_t struct_size;
    int32_t  kind;             /* enum ein_metric_kind */
    const char *name, *help;   /* help may be NULL */
    const char *const *labels; /* "key", "value", ..., NULL */
    double   value;            /* a histogram's sum */
    const double *bounds;      /* of a histogram: bound_count of them, and one count more, each of its own bucket */
    const uint64_t *counts;
    size_t   bound_count;
};

struct ein_server {
    uint32_t struct_size, reserved;
    /* {"status": "ready"|"draining"|"degraded", "version", "uptime_ms",
     *  "plugins": [{"name", "plugin", "version", "state", "reason"}]} */
    int (*status)(void *impl, struct json_t **ret_status, struct ein_error *err);
    int (*openapi)(void *impl, struct json_t **ret_document, struct ein_error *err);
    /* Prometheus text format 0.0.4; mem_free. */
    int (*metrics)(void *impl, char **ret_text, struct ein_error *err);
    /* 1.1: openapi() with what each openapi_source/1 adds for the caller of `req`; the same object
     * as openapi()'s where that is nothing.  Read only: json_decref. */
    int (*openapi_for)(void *impl, struct ein_req *req, struct json_t **ret_document, struct ein_error *err);
    /* 1.1: what metrics() tells, by series; ends with the first visit() that does not return 0, and
     * returns that.  visit() may not count, observe or set a metric itself. */
    int (*each_metric)(void *impl, int (*visit)(const struct ein_metric *metric, void *data), void *data);
};

/* ---- openapi_source/1 (1.1): operations that no route of their own names ---- */
#define EIN_OPENAPI_SOURCE "openapi_source/1"

struct ein_openapi_source {
    uint32_t struct_size, reserved;
    /* {path: {method: operation}}, OpenAPI 3.1: what the caller of `req`, who may be nobody, can
     * call now.  The server adds `security`, and the replies 401 and 403; it takes no operation
     * that is there already.  May not reply; a source that fails is left out, and logged. */
    int (*paths)(void *impl, struct ein_req *req, struct json_t **ret_paths, struct ein_error *err);
};

/* ---- storage_backend/1: documents in named sets, e.g. "sqlite" ---- */
#define EIN_STORAGE_BACKEND "storage_backend/1"

struct ein_storage_backend { /* struct ein_store says what each method does, einion-plugin(3) what else it owes; all are atomic */
    uint32_t struct_size, reserved;
    int (*get)(void *impl, const char *set, const char *id, struct json_t **ret_doc, struct ein_error *err);
    int (*batch)(void *impl, struct ein_doc_op *ops, size_t count, size_t stride, struct ein_error *err);
    int (*find)(void *impl, const char *set, const struct ein_query *query, ein_doc_fn *each, void *data,
                char **ret_cursor, struct ein_error *err);
    int (*tally)(void *impl, const char *set, const struct json_t *where, uint64_t *ret_count,
                 struct ein_error *err);
    int (*index)(void *impl, const char *set, const char *field, struct ein_error *err);
    int (*claim)(void *impl, const char *set, const char *due_field, int64_t now, int64_t lease,
                 struct json_t **ret_doc, struct ein_error *err);
    /* A consistent copy of everything into a new file, while others write; also
     * before start(), of what another process has open.  NULL where there is
     * nothing to copy. */
    int (*backup)(void *impl, const char *path, struct ein_error *err);
    /* 1.1: an array of the names of all sets; also before start(), as backup(). */
    int (*sets)(void *impl, struct json_t **ret_names, struct ein_error *err);
    uint64_t takes_text; /* 1.1: batch() knows ein_doc_op.text; 0: it is given documents instead */
    /* 1.1: all that is read from now on is what is there now, whoever else writes; nothing
     * is written by this one.  NULL: there is nobody else. */
    int (*stand_still)(void *impl, struct ein_error *err);
    int (*weigh)(void *impl, const char *set, const struct json_t *where, uint64_t *ret_bytes,
                 struct ein_error *err); /* 1.1 */
};

/* ---- transfer/1 (1.1): everything, from store to store ---- */
#define EIN_TRANSFER "transfer/1"

struct ein_transfer { /* reports are arrays of lines of text, for people */
    uint32_t struct_size, reserved;
    /* Every document into the new file PATH. */
    int (*export_to)(void *impl, const char *path, struct json_t **ret_report, struct ein_error *err);
    /* SOURCE is such a file, or what the service that einion stands in for has kept: a folder of
     * files, or the URL of its database.  What is there already stays as it is. */
    int (*import_from)(void *impl, const char *source, struct json_t **ret_report, struct ein_error *err);
};

/* ---- auth_provider/1: asked in configured order ---- */
#define EIN_AUTH_PROVIDER "auth_provider/1"
#define EIN_AUTH_DEFER 1 /* not mine, ask the next; if all defer, nobody is logged in */

struct ein_login { /* one browser login, OAuth 2.0 (RFC 6749) with PKCE (RFC 7636) */
    uint32_t struct_size, reserved;
    const char *redirect_uri, *state, *nonce; /* as they are: percent-encode them in a URL */
    const char *code_verifier; /* login_url() sends its S256 challenge */
    const char *code;          /* exchange() only */
    const struct json_t *query; /* all the callback's parameters; exchange() only */
};

struct ein_auth_provider {
    uint32_t struct_size, reserved;
    /* 0 and *ret_claims {"uid", "email", "name", "provider", "proof", "roles",
     * "scopes", "workspaces", "admin"} (all but uid may be absent), EIN_AUTH_DEFER,
     * or an error whose text the client is told; DENIED is answered 401 where
     * somebody has to be logged in, and is nobody elsewhere.  uid: "PROVIDER:ID", the same for ever;
     * workspaces: as in struct ein_identity. */
    int (*verify)(void *impl, struct ein_req *req, struct json_t **ret_claims, struct ein_error *err);
    /* Browser login; NULL where the provider has none.  Who logs in has a workspace or is an admin. */
    int (*login_url)(void *impl, const struct ein_login *login, char **ret_url, struct ein_error *err);
    int (*exchange)(void *impl, const struct ein_login *login, struct json_t **ret_claims, struct ein_error *err);
    /* {"displayName", "icon"} of a provider with a browser login; 1.1: "tokensOf", the issuer (RFC
     * 8414) whose access tokens verify() takes, if it takes any. */
    int (*describe)(void *impl, struct json_t **ret_about, struct ein_error *err);
    /* What the provider says today of somebody who has logged in, in the form of
     * exchange(), which gave `claims`; DENIED: they may not log in any more.
     * UNSUPPORTED, or NULL: it cannot be asked again. */
    int (*refresh)(void *impl, const struct json_t *claims, struct json_t **ret_claims, struct ein_error *err);
    /* 1.1, not zero: it knows only what it has given out itself, such as the tokens of pages.  Where
     * nobody has to log in, nobody has to because of it. */
    uint32_t no_login;
    uint32_t reserved_too;
    /* 1.1: whether whom it once knew by `claims` may still be here: 0, DENIED and why, or EIN_AUTH_DEFER
     * for claims that are not of its making.  Asked of what goes on for long; may ask the store. */
    int (*still)(void *impl, const struct json_t *claims, struct ein_error *err);
};

/* ---- blocks/1 (1.1): who may not be here, whatever their provider says ---- */
#define EIN_BLOCKS "blocks/1"

struct ein_blocks {
    uint32_t struct_size, reserved;
    /* 0, or DENIED with the sentence that they are told.  Asked for each request, and before something is
     * done for somebody who is not there: it waits for nothing. */
    int (*check)(void *impl, const char *user_id, struct ein_error *err);
};

/* ---- ledger/1: what calls may cost, and have cost ---- */
/* Money is nano-dollars: 10^-9 USD. */
#define EIN_LEDGER "ledger/1"
#define EIN_HOLD_SIZE 40 /* bytes, with the NUL */

struct ein_ledger_entry { /* one call that was paid for */
    uint32_t struct_size, reserved;
    int64_t  cost;
    const char *user_id;
    const char *key_id, *agent_id, *run_id, *provider, *model, *request_id; /* each may be NULL */
    uint64_t input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens;
    const struct json_t *price;    /* the row of the catalog that made the cost, may be NULL */
    const struct json_t *metadata; /* an object, may be NULL */
};
struct ein_payer { /* 1.1: a user, and a key of theirs that may spend `limit` nano-dollars a period */
    uint32_t struct_size, reserved;
    const char *user_id, *key_id;
    const char *period;            /* "day", "week" (from Monday on), "month" or "total", in the ledger's time zone */
    int64_t  limit;
};
/* A hold is settled, extended and released on the server that has made it.  What is set aside is
 * on disk, and no other server can spend it.  What is settled survives the death of the server
 * when settle() returns, and is on disk soon (users: settle_ms). */
struct ein_ledger {
    uint32_t struct_size, reserved;
    /* Sets `bound` aside.  DENIED, with the sentence for a 402, where that much is not
     * left; for 0, where more was spent than there was.  Unless it is extended, the hold
     * ends by itself after lease_ms (0: the configured default). */
    int (*reserve)(void *impl, const char *user_id, int64_t bound, uint32_t lease_ms,
                   char ret_hold[EIN_HOLD_SIZE], struct ein_error *err);
    int (*extend)(void *impl, const char *hold, uint32_t lease_ms, struct ein_error *err); /* NOT_FOUND: it has ended */
    /* The hold becomes an entry: its bound is given back and the cost is taken, whatever
     * is left.  A hold that has ended by itself is settled all the same.  CONFLICT: it
     * was settled already.  hold NULL: a cost for which nothing was set aside. */
    int (*settle)(void *impl, const char *hold, const struct ein_ledger_entry *entry, struct ein_error *err);
    int (*release)(void *impl, const char *hold, struct ein_error *err); /* NOT_FOUND: it has ended */
    /* 1.1: reserve(), where the key has to have that much left as well: it pays what its user pays. */
    int (*reserve_key)(void *impl, const struct ein_payer *payer, int64_t bound, uint32_t lease_ms,
                       char ret_hold[EIN_HOLD_SIZE], struct ein_error *err);
    /* 1.1: what the key has left in this period, holds not subtracted, below 0 where calls have cost
     * more than was set aside; and when the next one begins, in ms since the epoch, 0: never. */
    int (*key_left)(void *impl, const struct ein_payer *payer, int64_t *ret_left, int64_t *ret_next_ms,
                    struct ein_error *err);
};

/* ---- api_keys/1 (1.1): what a single key may ---- */
#define EIN_API_KEYS "api_keys/1"

struct ein_api_keys {
    uint32_t struct_size, reserved;
    /* {"name", "models": ["openai/gpt-4o", "anthropic/claude-*", ...], "budget": {"limitNano", "period"},
     * "rates": {"requests", "tokens"} a minute}: each but the name may be absent.  *ret_limits is NULL
     * where the key has none.  Shared: read only; json_decref.  NOT_FOUND: it is no key of these; DENIED:
     * it is none any more, and what was begun with it asks no models. */
    int (*limits)(void *impl, const char *key_id, struct json_t **ret_limits, struct ein_error *err);
};

/* ---- keeps/1 (1.1): what a plugin keeps for users, of any number and size ---- */
#define EIN_KEEPS "keeps/1"

struct ein_keeps {
    uint32_t struct_size, reserved;
    /* Sets, each followed by the field of its documents that names whose they are, and is indexed:
     * "agents", "owner", NULL.  An owner is a user's id, or "workspace:ID". */
    const char *const *sets;
};

/* ---- disk_quota/1 (1.1): how much of that each may have ---- */
#define EIN_DISK_QUOTA "disk_quota/1"

struct ein_disk_quota {
    uint32_t struct_size, reserved;
    /* Before BYTES, about, are written of what OWNER keeps; below 0, once they have been deleted, or
     * were not written after all.  FULL: they may not be; says how much is kept, and may be. */
    int (*take)(void *impl, const char *owner, int64_t bytes, struct ein_error *err);
};

/* ---- vault/1: secrets at rest ---- */
#define EIN_VAULT "vault/1"

struct ein_vault { /* names: 1 to 400 bytes; secrets: up to 64 KiB of text */
    uint32_t struct_size, reserved;
    int (*put)(void *impl, const char *name, const char *secret, struct ein_error *err); /* replaces; on disk */
    int (*get)(void *impl, const char *name, char **ret_secret, struct ein_error *err);  /* for wipe() */
    int (*del)(void *impl, const char *name, struct ein_error *err);                     /* NOT_FOUND */
    void (*wipe)(void *impl, char *take_secret); /* overwrites, then frees; NULL is fine */
    /* Makes a new master key and seals everything with it. */
    int (*rotate)(void *impl, uint64_t *ret_count, struct ein_error *err);
};

/* ---- model_keys/1: whose key a call to a vendor uses ---- */
#define EIN_MODEL_KEYS "model_keys/1"

struct ein_model_keys {
    uint32_t struct_size, reserved;
    /* The user's own key for "openai", ..., else the server's.  *ret_source is "user" or
     * "env".  NOT_FOUND: neither is set. */
    int (*get)(void *impl, const char *user_id, const char *provider, char **ret_key, const char **ret_source,
               struct ein_error *err);
    void (*wipe)(void *impl, char *take_key);
    /* 1.1: {"openai": "user" or "env", ...} of all for which get() has a key now. */
    int (*sources)(void *impl, const char *user_id, struct json_t **ret_sources, struct ein_error *err);
};

/* ---- erasure/1 (1.1): forgetting a user ---- */
#define EIN_ERASURE "erasure/1"

struct ein_erasure {
    uint32_t struct_size, reserved;
    /* Deletes what there is of the user UID alone, logins and keys among it, and ends what they have
     * running.  *ret_count: of how many things; it is called again until there are none.  What is a
     * workspace's stays, and what calls have cost; but the personal workspace of UID is theirs alone, too,
     * so that this is also called for its owner, "workspace:personal:UID". */
    int (*erase)(void *impl, const char *uid, uint64_t *ret_count, struct ein_error *err);
};

/* ---- audit/1: who did what, for good ---- */
#define EIN_AUDIT "audit/1"

struct ein_audit {
    uint32_t struct_size, reserved;
    /* {"action": "login", ..., "actor", "target", "address", "outcome", "details"}: all
     * but the action may be absent.  On disk when it returns. */
    int (*append)(void *impl, struct json_t *take_event, struct ein_error *err);
    /* INVALID, with the number of the first entry that was changed, taken away or put in. */
    int (*verify)(void *impl, uint64_t *ret_count, struct ein_error *err);
};

/* ---- error_shape/1 (1.1): what errors look like below a path ---- */
#define EIN_ERROR_SHAPE "error_shape/1"

struct ein_error_shape {
    uint32_t struct_size, reserved;
    const char *path; /* "/v1": there, and everywhere below it */
    /* The body of an error reply, the server's own among them: no such route, not logged in.
     * `detail` is what {"detail": ...} would have held.  May change *status and set headers, may
     * not reply.  NULL: as everywhere else. */
    struct json_t *(*shape)(void *impl, struct ein_req *req, int *status, const struct json_t *detail);
};

/* ---- llm_provider/1: one model family, e.g. "openai" ---- */
/* A message is {"role": "system"|"user"|"assistant", "content": text, or an array of parts}:
 *   {"type": "text", "text"}
 *   {"type": "image"|"file", "media_type", "data": base64, or "url", "name"}
 *   {"type": "tool_call", "id", "name", "arguments": object, "replay"}           of the assistant
 *   {"type": "thought", "text", "replay"}                                        of the assistant
 *   {"type": "tool_result", "id", "name", "content": text or text and image parts, "is_error"}  of the user
 * "replay" is the vendor's own, as a piece brought it: {"wire": "anthropic", ...}; another wire
 * leaves it out.  A search that Anthropic made comes back as {"wire", "search": the piece's data}.  A part, and a tool, may carry "cache": {"ttl": "5m"|"1h"}: what stands before
 * it, and it, are worth keeping.
 * A built-in tool is what the vendor does itself.  It is the catalog's tool_config, as it is; or, 1.1,
 *   {"wire": "openai"|"anthropic", "tool": what a client of that API has asked for}, for that wire alone; or
 *   {"web_search": {"allowed_domains", "blocked_domains", "max_uses", "context_size": "low"|"medium"|"high",
 *                   "location": {"city", "region", "country", "timezone"}, "live": false}}
 * in everybody's words, each member of which may be absent, and beside it "wire" and "tool" may say the
 * same; "live": false is a search that must not reach the web as it is now.
 * Parameters bear the catalog's names, whatever the vendor calls them: temperature, top_p, top_k,
 * max_tokens, stop (array of text), seed, presence_penalty, frequency_penalty, reasoning_effort,
 * thinking_budget (tokens), show_thinking, parallel_tool_calls, verbosity, service_tier, user, and
 * what only one vendor knows. */
#define EIN_LLM_PROVIDER "llm_provider/1"

struct ein_llm_call {
    uint32_t struct_size, flags;
    uint32_t connect_ms, first_byte_ms, idle_ms, total_ms; /* 0: the configured default */
    const char *model, *api_key;    /* the model's id; key may be NULL: use your own */
    const struct json_t *messages;  /* array of {"role", "content"}: content is text, or an array of
                                       {"type": "text"|"image"|"tool_call"|"tool_result"|"thought", ...} */
    const struct json_t *tools;     /* array of {"name", "description", "parameters": JSON Schema}, may be NULL */
    const struct json_t *built_in_tools; /* array, may be NULL */
    const struct json_t *reply_schema;   /* JSON Schema the answer must fit, may be NULL */
    const struct json_t *parameters; /* coerced by the catalog, may be NULL */
    const struct json_t *settings;   /* the model's catalog entry, may be NULL */
    struct ein_cancel   *cancel;     /* may be NULL */
    /* 1.1 */
    const struct json_t *tool_choice; /* "auto", "none", "required", or {"name"}; NULL: auto */
    const char *user_id;             /* who asks, may be NULL */
    const struct json_t *visible;    /* what ein_http.visible() says of them; NULL: what is their own */
    const struct json_t *scopes;     /* of their credential, null where it is not limited; NULL: nobody has said,
                                        and what asks for one is refused */
    const struct json_t *inputs;     /* of embed(), in place of messages: array of texts, or of arrays of tokens */
    const char *key_id;              /* the key that they ask by, which pays for what is asked in turn; may be NULL */
};
enum ein_llm_kind { /* SOURCE, VECTOR and SEARCH are of 1.1 */
    EIN_LLM_TEXT = 100, EIN_LLM_THOUGHT = 200, EIN_LLM_TOOL_CALL = 300, EIN_LLM_SOURCE = 400, EIN_LLM_VECTOR = 500,
    EIN_LLM_SEARCH = 600
};
struct ein_llm_piece {
    uint32_t struct_size;
    int32_t  kind;               /* enum ein_llm_kind; skip the ones you do not know */
    const char *text;            /* TEXT, THOUGHT: whole characters; may be NULL where there is data */
    /* TOOL_CALL: {"id", "name", "arguments": object, "replay"}, whole.  THOUGHT (1.1): {"replay"},
     * which ends that thought.  SOURCE: {"url", "title"}, cited, and where the vendor says it
     * "text", what of it, and "from" and "to", characters of the text that names it.  SEARCH: {"id", "query",
     * "results": [{"url", "title", "age", "sealed": what the vendor wants back}], "error": its code, "action": of
     * OpenAI's, as it came}: the vendor has searched the web; all but the id may be absent. */
    const struct json_t *data;
    /* 1.1: VECTOR: of the input `index` */
    const float *vector;
    uint32_t dimensions, index;
};
typedef int ein_llm_sink(const struct ein_llm_piece *piece, void *data); /* non-zero: no more, the call is CANCELLED */

enum ein_llm_fault { /* what went wrong, when complete() fails: whether it is asked again follows from it */
    EIN_LLM_FAULT_NONE = 0, EIN_LLM_FAULT_BAD_KEY = 100, EIN_LLM_FAULT_NO_CREDIT = 200,
    EIN_LLM_FAULT_RATE_LIMIT = 300, EIN_LLM_FAULT_CONTEXT_TOO_LONG = 400, EIN_LLM_FAULT_REFUSED = 500,
    EIN_LLM_FAULT_OVERLOADED = 600, EIN_LLM_FAULT_BAD_REQUEST = 700, EIN_LLM_FAULT_UNREACHABLE = 800
};
struct ein_llm_outcome { /* the caller writes struct_size; filled as far as known, on failure too */
    uint32_t struct_size;
    int32_t  fault;              /* enum ein_llm_fault */
    int32_t  vendor_status;      /* the vendor's HTTP status; 0: no answer */
    uint32_t retry_after_ms;     /* what the vendor asked for; 0: nothing */
    /* cached and cache_write are parts of the input, reasoning of the output; both 0: they are estimated. */
    uint64_t input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens;
    char     stop_reason[32];    /* "stop", "length", "tool_calls", "content_filter"; others are passed on */
    char     vendor_request_id[128];
    /* 1.1 */
    int64_t  vendor_cost;        /* nano-dollars, where the vendor says; 0: it does not */
    char     model[128];         /* that answered, as the vendor calls it */
    char     stop_sequence[64];  /* that ended it; "": none did */
    uint64_t cache_hour_tokens;  /* of those written to the cache: what it keeps for an hour */
    uint64_t searches;           /* of the web, as the vendor charges for them */
};
struct ein_llm_provider {
    uint32_t struct_size, reserved;
    /* Array of {"id", ...} in the catalog's form, which the guide tells ("Models"), for everybody;
     * NULL: the catalog knows. */
    int (*models)(void *impl, struct json_t **ret_models, struct ein_error *err);
    int (*complete)(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                    struct ein_llm_outcome *ret_outcome, struct ein_error *err);
    /* 1.1: the same as far as one user may call them; NULL: all may call all. */
    int (*models_of)(void *impl, const char *user_id, const struct json_t *visible,
                     struct json_t **ret_models, struct ein_error *err);
    /* 1.1: a VECTOR for each of call->inputs, in their order, once all are there; NULL: the
     * provider has no embeddings. */
    int (*embed)(void *impl, const struct ein_llm_call *call, ein_llm_sink *sink, void *data,
                 struct ein_llm_outcome *ret_outcome, struct ein_error *err);
};

/* ---- completion/1 (1.1): the one door to every model ---- */
/* Checks parameters by the catalog, finds the key, sets the cost aside, calls with deadlines,
 * retries, falls back, settles the exact cost, meters. */
#define EIN_COMPLETION "completion/1"

enum { /* ein_completion_call.flags; without one of them, as configured */
    EIN_COMPLETION_DROP   = 1u << 0, /* parameters that cannot be are left out, with a note */
    EIN_COMPLETION_REFUSE = 1u << 1  /* they are INVALID */
};
struct ein_completion_call {
    uint32_t struct_size, flags;
    uint32_t total_ms, reserved;      /* 0: the configured default, scaled by the model and max_tokens */
    const char *user_id;              /* who pays */
    const char *key_id, *agent_id, *run_id, *request_id; /* for the ledger, each may be NULL */
    const char *model;                /* "provider/model", or a model's id where it is unique */
    const struct json_t *messages, *tools, *built_in_tools, *reply_schema, *parameters, *tool_choice,
        *visible, *scopes;            /* as in struct ein_llm_call; parameters as the client sent them */
    struct ein_cancel *cancel;        /* may be NULL; what was used by then is paid for */
    const struct json_t *inputs;      /* of embed() */
};
struct ein_rate { /* 24 bytes for ever */
    int64_t  limit, remaining;        /* limit 0: there is none */
    uint32_t reset_ms, reserved;
};
struct ein_completion_outcome { /* the caller writes struct_size and clears the rest; filled on failure too */
    uint32_t struct_size;
    int32_t  fault;                   /* enum ein_llm_fault */
    int32_t  status;                  /* the HTTP status that tells it: 200, or 400, 401, 402, 404, 429, ... */
    uint32_t retry_after_ms;          /* 0: nobody asked for a pause */
    /* From here to `requests` before the first piece. */
    uint32_t attempts, reserved;
    char     provider[64], model[192]; /* that answer, in the catalog's words */
    struct ein_rate requests, tokens; /* of the tightest limit, a minute */
    /* At the end. */
    int64_t  cost;                    /* nano-dollars */
    uint64_t input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens;
    uint64_t vendor_us, overhead_us;  /* waited for vendors; everything else */
    char     stop_reason[32], stop_sequence[64], vendor_request_id[128];
    struct json_t *notes;             /* array of sentences: what was changed or left out; json_decref; or NULL */
    uint64_t searches;                /* of the web */
};
struct ein_completion {
    uint32_t struct_size, reserved;
    /* Pieces come on the caller's thread; the sink's non-zero answer stops the call, which then
     * is CANCELLED.  After the first piece nothing is tried again. */
    int (*complete)(void *impl, const struct ein_completion_call *call, ein_llm_sink *sink, void *data,
                    struct ein_completion_outcome *ret, struct ein_error *err);
    /* {"provider", "id", "model": its entry} of "provider/model" or a unique id; NOT_FOUND. */
    int (*find)(void *impl, const char *user_id, const char *model, const struct json_t *visible,
                struct json_t **ret_found, struct ein_error *err);
    /* {provider: {"models": {id: entry}, "embeddings": the same}}: what the user has keys for, the second
     * of models that embed, where there are any.  Shared: read only. */
    int (*catalog)(void *impl, const char *user_id, const struct json_t *visible, struct json_t **ret_catalog,
                   struct ein_error *err);
    /* The same as complete() for embed() of llm_provider/1. */
    int (*embed)(void *impl, const struct ein_completion_call *call, ein_llm_sink *sink, void *data,
                 struct ein_completion_outcome *ret, struct ein_error *err);
};

/* ---- mcp_client/1 (1.1): tools of other servers ---- */
/* The Model Context Protocol over HTTP, 2024-11-05 to 2026-07-28. */
#define EIN_MCP_CLIENT "mcp_client/1"

struct ein_mcp_call {
    uint32_t struct_size;
    uint32_t total_ms;                /* 0: the configured default; more than the configured maximum is that */
    const char *url, *token;          /* token: sent as a bearer; may be NULL */
    const char *user_id;              /* sessions and lists are shared between calls of one user and token */
    int32_t  egress, reserved;        /* enum ein_egress */
    struct ein_cancel *cancel;        /* may be NULL; the server is told */
    /* What a tool tells on its way: {"progress", "total", "message"}, on the caller's thread;
     * non-zero cancels the call.  May be NULL. */
    int (*on_progress)(const struct json_t *progress, void *data);
    void *progress_data;
};
struct ein_mcp_client {
    uint32_t struct_size, reserved;
    /* INVALID: the URL, or the server says that what it was sent is wrong.  DENIED: it wants another
     * token (the text says 401), forbids it (403), or the egress policy does.  NOT_FOUND: no MCP server
     * is there.  UNAVAILABLE: it cannot be reached, failed, or broke the protocol.  UNSUPPORTED: it
     * wants what einion does not have.  TIMEOUT, CANCELLED, TOO_LARGE.
     * *ret_tools: an array of {"name", "description", "inputSchema", ...} as the server says, of
     * every page; shared: read only. */
    int (*list_tools)(void *impl, const struct ein_mcp_call *call, struct json_t **ret_tools,
                      struct ein_error *err);
    /* *ret_result: {"content": array, "structuredContent", "isError": boolean, ...}: a tool that
     * failed has isError, and the call is 0.  `arguments` is an object, or NULL. */
    int (*call_tool)(void *impl, const struct ein_mcp_call *call, const char *tool,
                     const struct json_t *arguments, struct json_t **ret_result, struct ein_error *err);
};

/* ---- specs/1 (1.1): what OpenAPI documents say can be called ---- */
#define EIN_SPECS "specs/1"

struct ein_specs {
    uint32_t struct_size, reserved;
    /* Reads a document of OpenAPI 2.0, 3.0 or 3.1 (JSON or YAML); nothing is fetched.  `base_url`:
     * where it came from, for servers that it names by half; may be NULL.  `max`: operations; 0: the
     * configured maximum.  INVALID, TOO_LARGE: the text says why.
     * *ret_spec, shared, read only: {"title", "version", "description", "openapi": "3.0.3", "servers":
     * [URL], "operations": array, "notes": [what was left out, in sentences]}.  An operation is
     *   {"operationId": unique here, [a-zA-Z0-9_-]{1,64}, "method": "GET", "path": "/pets/{id}",
     *    "server": URL or null, "summary", "description": text, "deprecated": boolean,
     *    "parameters": JSON Schema of an object; each property has "x-in": "path", "query", "header" or
     *                  "cookie", and "x-name" where another place has a parameter of that name too,
     *    "body":     null or {"contentType", "required": boolean, "schema": JSON Schema},
     *    "response": of success, null or {"status": "200", "contentType", "description", "schema"},
     *    "security": [{"type", "scheme", "in", "name"}], one of which a call needs}
     * Schemas are whole: each $ref is replaced by what it means, as deep and as large as configured.
     * Where one ends early it has "x-cut": why. */
    int (*read)(void *impl, const char *text, size_t len, const char *base_url, uint32_t max,
                struct json_t **ret_spec, struct ein_error *err);
};

/* ---- data_store/1: what agents keep ---- */
#define EIN_DATA_STORE "data_store/1"

struct ein_data_session; /* one run's view: one user's records */
struct ein_data_store {
    uint32_t struct_size, reserved;
    int (*open)(void *impl, const char *user_id, struct ein_data_session **ret_session, struct ein_error *err);
    /* `op` is get, set, delete, list_keys, list_namespaces, get_all, get_many,
     * set_many or clear; `args` its arguments by name, with "namespace".
     * *ret_entry is the operation's line in the opsLog.  Any thread. */
    int (*call)(struct ein_data_session *session, const char *agent, const char *op, const struct json_t *args,
                struct json_t **ret_value, struct json_t **ret_entry, struct ein_error *err);
    /* Writes what reads changed (access counts and times), then ends the session. */
    void (*close)(struct ein_data_session *session);
};

/* ---- agent_runtime/1: runs agent code, e.g. "python" ---- */
#define EIN_AGENT_RUNTIME "agent_runtime/1"

typedef int ein_trace_sink(const struct json_t *event, void *data); /* non-zero stops the run */

/* 1.1: answers a call of the code in place of the world, on a thread of the run's, one at a time.
 * `method`, what is in `params`, and the answer:
 *   "llm"       provider, model, messages, ...   {"content", "thoughts", "tool_calls", "message"}
 *   "window"    provider, model                  an integer, or null
 *   "mcp.list"  url                              the tools, as struct ein_mcp_client has them
 *   "mcp.call"  url, tool, args                  its result, likewise
 *   "http"      method, url, headers; `body`     {"status", "headers": [[name, value]], "body": text}
 *   "agent"     name, input                      what it returns
 *   "ds.get"... as in struct ein_data_store      {"value", "found"}
 * An error's text is what the code is told: INVALID, DENIED, ... */
typedef int ein_stand_in(void *data, const char *method, const struct json_t *params, const void *body,
                         size_t body_len, struct json_t **ret_answer, struct ein_error *err);

struct ein_agent_run {
    uint32_t struct_size;
    uint32_t timeout_ms;              /* wall time; 0: the configured default */
    const char *run_id, *user_id;
    const char *agent_id, *agent_name; /* id may be NULL */
    const char *code;
    const struct json_t *input, *tools; /* objects; what run() is given */
    const struct json_t *imports;     /* array of ids in `agents` that this code may call, may be NULL */
    const struct json_t *agents;      /* {id: {"name", "code", "tools", "imports": [id]}}: these and all
                                         that they may call in turn, may be NULL; 1.1: "secrets", as below, of
                                         each its own */
    const struct json_t *llm_settings; /* may be NULL */
    const struct json_t *limits;      /* settings of the runtime that this run lowers, may be NULL */
    const struct json_t *secrets;     /* {name: text} for its environment, may be NULL */
    struct ein_cancel   *cancel;      /* may be NULL */
    ein_trace_sink      *trace;       /* each event as it happens, on the caller's thread; may be NULL */
    void                *trace_data;
    /* 1.1 */
    const struct json_t *agent;       /* what the code declares, as members of an agent: "tools", "invokableModels",
                                         "dataStoreConfig", "swaggerSpecs", "allowedHosts"; a member that is not
                                         there restricts nothing; may be NULL.  Those of `agents` have it as "agent". */
    const char *key_id, *request_id;  /* for the ledger, each may be NULL */
    const struct json_t *visible, *scopes; /* as in struct ein_llm_call */
    ein_stand_in        *stand_in;    /* a rehearsal: nothing outside is reached; NULL: the world is */
    void                *stand_in_data;
    const char *lane;                 /* runs that name the same one share it; NULL: none */
    uint32_t lane_running, lane_queue; /* of it at a time; that wait: above it BUSY */
};
struct ein_agent_runtime {
    uint32_t struct_size, reserved;
    /* 0 when the code was run, however it ended: {"result", "error": null or
     * "Type: message", "opsLog": null or array}.  An error when it could not be
     * run at all: UNAVAILABLE (no sandbox; the text says which step is missing),
     * BUSY (the queue is full), INVALID. */
    int (*run)(void *impl, const struct ein_agent_run *what, struct json_t **ret_outcome, struct ein_error *err);
    /* {"state", "level", "barriers", "reason", "idle", "running", ...} */
    int (*status)(void *impl, struct json_t **ret_status, struct ein_error *err);
};

/* ---- runs/1 (1.1): every run of an agent is a record ---- */
#define EIN_RUNS "runs/1"

enum { EIN_RUN_DETACHED = 1u << 0 }; /* it goes on when `parent` fires */

struct ein_run; /* from begin() to end() */
struct ein_run_about {
    uint32_t struct_size, flags;
    const char *kind;                 /* "code", "rest", "chat", "mcp", "compose", "repeat" */
    const char *user_id;              /* who runs it */
    const char *workspace_id, *agent_id, *agent_name, *request_id, *key_id; /* each may be NULL */
    int64_t version;                  /* of the agent; 0: it has none */
    const char *code;
    const struct json_t *input;
    struct ein_cancel *parent;        /* outlives the run; may be NULL */
    const struct json_t *declared;    /* of code that is no agent's: "tools", ..., "llmSettings"; may be NULL */
    const char *repeats;              /* the id of the run that this one repeats, may be NULL */
};
struct ein_runs { /* one run is one thread's; stop() is anybody's */
    uint32_t struct_size, reserved;
    int (*begin)(void *impl, const struct ein_run_about *about, struct ein_run **ret_run, struct ein_error *err);
    const char *(*id)(const struct ein_run *run); /* a UUID, until end() */
    /* Fires when the run is stopped, or with the parent; until end(). */
    struct ein_cancel *(*cancel)(const struct ein_run *run);
    int (*event)(struct ein_run *run, const struct json_t *event, struct ein_error *err);
    /* What agent_runtime/1 said of it; outcome NULL: it could not be run, and why (may be NULL). */
    void (*end)(struct ein_run *run, const struct json_t *outcome, const struct ein_error *why);
    int (*stop)(void *impl, const char *run_id, const char *user_id, struct ein_error *err); /* NOT_FOUND */
    /* A copy of the record as the API has it, with "code" and "declared", and whose it is. */
    int (*get)(void *impl, const char *run_id, struct json_t **ret_record, struct ein_error *err);
};

#ifdef __cplusplus
}
#endif
#endif /* EIN_SERVICES_H */
