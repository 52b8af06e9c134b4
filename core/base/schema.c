/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"
#include "cleanup.h"
#include "schema_node.h"
#include <string.h>

/* Walks a value along its schema.  The stack is as deep as the schema, whatever the value is. */

static json_t *check_node(struct check *check, const struct node *node, const struct place *place,
                          const json_t *value);

static json_t *lend(const json_t *value)
{
    return json_incref((json_t *)value);
}

static bool is_request(const struct check *check)
{
    return check->mode == SCHEMA_REQUEST || check->mode == SCHEMA_QUERY;
}

static bool is_lax(const struct check *check)
{
    return check->mode != SCHEMA_REPLY && !check->is_exact;
}

/* ---- objects ---- */

static const json_t *find_member(const struct check *check, const struct property *property,
                                 const json_t *object)
{
    const json_t *value = json_object_get(object, property->name);

    if (!value && property->other && is_request(check))
        value = json_object_get(object, property->other);
    return value;
}

static void set(struct check *check, json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new_nocheck(object, name, value) < 0)
        check->no_memory = true;
}

/* A copy of the default, with the defaults of what is inside. */
static json_t *unset_value(struct check *check, const struct property *property,
                           const struct place *here)
{
    if (json_is_object(property->unset) && property->node->properties)
        return check_node(check, property->node, here, property->unset);
    return json_deep_copy(property->unset);
}

/* OBJECT without the secrets that it may hold, for a fault to repeat; json_decref. */
static json_t *without_secrets(const struct check *check, const struct node *node,
                               const json_t *object)
{
    json_t *shown = lend(object);

    for (size_t i = 0; i < node->property_count; i++) {
        const struct property *property = &node->properties[i];

        if (!property->node->is_secret || !find_member(check, property, object))
            continue;
        if (shown == object) {
            json_decref(shown);
            shown = json_copy((json_t *)object);
        }
        (void)json_object_del(shown, property->name);
        if (property->other)
            (void)json_object_del(shown, property->other);
    }
    return shown;
}

static void fault_missing(struct check *check, const struct node *node,
                          const struct property *property, const struct place *here,
                          const json_t *object)
{
    json_t *shown = without_secrets(check, node, object);

    fault_add(check, FAULT_MISSING, here, property->node, shown);
    json_decref(shown);
}

/* NODE is the object's. */
static void check_property(struct check *check, const struct node *node,
                           const struct property *property, const struct place *place,
                           const json_t *object, json_t *ret)
{
    const struct place here = { place, property->name, 0 };
    const json_t *value = find_member(check, property, object);
    bool is_unset = !value || (json_is_null(value) && property->node->is_nullable);
    json_t *result;

    if (is_unset && property->unset && check->mode != SCHEMA_REPLY) {
        set(check, ret, property->name, unset_value(check, property, &here));
        return;
    }
    if (!value) {
        if (property->is_required)
            fault_missing(check, node, property, &here, object);
        return;
    }

    result = check_node(check, property->node, &here, value);
    if (result)
        set(check, ret, property->name, result);
}

static bool is_named(const struct check *check, const struct node *node, const char *name)
{
    for (size_t i = 0; i < node->property_count; i++) {
        const struct property *property = &node->properties[i];

        if (strcmp(property->name, name) == 0 ||
            (is_request(check) && property->other && strcmp(property->other, name) == 0))
            return true;
    }
    return false;
}

static void check_unnamed(struct check *check, const struct node *node, const struct place *place,
                          const char *name, const json_t *value, json_t *ret)
{
    const struct place here = { place, name, 0 };
    json_t *result;

    if (node->additional) {
        result = check_node(check, node->additional, &here, value);
        if (result)
            set(check, ret, name, result);
    } else if (node->keeps_unknown) {
        set(check, ret, name, lend(value));
    } else if (node->refuses_unknown || !is_request(check)) {
        fault_add(check, FAULT_UNKNOWN, &here, node, value);
    }
}

static json_t *check_object(struct check *check, const struct node *node, const struct place *place,
                            const json_t *value)
{
    json_t *members = (json_t *)value; /* jansson's iterators do not change it */
    json_t *result;

    if (!json_is_object(value)) {
        fault_add(check, node->properties ? FAULT_MODEL : FAULT_DICT, place, node, value);
        return NULL;
    }
    if (!node->properties && !node->additional && node->keeps_unknown)
        return lend(value);

    result = json_object();
    if (!result) {
        check->no_memory = true;
        return NULL;
    }
    for (size_t i = 0; i < node->property_count; i++)
        check_property(check, node, &node->properties[i], place, value, result);
    if (node->additional || node->keeps_unknown || node->refuses_unknown || !is_request(check))
        for (void *it = json_object_iter(members); it; it = json_object_iter_next(members, it))
            if (!is_named(check, node, json_object_iter_key(it)))
                check_unnamed(check, node, place, json_object_iter_key(it),
                              json_object_iter_value(it), result);
    return result;
}

/* ---- arrays ---- */

static json_t *check_items(struct check *check, const struct node *node, const struct place *place,
                           const json_t *value)
{
    json_t *result = json_array(), *item;
    size_t i;

    if (!result)
        check->no_memory = true;
    json_array_foreach(value, i, item)
    {
        const struct place here = { place, NULL, i };
        json_t *checked = check_node(check, node->items, &here, item);

        if (checked && json_array_append_new(result, checked) < 0)
            check->no_memory = true;
        if (check->fault_count >= FAULTS_MAX)
            break;
    }
    return result;
}

static json_t *check_array(struct check *check, const struct node *node, const struct place *place,
                           const json_t *value)
{
    /* A parameter that came once is a text, not a list. */
    EIN_JSON json_t *one =
        check->mode == SCHEMA_QUERY && json_is_string(value) ? json_pack("[O]", value) : NULL;
    size_t faults_before = check->fault_count;
    json_t *result;

    if (one)
        value = one;
    if (!json_is_array(value) || json_array_size(value) > node->len_max) {
        fault_add(check, json_is_array(value) ? FAULT_LIST_LONG : FAULT_LIST, place, node, value);
        return NULL;
    }
    result = node->items ? check_items(check, node, place, value) : lend(value);
    if (json_array_size(value) < node->len_min && check->fault_count == faults_before)
        fault_add(check, FAULT_LIST_SHORT, place, node, value);
    return result;
}

/* ---- anyOf ---- */

static json_t *try_branches(struct check *check, const struct node *node, const struct place *place,
                            const json_t *value, bool is_exact)
{
    for (size_t i = 0; i < node->any_count; i++) {
        struct check attempt = { .mode = check->mode, .is_exact = is_exact, .is_silent = true };
        json_t *result = check_node(&attempt, node->any_of[i], place, value);

        check->no_memory |= attempt.no_memory;
        if (result && attempt.fault_count == 0)
            return result;
        json_decref(result);
    }
    return NULL;
}

/* The branch that takes the value as it is, else the first that can make something of it, else
 * the faults of all. */
static json_t *check_any(struct check *check, const struct node *node, const struct place *place,
                         const json_t *value)
{
    json_t *result = try_branches(check, node, place, value, true);

    if (!result && is_lax(check))
        result = try_branches(check, node, place, value, false);
    if (result)
        return result;

    for (size_t i = 0; i < node->any_count; i++) {
        const struct place here = { place, node->any_of[i]->title, 0 };

        json_decref(check_node(check, node->any_of[i], node->any_count > 1 ? &here : place, value));
    }
    return NULL;
}

/* ---- */

static json_t *check_scalar(struct check *check, const struct node *node, const struct place *place,
                            const json_t *value)
{
    json_t *result = NULL;
    enum fault fault;

    /* Of a parameter that came more than once the last counts. */
    if (check->mode == SCHEMA_QUERY && json_is_array(value) && json_array_size(value) > 0)
        value = json_array_get(value, json_array_size(value) - 1);

    fault = scalar_check(node, is_lax(check), value, &result);
    if (fault != FAULT_NONE)
        fault_add(check, fault, place, node, value);
    else if (!result)
        check->no_memory = true;
    return result;
}

static json_t *check_node(struct check *check, const struct node *node, const struct place *place,
                          const json_t *value)
{
    if (json_is_null(value) && node->is_nullable)
        return lend(value);
    if (node->any_count > 0)
        return check_any(check, node, place, value);
    if (node->type == SCHEMA_OBJECT && !node->choices)
        return check_object(check, node, place, value);
    if (node->type == SCHEMA_ARRAY && !node->choices)
        return check_array(check, node, place, value);
    return check_scalar(check, node, place, value);
}

int schema_check(const struct schema *schema, enum schema_mode mode, const char *place,
                 const json_t *value, json_t **ret_value, json_t **ret_faults)
{
    const struct place root = { NULL, place, 0 };
    struct check check = { .mode = mode };
    EIN_JSON json_t *faults = NULL, *result = NULL;

    result = check_node(&check, schema_root(schema), &root, value);
    faults = check.faults;
    if (check.no_memory || (!result && check.fault_count == 0))
        return EIN_E_NO_MEMORY;
    if (check.fault_count > 0) {
        if (!faults)
            return EIN_E_NO_MEMORY;
        *ret_faults = EIN_TAKE(faults);
        return EIN_E_INVALID;
    }
    *ret_value = EIN_TAKE(result);
    return 0;
}

bool schema_takes_secrets(const struct schema *schema)
{
    const struct node *root = schema_root(schema);

    for (size_t i = 0; i < root->property_count; i++)
        if (root->properties[i].node->is_secret)
            return true;
    return false;
}
