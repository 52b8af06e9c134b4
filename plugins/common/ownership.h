/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a document is, as its plugin writes it.  Who may do what with it is for http->may() to
 * say; nothing here knows of roles. */
#pragma once

#include "schemas.h"
#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>

#define OWNER_INDEX "owner" /* the field that http->visible() asks for */

#define PERSONAL "personal:" /* begins the id of a personal workspace, before its user's */

/* `workspaceId` of a body; absent in a change, it stays as it is. */
#define WORKSPACE_ID_SCHEMA                                                                        \
    SCHEMA({                                                                                       \
        "type" : [ "string", "null" ],                                                             \
        "minLength" : 1,                                                                           \
        "maxLength" : 256,                                                                         \
        "description" : "The workspace whose members see it; null: it is its maker's alone"        \
    })

/* Gives DOC, which has its userId, to WORKSPACE; NULL: to its maker alone.  0 or NO_MEMORY. */
int ownership_set(json_t *doc, const char *workspace);

const char *ownership_workspace(const json_t *doc); /* NULL: none */

/* Does BODY, a change of DOC, put it into another workspace, or into none? */
bool ownership_moves(const json_t *doc, const json_t *body);

/* May the caller make DOC?  In workspaces that they are a member of.  0, or the status that was
 * replied. */
int ownership_check_new(const struct ein_http *http, struct ein_req *req, const json_t *doc);

/* May the caller move DOC to WORKSPACE (NULL: back to its maker)?  Who may change everything where
 * it is, and where it goes.  0, or the status that was replied. */
int ownership_check_move(const struct ein_http *http, struct ein_req *req, const json_t *doc,
                         const char *workspace);

/* Things that are kept in drawers, one for each user and each workspace: whose drawer is meant. */
#define WHOSE_PROPERTIES                                                                           \
    "\"workspaceId\":" SCHEMA({                                                                    \
        "type" : "string",                                                                         \
        "minLength" : 1,                                                                           \
        "maxLength" : 256,                                                                         \
        "description" : "What belongs to this workspace: members read, its admins change"          \
    }) ",\"userId\":" SCHEMA({                                                                     \
        "type" : "string",                                                                         \
        "minLength" : 1,                                                                           \
        "maxLength" : 380,                                                                         \
        "description" : "What belongs to this user; for site admins"                               \
    })
#define WHOSE_QUERY_SCHEMA "{\"type\":\"object\",\"properties\":{" WHOSE_PROPERTIES "}}"

/* A text that no two of them share, of WORKSPACE or, that being NULL, of USER; it lives as long as
 * the request.  NULL: no memory. */
const char *ownership_drawer(const struct ein_http *http, struct ein_req *req, const char *user,
                             const char *workspace);

/* ?workspaceId=, ?userId=, or else the caller: *ret_owner is its drawer.  0, or the status that was
 * replied. */
int ownership_whose(const struct ein_http *http, struct ein_req *req, const char **ret_owner);
