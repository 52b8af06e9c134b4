/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMAS_H
#define SCHEMAS_H

/* JSON written as itself: SCHEMA({"type": "string"}) is its text.  Pieces are joined by
 * writing them next to each other. */
#define SCHEMA(...) #__VA_ARGS__

#define SCHEMA_ANY_OBJECT   SCHEMA({ "type" : "object", "additionalProperties" : true })
#define SCHEMA_TEXT         SCHEMA({ "type" : "string" })
#define SCHEMA_TEXT_OR_NULL SCHEMA({ "type" : [ "string", "null" ] })
#define SCHEMA_TIME         SCHEMA({ "type" : "string", "format" : "date-time" })
#define SCHEMA_TIME_OR_NULL SCHEMA({ "type" : [ "string", "null" ], "format" : "date-time" })
#define SCHEMA_COUNT        SCHEMA({ "type" : "integer", "minimum" : 0 })

#endif
