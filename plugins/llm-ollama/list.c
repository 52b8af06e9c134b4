/* SPDX-License-Identifier: Apache-2.0 */
/* The models that the server has, with what it says of each. */
#include "error.h"
#include "member.h"
#include "ollama.h"

#include <string.h>

static int keep(void *data, json_t *json, struct ein_error *err)
{
    (void)err;
    *(json_t **)data = json_incref(json);
    return 0;
}

/* The JSON that `path` is answered with; `body` NULL: GET. */
static int fetch(const struct ollama *ollama, const char *path, json_t **body, json_t **ret_json,
                 struct ein_error *err)
{
    struct ein_llm_outcome outcome = { .struct_size = sizeof(outcome) };
    struct vendor_call call = {
        .path = path, .body = body, .framing = VENDOR_JSON, .on_whole = keep, .data = ret_json
    };

    return ollama_call(ollama, &call, ollama->vendor.own_key, &outcome, err);
}

/* ---- an entry ---- */

/* "llama.context_length" and the like. */
static json_int_t number_of(const json_t *shown, const char *end)
{
    const size_t end_len = strlen(end);
    const char *name;
    json_t *value;

    json_object_foreach(json_object_get(shown, "model_info"), name, value)
    {
        size_t len = strlen(name);

        if (len > end_len && strcmp(name + len - end_len, end) == 0 &&
            json_integer_value(value) > 0)
            return json_integer_value(value);
    }
    return 0;
}

/* A model that only embeds is none to talk to. */
static bool only_embeds(const json_t *shown)
{
    return list_has(json_object_get(shown, "capabilities"), "embedding") &&
           !list_has(json_object_get(shown, "capabilities"), "completion");
}

static bool is_of_use(const json_t *shown)
{
    return !json_array_size(json_object_get(shown, "capabilities")) ||
           list_has(json_object_get(shown, "capabilities"), "completion") ||
           list_has(json_object_get(shown, "capabilities"), "embedding");
}

/* What one has that embeds; what models to talk to are told is none of it. */
static int add_embedding(json_t *entry, const json_t *shown)
{
    json_int_t length = number_of(shown, ".embedding_length");
    json_t *embedding = json_object(),
           *parameters = json_pack("{s:n, s:n}", "temperature", "num_predict");
    int r = 0;

    if (length) {
        r |= json_object_set_new(embedding, "dimensions", json_integer(length));
        r |= json_object_set_new(
            parameters, "dimensions",
            json_pack("{s:s, s:i, s:I}", "type", "integer", "min", 1, "max", length));
    }
    r |= json_object_set_new(entry, "embedding", embedding);
    return r | json_object_set_new(entry, "parameters", parameters);
}

json_t *ollama_entry(const char *name, const json_t *shown)
{
    static const char *const abilities[][2] = {
        { "can_tool_call", "tools" },
        { "can_reasoning", "thinking" },
        { "can_attachment", "vision" },
    };
    const json_t *can = json_object_get(shown, "capabilities");
    json_t *entry = json_pack("{s:s}", "id", name);
    json_int_t context = number_of(shown, ".context_length");
    int r = entry ? 0 : -1;

    if (context) {
        r |= json_object_set_new(entry, "context_window", json_integer(context));
        r |= json_object_set_new(entry, "limits", json_pack("{s:I}", "context", context));
    }
    if (json_array_size(can)) {
        for (size_t i = 0; i < sizeof(abilities) / sizeof(abilities[0]); i++)
            r |= json_object_set_new(entry, abilities[i][0],
                                     json_boolean(list_has(can, abilities[i][1])));
        r |= json_object_set_new(entry, "modalities",
                                 json_pack("{s:[s, s*], s:[s]}", "input", "text",
                                           list_has(can, "vision") ? "image" : NULL, "output",
                                           "text"));
    }
    if (only_embeds(shown))
        r |= add_embedding(entry, shown);
    if (r == 0)
        return entry;
    json_decref(entry);
    return NULL;
}

/* ---- the list ---- */

/* One whose details do not come is listed without. */
static int add_model(const struct ollama *ollama, json_t *models, const char *name, bool details,
                     struct ein_error *err)
{
    EIN_JSON json_t *question = json_pack("{s:s}", "model", name), *shown = NULL;
    struct ein_error ignored;

    if (details && question)
        (void)fetch(ollama, "/api/show", &question, &shown, &ignored);
    if (!is_of_use(shown))
        return 0;
    if (json_array_append_new(models, ollama_entry(name, shown)) < 0)
        return error_no_memory(err);
    return 0;
}

int ollama_models(void *impl, json_t **ret_models, struct ein_error *err)
{
    const struct ollama *ollama = impl;
    EIN_JSON json_t *tags = NULL, *models = json_array();
    const json_t *tag;
    size_t at;
    int r = fetch(ollama, "/api/tags", NULL, &tags, err);

    json_array_foreach(json_object_get(tags, "models"), at, tag)
    {
        const char *name = json_string_value(json_object_get(tag, "name"));

        if (r == 0 && name)
            r = add_model(ollama, models, name, at < ollama->details_max, err);
    }
    if (r == 0)
        *ret_models = EIN_TAKE(models);
    return r;
}
