/* SPDX-License-Identifier: Apache-2.0 */
/* A secret and its name as the document that is stored: AES-256-GCM, a random nonce, the name
 * authenticated, so that no sealed secret passes for one of another name. */
#pragma once

#include "ring.h"

#include <jansson.h>

int seal_close(const struct ring_key *key, const char *name, const char *secret, json_t **ret_doc,
               struct ein_error *err);
/* INVALID: the document is damaged, or of another name. */
int seal_open(const struct ring_key *key, const char *name, const json_t *doc, char **ret_secret,
              struct ein_error *err);
const char *seal_key_id(const json_t *doc);

/* Overwrites, then frees; NULL is fine. */
void seal_wipe(char *take_secret);
