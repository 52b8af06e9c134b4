/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>

/* Asks disk_quota/1, if there is one, whether OWNER may keep BYTES more; below 0 gives them back.
 */
int disk_take(const struct ein_host *host, struct ein_ctx *ctx, const char *owner, int64_t bytes,
              struct ein_error *err);

/* Likewise for DOC in place of OLD, which may be NULL. */
int disk_take_doc(const struct ein_host *host, struct ein_ctx *ctx, const char *owner,
                  const json_t *doc, const json_t *old, struct ein_error *err);

/* DOC has been deleted. */
void disk_give_doc(const struct ein_host *host, struct ein_ctx *ctx, const char *owner,
                   const json_t *doc);

/* What BYTES in place of OLD_BYTES take.  Nothing is given back: others may have read the same, and
 * each of them would. */
int64_t disk_growth(int64_t bytes, int64_t old_bytes);

/* What DOC takes. */
int64_t disk_bytes(const json_t *doc);
