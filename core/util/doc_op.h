/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <stddef.h>

/* Operations of a batch are as long as they were when who gives them was compiled: `stride`. */

static inline struct ein_doc_op *doc_op_at(struct ein_doc_op *ops, size_t index, size_t stride)
{
    return (struct ein_doc_op *)((char *)ops + index * stride);
}

/* What it brings in place of a document; NULL: nothing, as those of 1.0. */
static inline const char *doc_op_text(const struct ein_doc_op *op, size_t stride)
{
    return stride >= offsetof(struct ein_doc_op, text) + sizeof(op->text) ? op->text : NULL;
}
