/* SPDX-License-Identifier: Apache-2.0 */
/* The vendors' own tools, as clients ask for them.  The search of the web is one thing under the
 * names of all three APIs, whichever of them it comes through: completion/1 has a form for it that
 * every vendor's plugin can say in its own words. */
#include "ask.h"

#include "cleanup.h"
#include "member.h"

#include <string.h>

/* "web_search_20250305" is Anthropic's; "web_search", "web_search_2025_08_26" and
 * "web_search_preview" are OpenAI's, the last of which its models have by another price than the
 * catalog's: they are asked for the search that took its place. */
static bool is_dated(const char *type)
{
    static const char form[] = "web_search_00000000";
    const size_t date = sizeof(form) - 1 - 8;

    return strlen(type) == sizeof(form) - 1 && strncmp(type, form, date) == 0 &&
           strspn(type + date, "0123456789") == 8;
}

static bool is_search(const char *type)
{
    return strncmp(type, "web_search", strlen("web_search")) == 0;
}

static int copy_texts(const struct asking *asking, const json_t *from, const char *name, json_t *to)
{
    json_t *list = json_object_get(from, name), *item;
    size_t i;

    if (!list || json_is_null(list) || (json_is_array(list) && json_array_size(list) == 0))
        return 0;
    if (!json_is_array(list))
        return ask_refuse(asking, "tools", "'%s' of a search is not an array of texts.", name);
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item))
            return ask_refuse(asking, "tools", "'%s' of a search is not an array of texts.", name);
    }
    return json_object_set(to, name, list) < 0 ? EIN_E_NO_MEMORY : 0;
}

/* Chat completions have it one level deeper. */
static int copy_location(const json_t *tool, json_t *to)
{
    static const char *const names[] = { "city", "region", "country", "timezone" };
    const json_t *given = json_object_get(tool, "user_location");
    const json_t *inner = json_object_get(given, "approximate");
    EIN_JSON json_t *location = json_object();

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        json_t *text = json_object_get(inner ? inner : given, names[i]);

        if (json_is_string(text) && json_object_set(location, names[i], text) < 0)
            return EIN_E_NO_MEMORY;
    }
    if (json_object_size(location) == 0)
        return 0;
    return json_object_set(to, "location", location) < 0 ? EIN_E_NO_MEMORY : 0;
}

static int copy_bounds(const struct asking *asking, const json_t *tool, json_t *to)
{
    static const char *const lists[] = { "allowed_domains", "blocked_domains" };
    const json_t *filters = json_object_get(tool, "filters");
    int r = 0;

    for (size_t i = 0; r >= 0 && i < 2; i++)
        r = copy_texts(asking, json_is_object(filters) ? filters : tool, lists[i], to);
    if (r >= 0 && json_is_false(json_object_get(tool, "external_web_access")) &&
        json_object_set_new(to, "live", json_false()) < 0)
        r = EIN_E_NO_MEMORY;
    return r;
}

static int copy_wishes(const json_t *tool, json_t *to)
{
    json_t *size = json_object_get(tool, "search_context_size");
    json_t *uses = json_object_get(tool, "max_uses");

    if ((json_is_string(size) && json_object_set(to, "context_size", size) < 0) ||
        (json_is_integer(uses) && json_object_set(to, "max_uses", uses) < 0))
        return EIN_E_NO_MEMORY;
    return copy_location(tool, to);
}

/* What WORDS ask for, beside what `take_added` has already. */
static int add(struct asking *asking, const json_t *words, json_t *take_added)
{
    EIN_JSON json_t *added = take_added;
    json_t *search = json_object();
    int r = json_object_set_new(added, "web_search", search) < 0 ? EIN_E_NO_MEMORY : 0;

    if (r >= 0)
        r = copy_bounds(asking, words, search);
    if (r >= 0)
        r = copy_wishes(words, search);
    return r < 0 ? r : ask_add(&asking->ask->built_in_tools, EIN_TAKE(added));
}

int ask_search(struct asking *asking, const json_t *words)
{
    return add(asking, words, json_object());
}

int ask_built_in(struct asking *asking, json_t *tool, const char *wire)
{
    const char *type = text_or_empty(tool, "type");

    if (!is_search(type))
        return ask_add(&asking->ask->built_in_tools,
                       json_pack("{s:s, s:O}", "wire", wire, "tool", tool));
    if (strstr(type, "preview"))
        return add(asking, tool, json_pack("{s:O}", "tool", tool));
    return add(
        asking, tool,
        json_pack("{s:s, s:O}", "wire", is_dated(type) ? "anthropic" : "openai", "tool", tool));
}

int ask_search_uses(struct ask *ask, json_t *uses)
{
    json_t *tool;
    size_t i;

    json_array_foreach(ask->built_in_tools, i, tool)
    {
        json_t *search = json_object_get(tool, "web_search");

        if (search && json_is_integer(uses))
            return json_object_set(search, "max_uses", uses) < 0 ? EIN_E_NO_MEMORY : 1;
    }
    return 0;
}
