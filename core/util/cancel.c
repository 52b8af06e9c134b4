/* SPDX-License-Identifier: Apache-2.0 */
#include "cancel.h"
#include "cleanup.h"
#include <einion/plugin.h>
#include <sys/eventfd.h>

void cancel_init(struct ein_cancel *cancel, struct ein_cancel *parent)
{
    *cancel = (struct ein_cancel){ .fd = -1, .parent = parent };
    cancel->root = parent ? parent->root : cancel;
    list_init(&cancel->children);
    list_init(&cancel->sibling);
    list_init(&cancel->pending);
    if (!parent) {
        (void)pthread_mutex_init(&cancel->lock, NULL);
        (void)pthread_cond_init(&cancel->idle, NULL);
        return;
    }

    EIN_LOCKED(&cancel->root->lock);
    list_append(&parent->children, &cancel->sibling);
    cancel->fired = cancel_fired(parent);
}

void cancel_done(struct ein_cancel *cancel)
{
    struct ein_cancel *root = cancel->root;
    int fd;

    (void)pthread_mutex_lock(&root->lock);
    list_remove(&cancel->pending);
    while (cancel->calls > 0)
        (void)pthread_cond_wait(&root->idle, &root->lock);
    list_remove(&cancel->sibling);
    fd = cancel->fd;
    cancel->fd = -1;
    (void)pthread_mutex_unlock(&root->lock);

    (void)cleanup_close(&fd);
    if (root == cancel) {
        (void)pthread_cond_destroy(&cancel->idle);
        (void)pthread_mutex_destroy(&cancel->lock);
    }
}

struct ein_cancel *cancel_new(struct ein_cancel *parent)
{
    struct ein_cancel *cancel = malloc(sizeof(*cancel));

    if (!cancel)
        return NULL;
    cancel_init(cancel, parent);
    cancel->made = true;
    return cancel;
}

void cancel_free(struct ein_cancel *cancel)
{
    if (!cancel || !cancel->made)
        return;
    cancel_done(cancel);
    free(cancel);
}

static void make_readable(int fd)
{
    (void)!eventfd_write(fd, 1);
}

/* The next token of the subtree of `top` after `cancel`, parents first; NULL at the end. */
static struct ein_cancel *next_of(struct ein_cancel *top, struct ein_cancel *cancel)
{
    if (!list_empty(&cancel->children))
        return list_entry(cancel->children.next, struct ein_cancel, sibling);
    for (; cancel != top; cancel = cancel->parent)
        if (cancel->sibling.next != &cancel->parent->children)
            return list_entry(cancel->sibling.next, struct ein_cancel, sibling);
    return NULL;
}

static void mark(struct ein_cancel *top, struct list *pending)
{
    for (struct ein_cancel *it = top; it; it = next_of(top, it)) {
        if (cancel_fired(it))
            continue;
        __atomic_store_n(&it->fired, 1, __ATOMIC_RELEASE);
        if (it->fd >= 0)
            make_readable(it->fd);
        if (it->on_fire)
            list_append(pending, &it->pending);
    }
}

static void call_pending(struct ein_cancel *root, struct list *pending)
{
    while (!list_empty(pending)) {
        struct ein_cancel *it = list_entry(pending->next, struct ein_cancel, pending);

        list_remove(&it->pending);
        it->calls++;
        (void)pthread_mutex_unlock(&root->lock);
        it->on_fire(it->data);
        (void)pthread_mutex_lock(&root->lock);
        it->calls--;
        (void)pthread_cond_broadcast(&root->idle);
    }
}

void cancel_fire(struct ein_cancel *cancel)
{
    struct ein_cancel *root = cancel->root;
    struct list pending;

    list_init(&pending);
    EIN_LOCKED(&root->lock);
    cancel->calls++;
    mark(cancel, &pending);
    call_pending(root, &pending);
    cancel->calls--;
    (void)pthread_cond_broadcast(&root->idle);
}

void cancel_on_fire(struct ein_cancel *cancel, void (*on_fire)(void *data), void *data)
{
    bool fired;

    {
        EIN_LOCKED(&cancel->root->lock);
        cancel->on_fire = on_fire;
        cancel->data = data;
        fired = cancel_fired(cancel);
    }
    if (fired && on_fire)
        on_fire(data);
}

bool cancel_fired(const struct ein_cancel *cancel)
{
    return __atomic_load_n(&cancel->fired, __ATOMIC_ACQUIRE);
}

int cancel_fd(struct ein_cancel *cancel)
{
    int fd = __atomic_load_n(&cancel->fd, __ATOMIC_ACQUIRE);

    if (fd >= 0)
        return fd;

    EIN_LOCKED(&cancel->root->lock);
    if (cancel->fd >= 0)
        return cancel->fd;
    fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return EIN_E_UNAVAILABLE;
    if (cancel_fired(cancel))
        make_readable(fd);
    __atomic_store_n(&cancel->fd, fd, __ATOMIC_RELEASE);
    return fd;
}
