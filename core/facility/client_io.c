/* SPDX-License-Identifier: Apache-2.0 */
#include "client_io.h"

#include "cleanup.h"
#include "client.h"
#include "error.h"
#include <curl/curl.h>
#include <signal.h>

enum { ADD = 1, RESUME = 2, ABORT = 4 };

enum { STACK = 512 * 1024, POLL_MS = 60 * 1000, IDLE_CONNECTIONS = 32 };

/* Lock order: `lock` before that of a transfer. */
struct client_io {
    CURLM *multi; /* the thread's; others may only wake it */
    pthread_t thread;
    pthread_mutex_t lock;
    /* guarded by lock: */
    struct list commands; /* struct client_task.command */
    struct list tasks;    /* struct client_task.link, those that are attached */
    bool ending;
};

/* The lock is held; the task is its owner's again afterwards. */
static void detach(struct client_io *io, struct client_task *task, int code)
{
    (void)curl_multi_remove_handle(io->multi, task->easy);
    list_remove(&task->command);
    list_remove(&task->link);
    task->attached = false;
    task->ended(task, code);
}

static void attach(struct client_io *io, struct client_task *task)
{
    if (curl_multi_add_handle(io->multi, task->easy) != CURLM_OK)
        detach(io, task, CURLE_OUT_OF_MEMORY);
}

static void obey(struct client_io *io, struct client_task *task)
{
    unsigned asked = task->asked;

    task->asked = 0;
    if (asked & ABORT)
        detach(io, task, CLIENT_TASK_ABORTED);
    else if (asked & ADD)
        attach(io, task);
    else
        (void)curl_easy_pause(task->easy, (int)__atomic_load_n(&task->paused, __ATOMIC_ACQUIRE));
}

/* False: it is time to end. */
static bool obey_all(struct client_io *io)
{
    EIN_LOCKED(&io->lock);

    while (!list_empty(&io->commands)) {
        struct list *first = io->commands.next;

        list_remove(first);
        obey(io, list_entry(first, struct client_task, command));
    }
    return !io->ending;
}

static void collect_ended(struct client_io *io)
{
    const CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(io->multi, &left))) {
        struct client_task *task = NULL;
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&task);
        EIN_LOCKED(&io->lock);
        detach(io, task, (int)code);
    }
}

static void *drive(void *data)
{
    struct client_io *io = data;
    int running;

    while (obey_all(io)) {
        (void)curl_multi_perform(io->multi, &running);
        collect_ended(io);
        (void)curl_multi_poll(io->multi, NULL, 0, POLL_MS, NULL);
    }
    EIN_LOCKED(&io->lock);
    while (!list_empty(&io->tasks))
        detach(io, list_entry(io->tasks.next, struct client_task, link), CLIENT_TASK_ABORTED);
    return NULL;
}

/* Signals are for the threads that wait for them. */
static int thread_start(struct client_io *io)
{
    sigset_t all, before;
    pthread_attr_t attr;
    int failed;

    (void)sigfillset(&all);
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&io->thread, &attr, drive, io);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    if (!failed)
        (void)pthread_setname_np(io->thread, "ein-client");
    return failed;
}

int client_io_new(struct client_io **ret_io, struct ein_error *err)
{
    struct client_io *io = calloc(1, sizeof(*io));

    if (!io || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(io);
        return error_set(err, EIN_E_NO_MEMORY, "no memory for the HTTP client");
    }
    (void)pthread_mutex_init(&io->lock, NULL);
    list_init(&io->commands);
    list_init(&io->tasks);
    io->multi = curl_multi_init();
    if (io->multi) {
        (void)curl_multi_setopt(io->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                                (long)CLIENT_CONNECTIONS_MAX);
        (void)curl_multi_setopt(io->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                                (long)CLIENT_CONNECTIONS_PER_HOST_MAX);
        (void)curl_multi_setopt(io->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
    }
    if (!io->multi || thread_start(io) != 0) {
        (void)curl_multi_cleanup(io->multi);
        (void)pthread_mutex_destroy(&io->lock);
        free(io);
        curl_global_cleanup();
        return error_set(err, EIN_E_UNAVAILABLE, "the HTTP client's thread could not be started");
    }
    *ret_io = io;
    return 0;
}

void client_io_free(struct client_io *io)
{
    if (!io)
        return;
    (void)pthread_mutex_lock(&io->lock);
    io->ending = true;
    (void)pthread_mutex_unlock(&io->lock);
    (void)curl_multi_wakeup(io->multi);
    (void)pthread_join(io->thread, NULL);
    (void)curl_multi_cleanup(io->multi);
    (void)pthread_mutex_destroy(&io->lock);
    free(io);
    curl_global_cleanup();
}

static void ask(struct client_io *io, struct client_task *task, unsigned what)
{
    {
        EIN_LOCKED(&io->lock);

        if (!task->attached)
            return;
        task->asked |= what;
        list_remove(&task->command);
        list_append(&io->commands, &task->command);
    }
    (void)curl_multi_wakeup(io->multi);
}

void client_io_add(struct client_io *io, struct client_task *task)
{
    bool ending;

    list_init(&task->command);
    list_init(&task->link);
    task->asked = 0;
    task->paused = 0;
    (void)curl_easy_setopt(task->easy, CURLOPT_PRIVATE, task);
    {
        EIN_LOCKED(&io->lock);

        ending = io->ending;
        task->attached = !ending;
        if (!ending)
            list_append(&io->tasks, &task->link);
    }
    if (ending)
        task->ended(task, CLIENT_TASK_ABORTED);
    else
        ask(io, task, ADD);
}

void client_io_resume(struct client_io *io, struct client_task *task)
{
    ask(io, task, RESUME);
}

void client_io_abort(struct client_io *io, struct client_task *task)
{
    ask(io, task, ABORT);
}
