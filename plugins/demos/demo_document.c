/* SPDX-License-Identifier: Apache-2.0 */
#include "demo_document.h"

#include "cleanup.h"
#include "clock.h"
#include "member.h"
#include "ownership.h"

/* What is the client's, in the order in which it is shown. */
static const char *const fields[] = {
    "name",       "description",   "selectedApis",     "modelConfig",
    "userPrompt", "generatedCode", "composerThoughts",
};
static const char *const own[] = { "_id", "_rev", "created_at", "updated_at" };
enum { FIELDS = sizeof(fields) / sizeof(fields[0]), OWN = sizeof(own) / sizeof(own[0]) };

static int set_fields(json_t *demo, const json_t *body)
{
    char now[CLOCK_ISO_SIZE];

    clock_iso(now);
    for (size_t i = 0; i < FIELDS; i++)
        if (copy_member(demo, body, fields[i]) < 0)
            return -1;
    return json_object_set_new(demo, "updated_at", json_string(now));
}

json_t *document_new(const json_t *body, const char *id, const char *uid)
{
    EIN_JSON json_t *demo = json_pack("{s:s, s:s}", "_id", id, "userId", uid);

    if (!demo || set_fields(demo, body) < 0 ||
        json_object_set(demo, "created_at", json_object_get(demo, "updated_at")) < 0 ||
        ownership_set(demo, ownership_workspace(body)) < 0)
        return NULL;
    return EIN_TAKE(demo);
}

json_t *document_replace(const json_t *demo, const json_t *body)
{
    EIN_JSON json_t *changed = json_copy((json_t *)demo);

    if (!changed || set_fields(changed, body) < 0)
        return NULL;
    if (ownership_moves(demo, body) && ownership_set(changed, ownership_workspace(body)) < 0)
        return NULL;
    return EIN_TAKE(changed);
}

json_t *document_show(const json_t *demo, const char *rev)
{
    EIN_JSON json_t *shown = json_object();

    for (size_t i = 0; i < FIELDS; i++)
        if (copy_member(shown, demo, fields[i]) < 0)
            return NULL;
    for (size_t i = 0; i < OWN; i++)
        if (copy_member(shown, demo, own[i]) < 0)
            return NULL;
    if (rev && json_object_set_new(shown, "_rev", json_string(rev)) < 0)
        return NULL;
    if (ownership_workspace(demo) && copy_member(shown, demo, "workspaceId") < 0)
        return NULL;
    return EIN_TAKE(shown);
}
