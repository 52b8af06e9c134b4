/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"
#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "log_line.h"
#include "member.h"
#include "str.h"
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <yder.h>

enum {
    LOG_FLUSH_MS = 100,
    LOG_BUFFER = 65536,
    PIPE_PIECE = 4096, /* a pipe that polls writable takes this without blocking */
    WRITE_WAIT_MS = 50,
    LEVEL_OFF = 1000
};

enum target { TO_FD, TO_JOURNAL, TO_SYSLOG };

struct log {
    atomic_int level;
    atomic_bool has_access, is_json;
    enum target target;
    bool is_journal; /* that is what stderr is */

    pthread_mutex_t lock;
    pthread_cond_t wake; /* something was buffered, or stopping */
    char *front;         /* guarded by lock, as is what follows */
    size_t front_len;
    bool is_stopping;

    pthread_mutex_t write_lock; /* taken before lock */
    char *back;                 /* guarded by write_lock, as is what follows */
    char *path;                 /* NULL: stderr */
    int fd;
    size_t piece; /* of a write that cannot block */
    size_t lost;  /* lines that could not be written */
    bool is_torn; /* the last line that was written has no end */

    pthread_t flusher;
    bool has_flusher, has_yder;
};

/* ---- settings ---- */

static int level_of(const char *name)
{
    static const struct {
        const char *name;
        int level;
    } levels[] = { { "debug", EIN_DEBUG },
                   { "info", EIN_INFO },
                   { "warn", EIN_WARN },
                   { "error", EIN_ERROR },
                   { "off", LEVEL_OFF } };

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (str_eq(levels[i].name, name))
            return levels[i].level;
    return EIN_E_INVALID;
}

static const char *setting(const json_t *settings, const char *name, const char *unset)
{
    const char *value = text_of(settings, name);

    return value ? value : unset;
}

static int apply(struct log *log, const json_t *settings, struct ein_error *err)
{
    const char *level = setting(settings, "level", "info");
    const char *format = setting(settings, "format", "text");

    if (level_of(level) < 0)
        return error_set(err, EIN_E_INVALID, "log.level: '%s' is not a level", level);
    if (!str_eq(format, "text") && !str_eq(format, "json"))
        return error_set(err, EIN_E_INVALID, "log.format: '%s' is not a format", format);

    atomic_store(&log->level, level_of(level));
    atomic_store(&log->is_json, str_eq(format, "json"));
    atomic_store(&log->has_access, !json_is_false(json_object_get(settings, "access")));
    return 0;
}

static void set_fd(struct log *log, int fd)
{
    struct stat is;

    log->fd = fd;
    log->piece = fstat(fd, &is) == 0 && S_ISREG(is.st_mode) ? LOG_BUFFER : PIPE_PIECE;
}

static int open_file(const char *path, int *ret_fd, struct ein_error *err)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);

    if (fd < 0)
        return error_set(err, EIN_E_UNAVAILABLE, "log.to: %s: %s", path, strerrordesc_np(errno));
    *ret_fd = fd;
    return 0;
}

/* systemd.exec(5): the device and the inode of the stream that it has connected to the journal. */
static bool is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char text[64];
    struct stat is;

    if (!stream || fstat(fd, &is) < 0)
        return false;
    (void)snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)is.st_dev, (uintmax_t)is.st_ino);
    return str_eq(stream, text);
}

/* The journal and syslog keep time and priority themselves. */
static bool has_stamp(const struct log *log, bool is_json)
{
    return (log->target == TO_FD && !log->is_journal) || is_json;
}

/* Milliseconds are enough here. */
static const char *stamp_now(const struct log *log, bool is_json, char stamp[CLOCK_ISO_SIZE])
{
    if (!has_stamp(log, is_json))
        return NULL;
    clock_iso(stamp);
    memcpy(stamp + LOG_STAMP_SIZE - 2, "Z", 2);
    return stamp;
}

/* ---- writing: under write_lock ---- */

static bool write_piece(const struct log *log, const char *data, size_t len, size_t *ret_done)
{
    struct pollfd ready = { .fd = log->fd, .events = POLLOUT };
    ssize_t n;

    /* A reader that has stopped reading is waited for once, then lines are lost until it reads
     * again: the log must not hold up the server. */
    if (poll(&ready, 1, log->lost ? 0 : WRITE_WAIT_MS) != 1 || !(ready.revents & POLLOUT))
        return false;
    do
        n = write(log->fd, data, len < log->piece ? len : log->piece);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return false;
    *ret_done += (size_t)n;
    return true;
}

static size_t count_lines(const char *data, size_t len)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++)
        count += data[i] == '\n';
    return count;
}

static bool write_all(struct log *log, const char *data, size_t len)
{
    size_t done = 0;

    while (done < len && write_piece(log, data + done, len - done, &done))
        ;
    if (done > 0)
        log->is_torn = data[done - 1] != '\n';
    if (done < len)
        log->lost += count_lines(data + done, len - done);
    return done == len;
}

static void write_lost(struct log *log)
{
    char line[LOG_LINE_MAX], message[64], stamp[CLOCK_ISO_SIZE];
    struct log_entry entry = { .level = EIN_WARN, .source = "log", .message = message };
    bool is_json = atomic_load(&log->is_json);
    size_t lost = log->lost, len;

    entry.message_len = (size_t)snprintf(message, sizeof(message), "%zu lines were lost", lost);
    len = log_line_entry(line, is_json, stamp_now(log, is_json, stamp), &entry);
    if (write_all(log, line, len))
        log->lost -= lost;
    else
        log->lost--; /* that one was none */
}

static void write_lines(struct log *log, const char *data, size_t len)
{
    if (log->is_torn && !write_all(log, "\n", 1)) {
        log->lost += count_lines(data, len) - 1;
        return;
    }
    if (log->lost)
        write_lost(log);
    (void)write_all(log, data, len);
}

/* ---- buffering ---- */

static void flush(struct log *log)
{
    size_t len;

    EIN_LOCKED(&log->write_lock);
    {
        EIN_LOCKED(&log->lock);
        char *full = log->front;

        len = log->front_len;
        log->front = log->back;
        log->front_len = 0;
        log->back = full;
    }
    if (len > 0)
        write_lines(log, log->back, len);
}

static void append(struct log *log, const char *line, size_t len)
{
    bool was_empty;

    (void)pthread_mutex_lock(&log->lock);
    while (log->front_len + len > LOG_BUFFER) {
        (void)pthread_mutex_unlock(&log->lock);
        flush(log);
        (void)pthread_mutex_lock(&log->lock);
    }
    was_empty = log->front_len == 0;
    memcpy(log->front + log->front_len, line, len);
    log->front_len += len;
    (void)pthread_mutex_unlock(&log->lock);
    if (was_empty)
        (void)pthread_cond_signal(&log->wake);
}

static bool wait_for_lines(struct log *log)
{
    struct timespec until;

    EIN_LOCKED(&log->lock);
    while (log->front_len == 0 && !log->is_stopping)
        (void)pthread_cond_wait(&log->wake, &log->lock);
    until = clock_deadline(LOG_FLUSH_MS);
    while (!log->is_stopping &&
           pthread_cond_clockwait(&log->wake, &log->lock, CLOCK_MONOTONIC, &until) != ETIMEDOUT)
        ;
    return !log->is_stopping;
}

static void *flusher_run(void *data)
{
    struct log *log = data;

    (void)pthread_setname_np(pthread_self(), "log");
    while (wait_for_lines(log))
        flush(log);
    return NULL;
}

/* ---- entries ---- */

/* yder gives the priority in its own way. */
static void to_yder(unsigned long level, const char *line, size_t len, bool has_priority)
{
    size_t skipped = has_priority ? LOG_PRIORITY_LEN : 0;

    y_log_message(level, "%.*s", (int)(len - skipped) - 1, line + skipped);
}

static void write_entry(struct log *log, const struct log_entry *entry)
{
    static const struct {
        int level;
        unsigned long yder;
    } levels[] = { { EIN_ERROR, Y_LOG_LEVEL_ERROR },
                   { EIN_WARN, Y_LOG_LEVEL_WARNING },
                   { EIN_INFO, Y_LOG_LEVEL_INFO },
                   { 0, Y_LOG_LEVEL_DEBUG } };
    char line[LOG_LINE_MAX], stamp[CLOCK_ISO_SIZE];
    bool is_json = atomic_load(&log->is_json); /* once: SIGHUP changes it */
    size_t len, row = 0;

    len = log_line_entry(line, is_json, stamp_now(log, is_json, stamp), entry);
    if (log->target == TO_FD) {
        append(log, line, len);
        flush(log);
        return;
    }
    while (entry->level < levels[row].level)
        row++;
    to_yder(levels[row].yder, line, len, !has_stamp(log, is_json));
}

static bool is_wanted(struct log *log, int level)
{
    return log && level >= atomic_load_explicit(&log->level, memory_order_relaxed);
}

void log_vwrite(struct log *log, int level, const char *source, const char *request_id,
                const char *fmt, va_list args)
{
    char message[LOG_MESSAGE_MAX];
    struct log_entry entry = { level, source, request_id, message, 0 };
    int len;

    if (!is_wanted(log, level))
        return;
    len = vsnprintf(message, sizeof(message), fmt, args);
    if (len < 0)
        return;
    entry.message_len = (size_t)len < sizeof(message) ? (size_t)len : sizeof(message) - 1;
    write_entry(log, &entry);
}

void log_write(struct log *log, int level, const char *source, const char *request_id,
               const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_vwrite(log, level, source, request_id, fmt, args);
    va_end(args);
}

void log_access(struct log *log, const struct log_access *access)
{
    bool is_json = atomic_load(&log->is_json);
    char line[LOG_LINE_MAX], stamp[CLOCK_ISO_SIZE];
    size_t len;

    if (!is_wanted(log, EIN_INFO) || !atomic_load_explicit(&log->has_access, memory_order_relaxed))
        return;
    len = log_line_access(line, is_json, stamp_now(log, is_json, stamp), access);
    if (log->target == TO_FD)
        append(log, line, len);
    else
        to_yder(Y_LOG_LEVEL_INFO, line, len, !has_stamp(log, is_json));
}

/* What ulfius and its libraries have to say. */
static void on_yder(void *data, const char *app, time_t date, unsigned long level,
                    const char *message)
{
    int ours = level == Y_LOG_LEVEL_ERROR     ? EIN_ERROR
               : level == Y_LOG_LEVEL_WARNING ? EIN_WARN
               : level == Y_LOG_LEVEL_INFO    ? EIN_INFO
                                              : EIN_DEBUG;

    (void)app;
    (void)date;
    log_write(data, ours, "http", NULL, "%s", message);
}

/* ---- life ---- */

/* With the journal or syslog, yder carries our lines, and those of ulfius beside them. */
static int start_yder(struct log *log, struct ein_error *err)
{
    static const unsigned long modes[] = { Y_LOG_MODE_CALLBACK, Y_LOG_MODE_JOURNALD,
                                           Y_LOG_MODE_SYSLOG };

    if (!y_init_logs("einion", modes[log->target], Y_LOG_LEVEL_DEBUG, NULL, NULL))
        return error_set(err, EIN_E_UNAVAILABLE, "log.to: cannot be opened");
    log->has_yder = true;
    if (log->target == TO_FD && !y_set_logs_callback(on_yder, log, NULL))
        return error_set(err, EIN_E_UNAVAILABLE, "log: yder's callback cannot be set");
    return 0;
}

static int open_target(struct log *log, const json_t *settings, struct ein_error *err)
{
    const char *to = setting(settings, "to", "stderr");
    int fd = -1, r;

    set_fd(log, STDERR_FILENO);
    log->target = str_eq(to, "journal") ? TO_JOURNAL : str_eq(to, "syslog") ? TO_SYSLOG : TO_FD;
    log->is_journal = str_eq(to, "stderr") && is_journal(STDERR_FILENO);
    if (log->target != TO_FD || str_eq(to, "stderr"))
        return 0;
    if (to[0] != '/')
        return error_set(err, EIN_E_INVALID,
                         "log.to: '%s' is not stderr, journal, syslog or an absolute path", to);

    log->path = strdup(to);
    if (!log->path)
        return error_no_memory(err);
    log->fd = -1;
    r = open_file(to, &fd, err);
    if (r == 0)
        set_fd(log, fd);
    return r;
}

static int start(struct log *log, const json_t *settings, struct ein_error *err)
{
    int r = apply(log, settings, err);

    if (r == 0)
        r = open_target(log, settings, err);
    if (r < 0)
        return r;

    log->front = malloc(LOG_BUFFER);
    log->back = malloc(LOG_BUFFER);
    if (!log->front || !log->back)
        return error_no_memory(err);
    if (log->target == TO_FD) {
        if (pthread_create(&log->flusher, NULL, flusher_run, log) != 0)
            return error_set(err, EIN_E_UNAVAILABLE, "log: cannot start a thread");
        log->has_flusher = true;
    }
    return start_yder(log, err);
}

int log_new(const json_t *settings, struct log **ret_log, struct ein_error *err)
{
    struct log *log = calloc(1, sizeof(*log));
    int r;

    if (!log)
        return error_no_memory(err);
    (void)pthread_mutex_init(&log->lock, NULL);
    (void)pthread_mutex_init(&log->write_lock, NULL);
    (void)pthread_cond_init(&log->wake, NULL);
    log->fd = -1;

    r = start(log, settings, err);
    if (r < 0) {
        log_free(log);
        return r;
    }
    *ret_log = log;
    return 0;
}

static void stop_flusher(struct log *log)
{
    if (!log->has_flusher)
        return;
    {
        EIN_LOCKED(&log->lock);
        log->is_stopping = true;
        (void)pthread_cond_signal(&log->wake);
    }
    (void)pthread_join(log->flusher, NULL);
    flush(log);
}

void log_free(struct log *log)
{
    if (!log)
        return;

    if (log->has_yder)
        (void)y_close_logs();
    stop_flusher(log);
    if (log->path)
        (void)cleanup_close(&log->fd);
    (void)pthread_cond_destroy(&log->wake);
    (void)pthread_mutex_destroy(&log->write_lock);
    (void)pthread_mutex_destroy(&log->lock);
    free(log->path);
    free(log->front);
    free(log->back);
    free(log);
}

int log_reload(struct log *log, const json_t *settings, struct ein_error *err)
{
    int r = apply(log, settings, err), fd = -1;

    if (r < 0 || !log->path)
        return r;
    flush(log);

    r = open_file(log->path, &fd, err);
    if (r < 0)
        return r;
    EIN_LOCKED(&log->write_lock);
    (void)close(log->fd);
    set_fd(log, fd);
    return 0;
}
