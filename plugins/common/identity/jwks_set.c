/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "error.h"
#include "json_depth.h"
#include "jwks.h"
#include "member.h"

#include <string.h>

struct jwks_set {
    size_t count;
    struct {
        char *kid; /* NULL: none */
        struct jwt_key *key;
    } keys[JWKS_KEYS_MAX];
};

void jwks_set_free(struct jwks_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++) {
        free(set->keys[i].kid);
        jwt_key_unref(set->keys[i].key);
    }
    free(set);
}

struct jwt_key *jwks_set_find(const struct jwks_set *set, const char *kid, enum jwt_alg alg)
{
    struct jwt_key *found = NULL;

    for (size_t i = 0; i < set->count; i++) {
        if (jwt_key_alg(set->keys[i].key) != alg)
            continue;
        if (kid && set->keys[i].kid && strcmp(kid, set->keys[i].kid) == 0)
            return set->keys[i].key;
        if (!kid && found)
            return NULL;
        if (!kid)
            found = set->keys[i].key;
    }
    return found;
}

static int add(struct jwks_set *set, const char *kid, struct jwt_key *take_key)
{
    char *copy = kid ? strdup(kid) : NULL;

    if ((kid && !copy) || set->count == JWKS_KEYS_MAX) {
        free(copy);
        jwt_key_unref(take_key);
        return kid && !copy ? EIN_E_NO_MEMORY : EIN_E_TOO_LARGE;
    }
    set->keys[set->count].kid = copy;
    set->keys[set->count++].key = take_key;
    return 0;
}

/* A key of the set: made from `value` by `which` form.  One that is of no use is passed over: a set
 * may hold others' keys, and those of tomorrow's algorithms. */
static int add_jwk(struct jwks_set *set, const json_t *jwk)
{
    const char *kid = text_of(jwk, "kid");
    struct jwt_key *key;

    return jwt_key_from_jwk(jwk, &key) < 0 ? 0 : add(set, kid, key);
}

static int add_certificate(struct jwks_set *set, const char *kid, const json_t *pem)
{
    struct jwt_key *key;

    if (!json_is_string(pem) || jwt_key_from_pem(json_string_value(pem), &key) < 0)
        return 0;
    return add(set, kid, key);
}

static int add_all(struct jwks_set *set, json_t *document)
{
    const json_t *keys = json_object_get(document, "keys");
    const char *kid;
    json_t *value;
    size_t i;
    int r = 0;

    if (json_is_array(keys)) {
        json_array_foreach(keys, i, value) if (r == 0) r = add_jwk(set, value);
    } else {
        json_object_foreach(document, kid, value) if (r == 0) r = add_certificate(set, kid, value);
    }
    return r;
}

int jwks_set_parse(const char *text, size_t len, struct jwks_set **ret_set, struct ein_error *err)
{
    EIN_JSON json_t *document = json_object_read(text, len, JWT_DEPTH_MAX);
    struct jwks_set *set;
    int r;

    if (!document)
        return error_set(err, EIN_E_INVALID, "what it sends is not a JSON object");
    set = calloc(1, sizeof(*set));
    if (!set)
        return error_no_memory(err);
    r = add_all(set, document);
    if (r == EIN_E_TOO_LARGE)
        (void)error_set(err, r, "it offers more than %d keys", JWKS_KEYS_MAX);
    else if (r < 0)
        (void)error_no_memory(err);
    else if (set->count == 0)
        r = error_set(err, EIN_E_INVALID, "none of its keys is for RS256 or ES256");
    if (r < 0) {
        jwks_set_free(set);
        return r;
    }
    *ret_set = set;
    return 0;
}
