/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/services.h>
#include <stddef.h>
#include <stdint.h>

/* One instance of the plugin: the `self` of its routes.  const after init. */
struct agents {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    size_t code_max, name_max;      /* bytes of one agent's code; of each of its names */
    size_t text_max;                /* of what it says about itself */
    size_t secrets_max, secret_max; /* of one agent; bytes of one */
    int64_t versions_max;           /* that are kept of one agent */
};

ein_handler agents_create, agents_list, agents_get, agents_update, agents_delete; /* crud.c */
ein_handler agents_chain;                                                         /* crud.c */
ein_handler agents_versions, agents_version;                                      /* versions.c */
ein_handler agents_version_diff, agents_version_restore;                          /* versions.c */
ein_handler agents_secrets, agents_secret_put, agents_secret_delete;              /* secrets.c */
ein_handler agents_run_code, agents_run_code_stream;                              /* run.c */
ein_handler agents_repeat;                                                        /* repeat.c */

extern const struct ein_erasure agents_erasure; /* crud.c */

/* 0, or the status that was replied: a text of BODY is longer than the instance takes. */
int agents_check_texts(const struct agents *agents, struct ein_req *req, const struct json_t *body);

/* Answers AGENT, whose revision is REV. */
int agents_reply(const struct agents *agents, struct ein_req *req, int status,
                 const struct json_t *agent, const char *rev);
