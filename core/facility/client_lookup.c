/* SPDX-License-Identifier: Apache-2.0 */
/* getaddrinfo() can be neither bounded nor cancelled: a thread of its own asks, and is left behind
 * where that takes too long. */
#include "client_lookup.h"

#include "cancel.h"
#include "cleanup.h"
#include "error.h"
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct lookup {
    unsigned refs; /* atomic: who waits, and the thread */
    int done;      /* an eventfd: what was found is there */
    char *host, *port;
    struct addrinfo *found;
};

static void drop(struct lookup *lookup)
{
    if (__atomic_sub_fetch(&lookup->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (lookup->found)
        freeaddrinfo(lookup->found);
    if (lookup->done >= 0)
        (void)close(lookup->done);
    free(lookup->host);
    free(lookup->port);
    free(lookup);
}

static void *ask(void *data)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct lookup *lookup = data;

    if (getaddrinfo(lookup->host, lookup->port, &hints, &lookup->found) != 0)
        lookup->found = NULL;
    (void)eventfd_write(lookup->done, 1);
    drop(lookup);
    return NULL;
}

static int start(struct lookup *lookup, struct ein_error *err)
{
    pthread_t thread;

    if (!lookup->host || !lookup->port)
        return error_no_memory(err);
    lookup->refs++;
    if (lookup->done >= 0 && pthread_create(&thread, NULL, ask, lookup) == 0) {
        (void)pthread_detach(thread);
        return 0;
    }
    lookup->refs--;
    return error_set(err, EIN_E_UNAVAILABLE, "%s: there is no thread to look it up", lookup->host);
}

static int wait_for(struct lookup *lookup, uint32_t ms, struct ein_cancel *cancel,
                    struct ein_error *err)
{
    struct pollfd fds[] = { { .fd = lookup->done, .events = POLLIN },
                            { .fd = cancel ? cancel_fd(cancel) : -1, .events = POLLIN } };

    while (poll(fds, 2, ms > INT_MAX ? INT_MAX : (int)ms) < 0 && errno == EINTR)
        ;
    if (cancel && cancel_fired(cancel))
        return error_set(err, EIN_E_CANCELLED, "the fetch was cancelled");
    return fds[0].revents
               ? 0
               : error_set(err, EIN_E_TIMEOUT, "%s: not looked up within %u ms", lookup->host, ms);
}

int client_lookup(const char *host, const char *port, uint32_t ms, struct ein_cancel *cancel,
                  struct addrinfo **ret_found, struct ein_error *err)
{
    struct lookup *lookup = calloc(1, sizeof(*lookup));

    if (!lookup)
        return error_no_memory(err);
    *lookup = (struct lookup){
        .refs = 1, .done = eventfd(0, EFD_CLOEXEC), .host = strdup(host), .port = strdup(port)
    };
    int r = start(lookup, err);
    if (r == 0)
        r = wait_for(lookup, ms, cancel, err);
    if (r == 0)
        *ret_found = EIN_TAKE(lookup->found);
    drop(lookup);
    return r;
}
