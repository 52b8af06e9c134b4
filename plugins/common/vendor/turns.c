/* SPDX-License-Identifier: Apache-2.0 */
#include "turns.h"

#include "cleanup.h"
#include "error.h"
#include "hash.h"
#include "member.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct walk {
    turns_part_fn *part;
    void *data;
    struct turns turns;
    json_t *blocks;  /* of the message that is being read; lent by `turns` */
    json_t *results; /* what tools answered in the last turn, until all of it is read */
    bool spoken;     /* the assistant has */
};

static int add_tools(const json_t *content, json_t *names, json_t *tools)
{
    for (size_t i = 0; i < json_array_size(content); i++) {
        const json_t *part = json_array_get(content, i);
        const char *name = text_or_empty(part, "name");

        if (strcmp(text_or_empty(part, "type"), "tool_call") != 0 || !*name ||
            json_object_get(names, name))
            continue;
        if (json_object_set_new(names, name, json_true()) < 0 ||
            json_array_append_new(tools, json_pack("{s:s}", "name", name)) < 0)
            return -1;
    }
    return 0;
}

json_t *turns_tools(const json_t *messages)
{
    EIN_JSON json_t *tools = json_array();
    EIN_JSON json_t *names = json_object();

    for (size_t i = 0; i < json_array_size(messages); i++)
        if (add_tools(json_object_get(json_array_get(messages, i), "content"), names, tools) < 0)
            return NULL;
    return EIN_TAKE(tools);
}

static const char white[] = " \t\r\n";

bool turns_blank(const char *text)
{
    return !text[strspn(text, white)];
}

json_t *turns_stop(const json_t *stop)
{
    EIN_JSON json_t *one = json_is_string(stop) ? json_pack("[O]", stop) : NULL;
    EIN_JSON json_t *kept = json_array();

    stop = one ? one : stop;
    for (size_t i = 0; i < json_array_size(stop); i++) {
        json_t *text = json_array_get(stop, i);

        if (json_is_string(text) && !turns_blank(json_string_value(text)) &&
            json_array_append(kept, text) < 0)
            return NULL;
    }
    return EIN_TAKE(kept);
}

/* Message AT is taken out, and its neighbours, which are of one role then, become one. */
static int take_out(json_t *messages, size_t at)
{
    const json_t *before = at > 0 ? json_array_get(messages, at - 1) : NULL;
    json_t *blocks = json_object_get(before, "content");

    (void)json_array_remove(messages, at);
    if (!before || at == json_array_size(messages))
        return 0;
    if (json_array_extend(blocks, json_object_get(json_array_get(messages, at), "content")) < 0)
        return -1;
    return json_array_remove(messages, at);
}

int turns_trim_thoughts(struct turns *turns, bool (*is_thought)(const json_t *block),
                        struct ein_error *err)
{
    for (size_t i = json_array_size(turns->messages); i-- > 0;) {
        const json_t *message = json_array_get(turns->messages, i);
        json_t *content = json_object_get(message, "content");
        size_t count = json_array_size(content);

        if (strcmp(text_or_empty(message, "role"), "assistant") != 0)
            continue;
        for (; count > 0 && is_thought(json_array_get(content, count - 1)); count--)
            (void)json_array_remove(content, count - 1);
        if (count == 0 && take_out(turns->messages, i) < 0)
            return error_no_memory(err);
    }
    return 0;
}

int turns_trim_end(struct turns *turns, struct ein_error *err)
{
    const json_t *last = json_array_get(turns->messages, json_array_size(turns->messages) - 1);
    const json_t *content = json_object_get(last, "content");
    json_t *block = json_array_get(content, json_array_size(content) - 1);
    const char *text = text_or_empty(block, "text");
    size_t len = strlen(text);

    if (strcmp(text_or_empty(last, "role"), "assistant") != 0)
        return 0;
    while (len > 0 && strchr(white, text[len - 1]))
        len--;
    if (text[len] && json_object_set_new(block, "text", json_stringn(text, len)) < 0)
        return error_no_memory(err);
    return 0;
}

const json_t *turns_replay(const json_t *part, const char *wire)
{
    const json_t *replay = json_object_get(part, "replay");

    return strcmp(text_or_empty(replay, "wire"), wire) == 0 ? replay : NULL;
}

static void make_id(const char *id, size_t len, const char *prefix, char made[TURNS_ID_SIZE])
{
    (void)snprintf(made, TURNS_ID_SIZE, "%s_%016llx", prefix,
                   (unsigned long long)hash_fnv(HASH_FNV_START, id, len));
}

void turns_tool_id(const char *id, char ret_id[TURNS_ID_SIZE])
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_-";
    size_t len = strlen(id), good = strspn(id, allowed);

    if (len > 0 && good == len && len < TURNS_ID_SIZE) {
        memcpy(ret_id, id, len + 1);
        return;
    }
    make_id(id, len, "call", ret_id);
}

const char *turns_image_type(const json_t *part)
{
    static const struct {
        const char *begin, *media_type; /* of the bytes, in base64 */
    } types[] = {
        { "iVBORw0KGgo", "image/png" }, { "/9j/", "image/jpeg" },  { "R0lGODdh", "image/gif" },
        { "R0lGODlh", "image/gif" },    { "UklGR", "image/webp" },
    };
    const char *data = text_or_empty(part, "data"), *said = text_or_empty(part, "media_type");

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strncmp(data, types[i].begin, strlen(types[i].begin)) == 0)
            return types[i].media_type;
    return strcasecmp(said, "image/jpg") == 0 ? "image/jpeg" : said;
}

const char *turns_short_id(const char *id, size_t max, const char *prefix, char made[TURNS_ID_SIZE])
{
    size_t len = strlen(id);

    if (len <= max)
        return id;
    make_id(id, len, prefix, made);
    return made;
}

static int append_part(struct walk *walk, const json_t *part, struct ein_error *err)
{
    bool result = walk->blocks != walk->turns.system &&
                  strcmp(text_or_empty(part, "type"), "tool_result") == 0;

    return walk->part(part, result ? walk->results : walk->blocks, walk->data, err);
}

static int append_text(struct walk *walk, const json_t *text, struct ein_error *err)
{
    EIN_JSON json_t *part = json_pack("{s:s, s:O}", "type", "text", "text", text);

    if (!part)
        return error_no_memory(err);
    return append_part(walk, part, err);
}

static int append_content(struct walk *walk, const json_t *content, struct ein_error *err)
{
    int r = 0;

    if (json_is_string(content))
        return append_text(walk, content, err);
    for (size_t i = 0; r >= 0 && i < json_array_size(content); i++)
        r = append_part(walk, json_array_get(content, i), err);
    return r;
}

/* What tools answered in the last turn goes before all else in it. */
static int end_turn(struct walk *walk, struct ein_error *err)
{
    json_t *messages = walk->turns.messages;
    json_t *last = json_array_get(messages, json_array_size(messages) - 1);
    EIN_JSON json_t *results = EIN_TAKE(walk->results);

    walk->results = json_array();
    if (json_array_size(results) > 0 &&
        (json_array_extend(results, json_object_get(last, "content")) < 0 ||
         json_object_set(last, "content", results) < 0))
        return error_no_memory(err);
    return walk->results ? 0 : error_no_memory(err);
}

/* Whose blocks are read next: those of the last message if it has this role, else of a new one. */
static int turn_of(struct walk *walk, const char *role, struct ein_error *err)
{
    json_t *messages = walk->turns.messages;
    const json_t *last = json_array_get(messages, json_array_size(messages) - 1);

    if (last && strcmp(text_or_empty(last, "role"), role) == 0) {
        walk->blocks = json_object_get(last, "content");
        return 0;
    }
    if (end_turn(walk, err) < 0)
        return EIN_E_NO_MEMORY;
    walk->blocks = json_array();
    if (json_array_append_new(messages,
                              json_pack("{s:s, s:o}", "role", role, "content", walk->blocks)) < 0)
        return error_no_memory(err);
    return 0;
}

/* What the system says later stands where it was said, as clients of Claude put it: among its first
 * words it would come too early, and change what all that follows is cached by. */
static int append_reminder(struct walk *walk, const json_t *content, struct ein_error *err)
{
    EIN_JSON json_t *begin = json_string("<system-reminder>");
    EIN_JSON json_t *end = json_string("</system-reminder>");
    int r = turn_of(walk, "user", err);

    if (r >= 0)
        r = append_text(walk, begin, err);
    if (r >= 0)
        r = append_content(walk, content, err);
    return r < 0 ? r : append_text(walk, end, err);
}

static int read_message(struct walk *walk, const json_t *message, struct ein_error *err)
{
    json_t *messages = walk->turns.messages;
    const char *role = text_or_empty(message, "role");
    const json_t *content = json_object_get(message, "content");
    int r;

    if (strcmp(role, "system") == 0 && walk->spoken)
        return append_reminder(walk, content, err);
    if (strcmp(role, "system") == 0) {
        walk->blocks = walk->turns.system;
        return append_content(walk, content, err);
    }
    if (strcmp(role, "user") != 0 && strcmp(role, "assistant") != 0)
        return error_set(err, EIN_E_INVALID, "a message has the role '%.40s'", role);
    r = turn_of(walk, role, err);
    walk->spoken |= strcmp(role, "assistant") == 0;
    if (r >= 0)
        r = append_content(walk, content, err);
    if (r >= 0 && json_array_size(walk->blocks) + json_array_size(walk->results) == 0)
        (void)json_array_remove(messages, json_array_size(messages) - 1);
    return r;
}

/* A conversation that the assistant, or nobody, begins is refused. */
static int begin(struct walk *walk, struct ein_error *err)
{
    const json_t *first = json_array_get(walk->turns.messages, 0);
    EIN_JSON json_t *text = json_string("(The conversation begins.)");
    EIN_JSON json_t *blocks = json_array();
    int r;

    if (strcmp(text_or_empty(first, "role"), "user") == 0 ||
        (!first && json_array_size(walk->turns.system) == 0))
        return 0;
    walk->blocks = blocks;
    r = append_text(walk, text, err);
    if (r >= 0 &&
        json_array_insert_new(walk->turns.messages, 0,
                              json_pack("{s:s, s:O}", "role", "user", "content", blocks)) < 0)
        r = error_no_memory(err);
    return r;
}

int turns_read(const json_t *messages, turns_part_fn *part, void *data, struct turns *ret_turns,
               struct ein_error *err)
{
    struct walk walk = { .part = part,
                         .data = data,
                         .results = json_array(),
                         .turns = { .system = json_array(), .messages = json_array() } };
    int r = 0;

    if (!walk.turns.system || !walk.turns.messages || !walk.results)
        r = error_no_memory(err);
    for (size_t i = 0; r >= 0 && i < json_array_size(messages); i++)
        r = read_message(&walk, json_array_get(messages, i), err);
    if (r >= 0)
        r = end_turn(&walk, err);
    if (r >= 0)
        r = begin(&walk, err);
    json_decref(walk.results);
    if (r < 0)
        turns_done(&walk.turns);
    else
        *ret_turns = walk.turns;
    return r;
}

void turns_done(struct turns *turns)
{
    json_decref(turns->system);
    json_decref(turns->messages);
    *turns = (struct turns){ 0 };
}
