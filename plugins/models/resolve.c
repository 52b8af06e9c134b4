/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve.h"

#include "cleanup.h"
#include "error.h"

#include <string.h>

enum { LIKE_MAX = 8 }; /* models one after the other that are like the next */

/* ---- merging ---- */

/* RFC 7396, but a price is replaced as a whole: half of one read here and half of it there would
 * be nobody's.  Branches are shared with both. */
static json_t *patched(const json_t *target, const json_t *patch)
{
    const char *name;
    json_t *value;

    if (!json_is_object(patch))
        return json_incref((json_t *)patch);
    EIN_JSON json_t *result = json_is_object(target) ? json_copy((json_t *)target) : json_object();
    json_object_foreach((json_t *)patch, name, value)
    {
        if (json_is_null(value))
            (void)json_object_del(result, name);
        else if (strcmp(name, "price") == 0)
            (void)json_object_set(result, name, value);
        else if (json_object_set_new(result, name, patched(json_object_get(target, name), value)) <
                 0)
            return NULL;
    }
    return EIN_TAKE(result);
}

static int check_top(struct check *check, const json_t *file)
{
    static const char *const known[] = { "note", "parameters", "aliases", "providers" };
    const char *name;
    json_t *value;

    if (!json_is_object(file))
        return check_fail(check, "is not an object");
    json_object_foreach((json_t *)file, name, value)
    {
        size_t mark = check_enter(check, name), i = 0;

        while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i], name) != 0)
            i++;
        if (i == sizeof(known) / sizeof(known[0]))
            return check_fail(check, "is not known here");
        if (i > 0 && !json_is_object(value))
            return check_fail(check, "is not an object");
        check_leave(check, mark);
    }
    return 0;
}

/* The model with what it is like put under it: from now on it stands by itself, whatever becomes
 * of the other. */
static int expand(struct check *check, const json_t *models, const json_t *model, int depth,
                  json_t **ret_model)
{
    const json_t *like = json_object_get(model, "like");
    const json_t *other = json_object_get(models, json_string_value(like));
    EIN_JSON json_t *under = NULL;
    EIN_JSON json_t *expanded = NULL;

    if (!json_is_object(model))
        return check_fail(check, "is not an object");
    if (like && !other)
        return check_fail(check, "is like %.100s, which is not there",
                          json_is_string(like) ? json_string_value(like) : "something");
    if (like && depth == LIKE_MAX)
        return check_fail(check, "is like a model that is like another, and so on without an end");
    if (like) {
        int r = expand(check, models, other, depth + 1, &under);
        if (r < 0)
            return r;
    }
    expanded = patched(under, model);
    if (!expanded)
        return error_no_memory(check->err);
    (void)json_object_del(expanded, "like");
    (void)json_object_del(expanded, "note");
    *ret_model = EIN_TAKE(expanded);
    return 0;
}

static int expand_models(struct check *check, const json_t *models, json_t **ret_models)
{
    EIN_JSON json_t *all = json_object();
    size_t mark = check_enter(check, "models");
    const char *id;
    json_t *model, *expanded;

    json_object_foreach((json_t *)models, id, model)
    {
        size_t here = check_enter(check, id);
        int r = expand(check, models, model, 0, &expanded);

        if (r < 0)
            return r;
        if (json_object_set_new(all, id, expanded) < 0)
            return error_no_memory(check->err);
        check_leave(check, here);
    }
    check_leave(check, mark);
    *ret_models = EIN_TAKE(all);
    return 0;
}

/* A copy of CATALOG in which no model is like another. */
static int expand_all(struct check *check, const json_t *catalog, json_t **ret_catalog)
{
    EIN_JSON json_t *expanded = json_copy((json_t *)catalog);
    EIN_JSON json_t *providers = json_object();
    size_t mark = check_enter(check, "providers");
    const char *name;
    json_t *provider;

    json_object_foreach(json_object_get(catalog, "providers"), name, provider)
    {
        size_t here = check_enter(check, name);
        EIN_JSON json_t *own = json_copy(provider);
        EIN_JSON json_t *models = NULL;
        int r = expand_models(check, json_object_get(provider, "models"), &models);

        if (r < 0)
            return r;
        if (json_is_object(provider) && json_is_object(json_object_get(provider, "models")))
            (void)json_object_set(own, "models", models);
        if (json_object_set(providers, name, own) < 0)
            return error_no_memory(check->err);
        check_leave(check, here);
    }
    check_leave(check, mark);
    if (json_object_set(expanded, "providers", providers) < 0)
        return error_no_memory(check->err);
    (void)json_object_del(expanded, "note");
    *ret_catalog = EIN_TAKE(expanded);
    return 0;
}

int catalog_merge(struct check *check, const json_t *catalog, const json_t *file,
                  json_t **ret_catalog)
{
    EIN_JSON json_t *merged = NULL;
    int r = check_top(check, file);

    if (r < 0)
        return r;
    merged = patched(catalog, file);
    return merged ? expand_all(check, merged, ret_catalog) : error_no_memory(check->err);
}

/* ---- one model ---- */

struct family {               /* what the models of a provider have in common */
    const json_t *parameters; /* of all providers */
    const json_t *provider;
};

/* A parameter always has a default, null for none, and a description where one is known. */
static json_t *finish_parameter(const struct family *family, const char *name,
                                const json_t *parameter)
{
    json_t *description = json_object_get(json_object_get(family->parameters, name), "description");
    json_t *finished = json_copy((json_t *)parameter);

    if (json_is_object(finished) && !json_object_get(finished, "default"))
        (void)json_object_set_new(finished, "default", json_null());
    if (json_is_object(finished) && description && !json_object_get(finished, "description"))
        (void)json_object_set(finished, "description", description);
    return finished;
}

static int finish_parameters(struct check *check, const struct family *family, json_t *model)
{
    const json_t *parameters = json_object_get(model, "parameters");
    EIN_JSON json_t *finished = json_object();
    const char *name;
    json_t *parameter;

    if (parameters && !json_is_object(parameters))
        return 0; /* the check tells */
    json_object_foreach((json_t *)parameters, name, parameter)
    {
        if (json_object_set_new(finished, name, finish_parameter(family, name, parameter)) < 0)
            return error_no_memory(check->err);
    }
    return json_object_set(model, "parameters", finished) < 0 ? error_no_memory(check->err) : 0;
}

/* Built-in tools by their ids become what the provider says of them. */
static int finish_tools(struct check *check, const struct family *family, json_t *model)
{
    const json_t *known = json_object_get(family->provider, "built_in_tools");
    const json_t *tools = json_object_get(model, "built_in_tools");
    EIN_JSON json_t *finished = json_array();
    size_t i;
    json_t *tool;

    json_array_foreach((json_t *)tools, i, tool)
    {
        const char *id = json_string_value(tool);
        const json_t *told = json_object_get(known, id);

        if (id && !told) {
            (void)check_enter(check, "built_in_tools");
            return check_fail(check, "names %.100s, which is not in its provider's built_in_tools",
                              id);
        }
        json_t *whole = id ? json_pack("{s:O, s:O*, s:O*, s:O*}", "id", tool, "description",
                                       json_object_get(told, "description"), "tool_config",
                                       json_object_get(told, "tool_config"), "web_search",
                                       json_object_get(told, "web_search"))
                           : json_incref(tool);
        if (json_array_append_new(finished, whole) < 0)
            return error_no_memory(check->err);
    }
    if (!json_is_array(tools))
        return 0;
    return json_object_set(model, "built_in_tools", finished) < 0 ? error_no_memory(check->err) : 0;
}

/* MODEL, which is nobody else's, becomes an entry as it is served. */
static int finish(struct check *check, const struct family *family, json_t *model)
{
    int r = finish_parameters(check, family, model);

    if (r >= 0)
        r = finish_tools(check, family, model);
    return r < 0 ? r : check_model(check, model);
}

/* ---- live lists ---- */

/* What a server says of its model, without what no entry has. */
static json_t *known_members(const json_t *told)
{
    json_t *known = json_object();
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)told, name, value)
    {
        if (check_knows(name) && !json_is_null(value))
            (void)json_object_set(known, name, value);
    }
    return known;
}

/* What a server says that cannot be is taken away, one member after the other; false: it is not
 * what the server said. */
static bool take_away(json_t *known, const struct check *check)
{
    EIN_JSON json_t *member = json_stringn(check->path, strcspn(check->path, "."));

    return json_object_del(known, json_string_value(member)) == 0;
}

/* The entry of a model of which a live list tells; NULL: it tells nonsense.  `expanded` may be
 * NULL: the catalog does not have it. */
static json_t *live_model(const struct family *family, const json_t *told, const json_t *expanded)
{
    EIN_JSON json_t *known = known_members(told);
    struct check check;

    do {
        json_t *model = expanded ? patched(known, expanded)
                                 : patched(json_object_get(family->provider, "defaults"), known);

        check = (struct check){ .err = NULL };
        if (model && finish(&check, family, model) >= 0)
            return model;
        json_decref(model);
    } while (take_away(known, &check));
    return NULL;
}

static int add_live(struct check *check, const struct family *family, const json_t *live,
                    json_t *models)
{
    const char *id;
    json_t *told;

    json_object_foreach((json_t *)live, id, told)
    {
        json_t *model;

        if (json_object_get(models, id))
            continue;
        model = live_model(family, told, NULL);
        if (model && json_object_set_new(models, id, model) < 0)
            return error_no_memory(check->err);
    }
    return 0;
}

/* ---- providers ---- */

static int resolve_model(struct check *check, const struct family *family, const json_t *model,
                         const json_t *told, json_t **ret_model)
{
    EIN_JSON json_t *whole = told ? live_model(family, told, model) : NULL;
    int r = 0;

    if (!whole) {
        whole = json_copy((json_t *)model);
        r = whole ? finish(check, family, whole) : error_no_memory(check->err);
    }
    if (r >= 0)
        *ret_model = EIN_TAKE(whole);
    return r;
}

static int resolve_models(struct check *check, const struct family *family, const json_t *live,
                          json_t *models)
{
    size_t mark = check_enter(check, "models");
    const char *id;
    json_t *model;

    json_object_foreach(json_object_get(family->provider, "models"), id, model)
    {
        size_t here = check_enter(check, id);
        json_t *resolved;
        int r = resolve_model(check, family, model, json_object_get(live, id), &resolved);

        if (r < 0)
            return r;
        if (json_object_set_new(models, id, resolved) < 0)
            return error_no_memory(check->err);
        check_leave(check, here);
    }
    check_leave(check, mark);
    return add_live(check, family, live, models);
}

/* Complete by itself, so that each model of a live list can be. */
static int check_defaults(struct check *check, const struct family *family)
{
    const json_t *defaults = json_object_get(family->provider, "defaults");
    size_t mark = check_enter(check, "defaults");
    EIN_JSON json_t *model = patched(NULL, defaults);
    int r = 0;

    if (defaults)
        r = model ? finish(check, family, model) : error_no_memory(check->err);
    if (r >= 0)
        check_leave(check, mark);
    return r;
}

static int resolve_provider(struct check *check, const json_t *parameters, const json_t *provider,
                            const json_t *live, json_t **ret_provider)
{
    const struct family family = { parameters, provider };
    EIN_JSON json_t *models = json_object();
    json_t *resolved;
    int r = check_provider(check, provider);

    if (r >= 0)
        r = check_defaults(check, &family);
    if (r >= 0)
        r = resolve_models(check, &family, live, models);
    if (r < 0)
        return r;
    resolved = json_pack("{s:O*, s:O*, s:O}", "api_key_env_var",
                         json_object_get(provider, "api_key_env_var"), "other_key_env_vars",
                         json_object_get(provider, "other_key_env_vars"), "models", models);
    if (!resolved)
        return error_no_memory(check->err);
    *ret_provider = resolved;
    return 0;
}

static int resolve_providers(struct check *check, const json_t *catalog, const json_t *live,
                             json_t *providers)
{
    const json_t *parameters = json_object_get(catalog, "parameters");
    const json_t *known = json_object_get(catalog, "providers");
    size_t mark = check_enter(check, "providers");
    const char *name;
    json_t *provider, *told;

    json_object_foreach((json_t *)known, name, provider)
    {
        size_t here = check_enter(check, name);
        json_t *resolved;
        int r =
            resolve_provider(check, parameters, provider, json_object_get(live, name), &resolved);

        if (r < 0)
            return r;
        if (json_object_set_new(providers, name, resolved) < 0)
            return error_no_memory(check->err);
        check_leave(check, here);
    }
    json_object_foreach((json_t *)live, name, told)
    {
        EIN_JSON json_t *nothing = json_object();
        json_t *resolved;

        if (json_object_get(providers, name))
            continue;
        if (resolve_provider(check, parameters, nothing, told, &resolved) < 0 ||
            json_object_set_new(providers, name, resolved) < 0)
            return error_no_memory(check->err);
    }
    check_leave(check, mark);
    return 0;
}

static int check_aliases(struct check *check, const json_t *aliases)
{
    size_t mark = check_enter(check, "aliases");
    const char *name;
    json_t *target;

    json_object_foreach((json_t *)aliases, name, target)
    {
        const char *text = json_string_value(target), *slash = text ? strchr(text, '/') : NULL;
        size_t here = check_enter(check, name);

        if (!slash || slash == text || !slash[1])
            return check_fail(check, "is not \"provider/model\"");
        check_leave(check, here);
    }
    check_leave(check, mark);
    return 0;
}

int catalog_resolve(struct check *check, const json_t *catalog, const json_t *live,
                    json_t **ret_resolved)
{
    json_t *aliases = json_object_get(catalog, "aliases"), *resolved;
    EIN_JSON json_t *providers = json_object();
    int r = check_aliases(check, aliases);

    if (r >= 0)
        r = resolve_providers(check, catalog, live, providers);
    if (r < 0)
        return r;
    resolved = json_pack("{s:O*, s:O}", "aliases", aliases, "providers", providers);
    if (!resolved)
        return error_no_memory(check->err);
    *ret_resolved = resolved;
    return 0;
}

/* ---- what others need of it ---- */

static void add_row(json_t *rows, const char *provider, const char *model, const char *a,
                    const char *b)
{
    EIN_JSON json_t *other = json_pack("[s, s, s, s]", provider, model, b, a);
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        if (json_equal(row, other))
            return;
    }
    (void)json_array_append_new(rows, json_pack("[s, s, s, s]", provider, model, a, b));
}

json_t *catalog_exclusive(const json_t *resolved)
{
    json_t *rows = json_array(), *provider, *model, *parameter, *other;
    const char *name, *id, *member;
    size_t i;

    json_object_foreach(json_object_get(resolved, "providers"), name, provider)
    {
        json_object_foreach(json_object_get(provider, "models"), id, model)
        {
            json_object_foreach(json_object_get(model, "parameters"), member, parameter)
            {
                json_array_foreach(json_object_get(parameter, "mutually_exclusive_with"), i, other)
                {
                    add_row(rows, name, id, member, json_string_value(other));
                }
            }
        }
    }
    return rows;
}

json_t *catalog_context_windows(const json_t *resolved)
{
    json_t *windows = json_object(), *provider, *model;
    const char *name, *id;

    json_object_foreach(json_object_get(resolved, "providers"), name, provider)
    {
        json_object_foreach(json_object_get(provider, "models"), id, model)
        {
            EIN_JSON json_t *key = json_sprintf("%s/%s", name, id);
            json_t *window = json_object_get(model, "context_window");
            if (window)
                (void)json_object_set(windows, json_string_value(key), window);
        }
    }
    return windows;
}
