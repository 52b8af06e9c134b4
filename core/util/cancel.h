/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "list.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Tells whoever waits that the result is no longer wanted.  Fires once; fires its children.
 * A family is a token without a parent and all that descend from it.  A parent outlives its
 * children. */
struct ein_cancel {
    uint32_t fired; /* atomic */
    bool made;      /* by cancel_new(): else it is part of something, and not freed */
    int fd;         /* atomic; eventfd, made when first asked for; -1 */
    struct ein_cancel *parent, *root;
    pthread_mutex_t lock; /* the root's guards what follows, in the whole family */
    pthread_cond_t idle;  /* the root's: a `calls` went down */
    struct list children, sibling;
    struct list pending; /* fired, on_fire not yet called */
    unsigned calls;      /* threads that fire this token or are in its on_fire */
    void (*on_fire)(void *data);
    void *data;
};

/* Already fired if the parent (may be NULL) is. */
void cancel_init(struct ein_cancel *cancel, struct ein_cancel *parent);
/* Waits for an on_fire that is running: not to be called from there. */
void cancel_done(struct ein_cancel *cancel);
struct ein_cancel *cancel_new(struct ein_cancel *parent);
void cancel_free(struct ein_cancel *cancel);

/* Has on_fire called once, under no lock, when the token fires; at once if it has fired. */
void cancel_on_fire(struct ein_cancel *cancel, void (*on_fire)(void *data), void *data);

void cancel_fire(struct ein_cancel *cancel);
bool cancel_fired(const struct ein_cancel *cancel);
int cancel_fd(struct ein_cancel *cancel); /* readable once fired; or a negative enum ein_err */
