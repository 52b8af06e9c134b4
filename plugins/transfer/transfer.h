/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this plugin share. */
#pragma once

#include "member.h"
#include <einion/services.h>
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* One instance of the plugin; const after init. */
struct transfer {
    const struct ein_host *host;
    struct ein_ctx *ctx;
    const char *owner,
        *workspace;         /* of what had none; workspace "": none.  Lent from the settings */
    const json_t *left_out; /* array of sets */
    size_t file_max;        /* bytes */
    uint32_t page;          /* documents that a database is asked for at once */
};

/* Adds a line to REPORT, an array.  0 or NO_MEMORY. */
int report_add(json_t *report, const char *fmt, ...) EIN_PRINTF(2, 3);

/* lines.c: einion's own file. */
int lines_export(const struct transfer *transfer, const char *path, json_t *report,
                 struct ein_error *err);
int lines_import(const struct transfer *transfer, const char *path, json_t *report,
                 struct ein_error *err);

/* old.c: what the service that einion stands in for has kept, in a folder or a database. */
int old_import(const struct transfer *transfer, const char *source, json_t *report,
               struct ein_error *err);

/* takeout.c: what is kept of one user. */
ein_handler takeout_mine, takeout_anyones;
