/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/services.h>
#include <stddef.h>
#include <stdint.h>

#define DEMO_SET "demos"

/* One instance of the plugin: the `self` of its routes.  const after init. */
struct demos {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    size_t code_max;          /* bytes of html, css and js together */
    size_t apis_max;          /* of one demo */
    size_t name_max;          /* bytes */
    size_t prompt_max;        /* bytes of what a demo is asked for with, and of its description */
    unsigned repairs;         /* of an answer that is no demo */
    uint32_t generate_ms;     /* of one answer; 0: as completion/1 is configured */
    int64_t token_ms;         /* how long the page of a demo may call with one token */
    struct json_t *ancestors; /* array of origins whose pages may frame it */
};

ein_handler demos_create, demos_list, demos_get, demos_put, demos_delete; /* crud.c */
ein_handler demos_generate;                                               /* generate.c */
ein_handler demos_app, demos_app_frame, demos_app_token;                  /* app.c */

/* 0, or the status that was replied: BODY has more than the instance takes, or its modelConfig
 * excludes itself. */
int demos_check_body(const struct demos *demos, struct ein_req *req, const struct json_t *body);

/* The demo ID, if the caller of REQ may do with it what the route is for; else NOT_FOUND in the
 * store's words.  ID may be NULL. */
int demo_get(const struct demos *demos, const struct ein_req *req, const char *id,
             struct json_t **ret_demo, struct ein_error *err);
