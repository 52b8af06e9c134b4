/* SPDX-License-Identifier: Apache-2.0 */
/* What a client asks for, whichever API it speaks, in the form of completion/1.  JSON in, JSON out:
 * nothing here knows a server. */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct ask_limits {
    uint32_t messages, parts, tools; /* in one request; parts of one message */
    uint32_t inputs;                 /* to embed, in one request */
    uint32_t depth, values;          /* of JSON: nesting, and how many */
    uint32_t notes;                  /* of what is not taken */
};

struct ask { /* zero is an empty one; all is its own: the body is not needed any more */
    char *model;
    json_t *messages, *tools, *built_in_tools, *reply_schema, *parameters,
        *tool_choice; /* or NULL */
    json_t *inputs;   /* to embed, in place of messages; or NULL */
    json_t *aliases;  /* {"name", "namespace", "custom", "search"} of tools that the model knows
                         by another name or form, by that name; or NULL */
    json_t *text;     /* responses: what was said of the form of the answer, to be told
                         back; or NULL */
    json_t *notes;    /* sentences: what was left out; NULL: nothing */
    uint32_t max_notes;
    struct kept *kept; /* responses; NULL: nothing is kept */
    bool stream;
    bool with_usage;    /* chat: the stream ends with its usage */
    bool with_sources;  /* responses: of searches */
    bool base64;        /* embeddings, as bytes */
    bool old_functions; /* chat: the client knows functions and no tools */
};

/* What is wrong with a request. */
struct flaw {
    char text[256];
    char param[96];   /* "messages[2].content"; "": no one member */
    const char *code; /* by which clients know it; or NULL */
    int status;       /* 0: 400 */
};

/* POST /v1/chat/completions, /v1/completions, /v1/messages, /v1/responses and /v1/embeddings.  0,
 * INVALID with a flaw, or NO_MEMORY. ask_done() in any case. */
typedef int ask_fn(const json_t *body, const struct ask_limits *limits, struct ask *ask,
                   struct flaw *flaw);
ask_fn chat_ask, completions_ask, anthropic_ask, responses_ask, embeddings_ask;
void ask_done(struct ask *ask);

/* ---- what the translations share ---- */

struct asking {
    struct ask *ask;
    struct flaw *flaw;
    const struct ask_limits *limits;
    const char *list;   /* "messages", or what the API calls it */
    size_t message;     /* of the list, that is being read */
    json_t *names;      /* of tools, by the id of the call */
    const char *space;  /* responses: the namespace whose tools are read; or NULL */
    json_t *replays;    /* of calls, by their ids */
    json_t *known;      /* responses: names of tools, so far */
    json_t *found;      /* responses: those of the item that is being read; or NULL */
    unsigned called;    /* chat: functions without an id, so far */
    size_t values_left; /* of the JSON that texts of the body hold */
};

/* INVALID; `param` is formatted, as is the text. */
int ask_refuse(const struct asking *asking, const char *param, const char *fmt, ...)
    EIN_PRINTF(3, 4);
/* The same of "LIST[N]" and `place` below it: ".content[1].text", or "". */
int ask_refuse_message(const struct asking *asking, const char *place, const char *fmt, ...)
    EIN_PRINTF(3, 4);
int ask_note(struct ask *ask, const char *fmt, ...) EIN_PRINTF(2, 3); /* once each */

/* model and stream are what they should be. */
int ask_begin(struct asking *asking, const json_t *body);
/* So is the list of messages, and not too long. */
int ask_begin_list(struct asking *asking, const json_t *body);
void ask_end(struct asking *asking);
/* Is `array` (may be NULL) an array of at most `max`? */
int ask_array(const struct asking *asking, const json_t *array, const char *param, uint32_t max);
/* Reads each of the "tools", which are an array and not too many. */
int ask_tools(struct asking *asking, const json_t *tools,
              int (*read)(struct asking *asking, json_t *tool));
int ask_append(json_t *array, json_t *take_item); /* 0 or NO_MEMORY */
int ask_add(json_t **array, json_t *take_item);   /* the same; the first one makes the array */
int ask_message(struct asking *asking, const char *role, json_t *take_content);
/* The parts of the last message if it is of this role and begins with such a part (NULL: with any),
 * else of a new one; NULL: no memory. */
json_t *ask_parts(struct asking *asking, const char *role, const char *type);
int ask_parameter(struct ask *ask, const char *name, json_t *value); /* a reference is kept */
int ask_parameter_new(struct ask *ask, const char *name, json_t *take_value);

enum ask_use {
    USE_ELSEWHERE, /* read by its own function, which may be `read` */
    USE_NOTHING,   /* of no consequence here */
    USE_NOTE,      /* left out, and that is told */
    USE_PARAMETER  /* passed on under `as` */
};
struct ask_field {
    const char *name;
    enum ask_use use;
    const char *as;
    int (*read)(struct asking *asking, json_t *value); /* of those that are given, and not null */
};
enum { ASK_FIELDS_MAX = 32 }; /* ended by a row without a name, if there are fewer */
/* Each member of the body as its row says, those with `read` at the end, in the table's order.
 * Those that nobody knows may be parameters that only one vendor has, which completion/1 knows, if
 * they are no objects or arrays. */
int ask_fields(struct asking *asking, const json_t *body,
               const struct ask_field fields[ASK_FIELDS_MAX]);

/* What was sent along to be sent back (replay.h); json_decref; NULL: nothing, no text, or a call's,
 * which is kept for it. */
json_t *ask_replay(struct asking *asking, const json_t *text);
/* A call's, which a thought before it brought; lent, or NULL. */
json_t *ask_replay_of(const struct asking *asking, const json_t *id);
/* The text that models write the arguments of a call in; "" is none. */
int ask_arguments(struct asking *asking, json_t *given, const char *place, json_t **ret_arguments);
/* "data:image/png;base64,..." taken apart into "media_type" and "data" of `part`; 1, or 0: it is no
 * such URL. */
int ask_data_url(const char *url, size_t len, json_t *part);
/* {"ttl"} of a cache_control, for "cache"; NULL: there is none. */
json_t *ask_cache(const json_t *block);
/* Keeps the last ones, of more marks than vendors take. */
enum { ASK_MARKS_MAX = 4 };
int ask_trim_marks(struct ask *ask);
/* What tools answered, in the order of their calls: clients that run them side by side send what is
 * there first, and some models see no ids. */
int ask_order_results(struct ask *ask);
/* search.c: a tool that the vendor has built in, in the words of the WIRE that the client speaks.
 */
int ask_built_in(struct asking *asking, json_t *tool, const char *wire);
/* A search of the web, in anybody's words; NULL: without any. */
int ask_search(struct asking *asking, const json_t *words);
/* How often it may search; 1, or 0: it was not told to search, or this is no number. */
int ask_search_uses(struct ask *ask, json_t *uses);
/* Is `json` an object of these two members and no other? */
bool ask_is_pair(const json_t *json, const char *one, const char *other);
/* Remembers the name of a tool by the call's id, and knows it again. */
int ask_remember(struct asking *asking, const json_t *id, json_t *name);
