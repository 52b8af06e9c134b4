/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "schemas.h"

/* clang-format off */
#define PROVIDERS_SCHEMA SCHEMA({ \
    "type": "object", "required": ["providers", "legacyFirebaseEnabled"], \
    "properties": { \
        "providers": { \
            "type": "array", \
            "items": { \
                "type": "object", "title": "LoginProvider", \
                "required": ["type", "displayName", "icon"], \
                "properties": { \
                    "type": {"type": "string"}, \
                    "displayName": {"type": ["string", "null"]}, \
                    "icon": {"type": ["string", "null"]} \
                } \
            } \
        }, \
        "legacyFirebaseEnabled": {"type": "boolean"} \
    } \
})

#define ME_SCHEMA SCHEMA({ \
    "type": "object", "title": "Me", \
    "required": ["uid", "displayName", "email", "providerType", "workspaces", "isSiteAdmin"], \
    "properties": { \
        "uid": {"type": "string"}, \
        "displayName": {"type": ["string", "null"]}, \
        "email": {"type": ["string", "null"]}, \
        "providerType": {"type": "string"}, \
        "workspaces": { \
            "type": "array", \
            "items": { \
                "type": "object", "title": "Workspace", \
                "properties": { \
                    "workspaceId": {"type": "string"}, \
                    "role": {"type": ["string", "null"]}, \
                    "displayName": {"type": ["string", "null"]}, \
                    "source": {"type": ["string", "null"]}, \
                    "description": {"type": ["string", "null"]} \
                } \
            } \
        }, \
        "isSiteAdmin": {"type": "boolean"} \
    } \
})

#define CHANGES_SCHEMA SCHEMA({ \
    "type": "object", "title": "WorkspaceChanges", \
    "required": ["added", "removed", "roleChanges", "siteAdminChanged"], \
    "properties": { \
        "added": {"type": "array", "items": {"type": "string"}}, \
        "removed": {"type": "array", "items": {"type": "string"}}, \
        "roleChanges": { \
            "type": "array", \
            "items": { \
                "type": "object", \
                "properties": { \
                    "workspaceId": {"type": "string"}, \
                    "from": {"type": "string"}, \
                    "to": {"type": "string"} \
                } \
            } \
        }, \
        "siteAdminChanged": {"type": "boolean"} \
    } \
})

#define SESSIONS_SCHEMA SCHEMA({ \
    "type": "array", \
    "items": { \
        "type": "object", "title": "LoginSession", \
        "required": ["id", "providerType", "createdAt", "expiresAt", "address", "userAgent", "current"], \
        "properties": { \
            "id": {"type": "string"}, \
            "providerType": {"type": "string"}, \
            "createdAt": {"type": "string", "format": "date-time"}, \
            "expiresAt": {"type": "string", "format": "date-time"}, \
            "address": {"type": "string"}, \
            "userAgent": {"type": ["string", "null"]}, \
            "current": {"type": "boolean"} \
        } \
    } \
})

#define DELETED_SCHEMA SCHEMA({ \
    "type": "object", "required": ["deletedCount"], \
    "properties": {"deletedCount": {"type": "integer"}} \
})
/* clang-format on */
