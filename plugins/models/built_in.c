/* SPDX-License-Identifier: Apache-2.0 */
#include "built_in.h"

#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "notes.h"

#include <string.h>

enum { SEARCHES = 10 }; /* that money is set aside for, where nobody says how many there may be */

static const char search_name[] = "web_search";

struct check {
    const struct parameter_rules *rules;
    const struct ein_completion_call *call;
    const json_t *row; /* what the model's search can be told; NULL: it has none, or nobody asks */
    struct built_in *ret;
    json_t **notes;
    struct ein_error *err;
};

/* Refuses, or notes that it was left out; `why` is what the model does. */
static int leave_out(const struct check *check, const char *name, const char *why)
{
    const struct model *model = check->rules->model;

    if (check->rules->refuse)
        return error_set(check->err, EIN_E_INVALID, "The tool '%.64s' cannot be: %s/%s %s", name,
                         model->provider, model->id, why);
    (void)notes_add(check->notes, check->rules->max_notes, "'%.64s' was left out: %s/%s %s", name,
                    model->provider, model->id, why);
    return 0;
}

static int keep(const struct check *check, json_t *tool)
{
    if (!check->ret->tools)
        check->ret->tools = json_array();
    return json_array_append(check->ret->tools, tool) < 0 ? EIN_E_NO_MEMORY : 0;
}

/* ---- the search of the web ---- */

static const json_t *search_row(const struct model *model)
{
    const json_t *tool;
    size_t i;

    json_array_foreach(json_object_get(model->json, "built_in_tools"), i, tool)
    {
        if (json_object_get(tool, search_name))
            return json_object_get(tool, search_name);
    }
    return NULL;
}

/* A search without what keeps it in its bounds would be another one; NULL: all of that can be. */
static const char *unbound(const struct check *check, const json_t *search)
{
    static const struct {
        const char *member, *why;
    } bounds[] = {
        { "live", "has no search that keeps away from the live web" },
        { "allowed_domains", "cannot keep its search to some domains" },
        { "blocked_domains", "cannot keep its search away from some domains" },
    };

    if (!check->row)
        return "has no such tool";
    if (json_array_size(check->call->tools) > 0 && !list_has(check->row, "functions"))
        return "does not search beside other tools";
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
        if (json_object_get(search, bounds[i].member) && !list_has(check->row, bounds[i].member))
            return bounds[i].why;
    return NULL;
}

/* What is a wish only may be left out of it; then the client's own words say too much. */
static int fit(const struct check *check, json_t *tool)
{
    EIN_JSON json_t *fitting = json_object();
    const json_t *search = json_object_get(tool, search_name);
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)search, name, value)
    {
        int r = list_has(check->row, name)
                    ? (json_object_set(fitting, name, value) < 0 ? EIN_E_NO_MEMORY : 0)
                    : leave_out(check, name, "does not take it with a search");

        if (r < 0)
            return r;
    }
    if (json_object_size(fitting) != json_object_size(search))
        (void)json_object_del(tool, "tool");
    return json_object_set(tool, search_name, fitting) < 0 ? EIN_E_NO_MEMORY : 0;
}

static int add_search(const struct check *check, const json_t *tool)
{
    const json_t *search = json_object_get(tool, search_name);
    const char *why = unbound(check, search);
    json_int_t uses = integer_of(search, "max_uses");
    EIN_JSON json_t *fitting = NULL;
    int r;

    if (why)
        return leave_out(check, search_name, why);
    if (check->ret->searches) /* one is enough */
        return 0;
    fitting = json_copy((json_t *)tool);
    r = fitting ? fit(check, fitting) : EIN_E_NO_MEMORY;
    check->ret->searches = uses > 0 && list_has(check->row, "max_uses") ? (uint64_t)uses : SEARCHES;
    return r < 0 ? r : keep(check, fitting);
}

/* ---- all of them ---- */

/* The length of a tool's name without its date: "bash_20250124", "web_search_2025_08_26". */
static size_t undated(const char *name)
{
    static const char *const shapes[] = { "_dddddddd", "_dddd_dd_dd" };
    size_t len = strlen(name);

    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        size_t shape_len = strlen(shapes[i]), at = 0;

        if (len <= shape_len)
            continue;
        for (const char *c = name + len - shape_len; *c; c++, at++)
            if (shapes[i][at] == '_' ? *c != '_' : *c < '0' || *c > '9')
                break;
        if (at == shape_len)
            return len - shape_len;
    }
    return len;
}

/* What its vendor calls TOOL: {"type": "bash_20250124", ...}, {"google_search": {}}. */
static const char *vendors_name(const json_t *tool)
{
    const char *type = text_of(tool, "type");

    return type ? type : json_object_iter_key(json_object_iter((json_t *)tool));
}

/* What runs at the vendor costs more than its tokens, and may reach what is the operator's there:
 * the catalog has it, with its price, or the operator says so. */
static bool may_be(const struct check *check, const char *name)
{
    EIN_FREE char *plain = strndup(name, undated(name));
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(check->rules->model->json, "built_in_tools"), i, row)
    {
        const char *own = vendors_name(json_object_get(row, "tool_config"));

        if (own && plain && undated(own) == strlen(plain) &&
            strncmp(own, plain, strlen(plain)) == 0)
            return true;
    }
    return plain && list_has(check->rules->pass_tools, plain);
}

static int add(const struct check *check, json_t *tool)
{
    const char *wire = text_of(tool, "wire");
    const char *name = vendors_name(wire ? json_object_get(tool, "tool") : tool);

    if (json_is_object(json_object_get(tool, search_name)))
        return add_search(check, tool);
    if (wire && strcmp(wire, wire_name(check->rules->model)) != 0)
        return leave_out(check, name ? name : "", "has no such tool");
    if (!name || !may_be(check, name))
        return leave_out(check, name ? name : "",
                         "has it neither in the catalog nor in pass_tools of plugins.models");
    if (!wire && check->row) /* the catalog's own words may be the search */
        check->ret->searches = SEARCHES;
    return keep(check, tool);
}

/* Only one vendor is told by its name to search; of others one of the tools has to be called, where
 * the search is all that there is. */
static int choose(const struct check *check)
{
    struct built_in *ret = check->ret;
    const char *name = text_of(check->call->tool_choice, "name");

    if (!name || strcmp(name, search_name) != 0 || list_find(check->call->tools, "name", name) ||
        (ret->searches && strcmp(wire_name(check->rules->model), "anthropic") == 0)) {
        ret->choice = json_incref((json_t *)check->call->tool_choice);
        return 0;
    }
    if (ret->searches && json_array_size(check->call->tools) > 0)
        return leave_out(check, "tool_choice", "searches only when it likes");
    ret->choice = ret->searches ? json_string("required") : NULL;
    return 0;
}

int built_in_check(const struct parameter_rules *rules, const struct ein_completion_call *call,
                   struct built_in *ret, json_t **notes, struct ein_error *err)
{
    const json_t *row = call->built_in_tools ? search_row(rules->model) : NULL;
    const struct check check = { rules, call, row, ret, notes, err };
    json_t *tool;
    size_t i;
    int r = 0;

    *ret = (struct built_in){ 0 };
    json_array_foreach((json_t *)call->built_in_tools, i, tool)
    {
        if (r >= 0)
            r = add(&check, tool);
    }
    if (r >= 0)
        r = choose(&check);
    if (r < 0)
        built_in_done(ret);
    return r == EIN_E_NO_MEMORY ? error_no_memory(err) : r;
}

void built_in_done(struct built_in *built_in)
{
    json_decref(built_in->tools);
    json_decref(built_in->choice);
    *built_in = (struct built_in){ 0 };
}
