/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a document is, and who else may read or change it; see einion/plugin.h. */
#pragma once

#include <einion/plugin.h>

#define OWNER_WORKSPACE "workspace:" /* begins the owner of what belongs to one */

int owner_may(const struct ein_req *req, const struct json_t *doc, struct ein_error *err);
struct json_t *owner_visible(const struct ein_req *req);
