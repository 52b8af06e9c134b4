/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of the log, and what ties it to the one before. */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>
#include <stdbool.h>

enum {
    MAC_KEY_LEN = 32, /* bytes; HMAC-SHA-256 */
    MAC_LEN = 32,
    MAC_SIZE = 2 * MAC_LEN + 1,
    ENTRY_ID_SIZE = 21,    /* bytes: the number in 20 digits, so that ids are in its order */
    ENTRY_TEXT_MAX = 1024, /* bytes of action, actor, target, address or outcome */
    ENTRY_DETAILS_MAX = 64 << 10
};

struct mac_key {
    char name[64]; /* of the secret in the vault */
    unsigned char bytes[MAC_KEY_LEN];
};

void entry_id(uint64_t seq, char ret_id[ENTRY_ID_SIZE]);

/* 0, or INVALID: EVENT is none. */
int entry_check(const struct ein_host *host, const json_t *event, struct ein_error *err);

/* The document of EVENT as number SEQ behind the entry whose mac is BEFORE. */
int entry_make(const struct ein_host *host, const struct mac_key *key, const json_t *event,
               uint64_t seq, const char *before, char ret_mac[MAC_SIZE], json_t **ret_doc,
               struct ein_error *err);

/* What DOC's mac has to be behind BEFORE; INVALID: it is no entry. */
int entry_mac(const struct ein_host *host, const struct mac_key *key, const json_t *doc,
              const char *before, char ret_mac[MAC_SIZE], struct ein_error *err);

/* HMAC-SHA-256 of LABEL, a NUL, and TEXT. */
int mac_text(const struct mac_key *key, const char *label, const char *text,
             char ret_mac[MAC_SIZE]);
bool mac_equal(const char *a, const char *b);
