/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* JSON written as itself: SCHEMA({"type": "string"}) is its text.  Pieces are joined by
 * writing them next to each other. */
#define SCHEMA(...) #__VA_ARGS__

#define SCHEMA_ANY_OBJECT SCHEMA({ "type" : "object", "additionalProperties" : true })
#define SCHEMA_TEXT       SCHEMA({ "type" : "string" })
#define SCHEMA_NAME       SCHEMA({ "type" : "string", "maxLength" : 256 })
#define SCHEMA_TIME       SCHEMA({ "type" : "string", "format" : "date-time" })
