/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_host.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct ein_cancel {
    struct ein_cancel *parent, *children, *next; /* guarded by tree_lock */
    bool fired;                                  /* guarded by tree_lock */
    int fd;
};

static pthread_mutex_t tree_lock = PTHREAD_MUTEX_INITIALIZER;

static void fire_tree(struct ein_cancel *cancel)
{
    if (cancel->fired)
        return;
    cancel->fired = true;
    (void)eventfd_write(cancel->fd, 1);
    for (struct ein_cancel *child = cancel->children; child; child = child->next)
        fire_tree(child);
}

static void cancel_fire(struct ein_cancel *cancel)
{
    pthread_mutex_lock(&tree_lock);
    fire_tree(cancel);
    pthread_mutex_unlock(&tree_lock);
}

static struct ein_cancel *cancel_make(struct ein_ctx *ctx, struct ein_cancel *parent)
{
    struct ein_cancel *cancel = calloc(1, sizeof(*cancel));

    (void)ctx;
    if (!cancel)
        return NULL;
    cancel->fd = eventfd(0, EFD_CLOEXEC);
    cancel->parent = parent;
    if (!parent)
        return cancel;

    pthread_mutex_lock(&tree_lock);
    cancel->next = parent->children;
    parent->children = cancel;
    if (parent->fired)
        fire_tree(cancel);
    pthread_mutex_unlock(&tree_lock);
    return cancel;
}

static int cancel_fired(const struct ein_cancel *cancel)
{
    pthread_mutex_lock(&tree_lock);
    bool fired = cancel->fired;
    pthread_mutex_unlock(&tree_lock);
    return fired;
}

static int cancel_wait_fd(struct ein_cancel *cancel)
{
    return cancel->fd;
}

static void cancel_drop(struct ein_cancel *cancel)
{
    if (!cancel)
        return;
    pthread_mutex_lock(&tree_lock);
    for (struct ein_cancel **link = cancel->parent ? &cancel->parent->children : NULL;
         link && *link; link = &(*link)->next)
        if (*link == cancel) {
            *link = cancel->next;
            break;
        }
    pthread_mutex_unlock(&tree_lock);
    close(cancel->fd);
    free(cancel);
}

const struct ein_cancels fake_cancels = {
    .struct_size = sizeof(fake_cancels),
    .make = cancel_make,
    .fire = cancel_fire,
    .fired = cancel_fired,
    .wait_fd = cancel_wait_fd,
    .drop = cancel_drop,
};
