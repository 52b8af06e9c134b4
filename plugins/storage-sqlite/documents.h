/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "document.h"
#include "writer.h"

struct row {
    int64_t seq; /* 0: there is none */
    char rev[EIN_REV_SIZE];
    json_t *doc; /* NULL unless it was asked for */
};

/* The writer's: stores DOC as document ID in the place of OLD. */
int document_store(struct writing *writing, const char *set, const char *id, const struct row *old,
                   const struct doc_text *doc, char ret_rev[EIN_REV_SIZE], struct ein_error *err);
