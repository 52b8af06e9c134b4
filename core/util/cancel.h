/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CANCEL_H
#define CANCEL_H

#include "list.h"
#include <stdbool.h>
#include <stdint.h>

/* Tells whoever waits that the result is no longer wanted.  Fires once; fires its children. */
struct ein_cancel {
    uint32_t fired; /* atomic */
    int fd;         /* atomic; eventfd, made when first asked for; -1 */
    struct ein_cancel *parent;
    struct list children; /* guarded by the lock of the family, as is `sibling` */
    struct list sibling;
    void (*on_fire)(void *data); /* may be NULL; called once, under no lock */
    void *data;
};

void cancel_init(struct ein_cancel *cancel, struct ein_cancel *parent);
void cancel_done(struct ein_cancel *cancel);
struct ein_cancel *cancel_new(struct ein_cancel *parent);
void cancel_free(struct ein_cancel *cancel);

void cancel_fire(struct ein_cancel *cancel);
bool cancel_fired(const struct ein_cancel *cancel);
int cancel_fd(struct ein_cancel *cancel); /* readable once fired; or a negative enum ein_err */

#endif
