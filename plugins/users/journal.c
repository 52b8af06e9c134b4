/* SPDX-License-Identifier: Apache-2.0 */
#include "journal.h"

#include "cleanup.h"
#include "error.h"
#include "files.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { PAIRS_MAX = 64 }; /* servers that share a folder */

struct journal {
    int fd[2];
    off_t len[2];
    int active;
    char *path[2];
};

static int failed(const char *what, const char *path, struct ein_error *err)
{
    return error_set(err, EIN_E_UNAVAILABLE, "%s %s: %s", what, path, strerrordesc_np(errno));
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    for (int i = 0; i < 2; i++) {
        if (journal->fd[i] >= 0)
            (void)close(journal->fd[i]);
        free(journal->path[i]);
    }
    free(journal);
}

/* ---- opening ---- */

static int open_file(struct journal *journal, int i, struct ein_error *err)
{
    struct stat about;

    journal->fd[i] = open(journal->path[i], O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                          S_IRUSR | S_IWUSR);
    if (journal->fd[i] < 0 || fstat(journal->fd[i], &about) < 0)
        return failed("cannot open", journal->path[i], err);
    files_give(journal->fd[i], journal->path[i]);
    journal->len[i] = about.st_size;
    return 0;
}

/* 1: it is ours; 0: it is another server's. */
static int open_pair(const char *folder, int number, struct journal **ret_journal,
                     struct ein_error *err)
{
    struct journal *journal = calloc(1, sizeof(*journal));
    int r = journal ? 0 : error_no_memory(err);

    for (int i = 0; r == 0 && i < 2; i++)
        journal->fd[i] = -1;
    for (int i = 0; r == 0 && i < 2; i++) {
        journal->path[i] = str_print("%s/ledger-%d.%d", folder, number, i);
        r = journal->path[i] ? open_file(journal, i, err) : error_no_memory(err);
        if (r == 0 && i == 0 && flock(journal->fd[0], LOCK_EX | LOCK_NB) < 0) {
            journal_close(journal);
            return 0;
        }
    }
    if (r < 0) {
        journal_close(journal);
        return r;
    }
    *ret_journal = journal;
    return 1;
}

/* ---- what the dead have left ---- */

static int read_all(int fd, char *text, size_t len)
{
    size_t at = 0;

    while (at < len) {
        ssize_t got = pread(fd, text + at, len - at, (off_t)at);
        if (got <= 0)
            return -1;
        at += (size_t)got;
    }
    return 0;
}

/* A last line without its end was never promised. */
static int show_lines(const char *text, size_t len, journal_line *each, void *data,
                      struct ein_error *err)
{
    const char *end;

    while (len > 0 && (end = memchr(text, '\n', len))) {
        size_t line = (size_t)(end - text);
        int r = each(text, line, data, err);
        if (r < 0)
            return r;
        text += line + 1;
        len -= line + 1;
    }
    return 0;
}

static int empty(struct journal *journal, int i, struct ein_error *err)
{
    if (journal->len[i] > 0 && ftruncate(journal->fd[i], 0) < 0)
        return failed("cannot empty", journal->path[i], err);
    journal->len[i] = 0;
    return 0;
}

static int recover(struct journal *journal, int i, journal_line *each, void *data,
                   struct ein_error *err)
{
    size_t len = (size_t)journal->len[i];
    EIN_FREE char *text = malloc(len + 1);

    if (!text)
        return error_no_memory(err);
    if (read_all(journal->fd[i], text, len) < 0)
        return failed("cannot read", journal->path[i], err);
    int r = show_lines(text, len, each, data, err);
    return r < 0 ? r : empty(journal, i, err);
}

int journal_open(const char *folder, journal_line *each, void *data, struct journal **ret_journal,
                 struct ein_error *err)
{
    struct journal *ours = NULL;
    EIN_FREE char *inside = str_print("%s/ledger", folder);
    int r = inside ? files_make_parents(inside, err) : error_no_memory(err);

    for (int number = 0; r >= 0 && number < PAIRS_MAX; number++) {
        struct journal *pair = NULL;
        EIN_FREE char *path = str_print("%s/ledger-%d.0", folder, number);
        if (ours && (!path || access(path, F_OK) < 0))
            break;
        r = open_pair(folder, number, &pair, err);
        for (int i = 0; r > 0 && i < 2; i++) {
            int done = recover(pair, i, each, data, err);
            r = done < 0 ? done : r;
        }
        if (r > 0 && !ours)
            ours = EIN_TAKE(pair);
        journal_close(pair);
    }
    if (r >= 0 && !ours)
        r = error_set(err, EIN_E_UNAVAILABLE, "%s: more than %d servers keep a ledger here", folder,
                      PAIRS_MAX);
    if (r < 0) {
        journal_close(ours);
        return r;
    }
    *ret_journal = ours;
    return 0;
}

/* ---- writing ---- */

int journal_append(struct journal *journal, const char *line, size_t len, struct ein_error *err)
{
    int i = journal->active;
    ssize_t put = write(journal->fd[i], line, len);

    if (put == (ssize_t)len) {
        journal->len[i] += put;
        return 0;
    }
    if (put >= 0)
        errno = ENOSPC;
    int r = failed("cannot write", journal->path[i], err);
    if (put > 0 && ftruncate(journal->fd[i], journal->len[i]) < 0)
        return failed("cannot mend", journal->path[i], err);
    return r;
}

void journal_turn(struct journal *journal)
{
    journal->active = 1 - journal->active;
}

int journal_forget(struct journal *journal, struct ein_error *err)
{
    return empty(journal, 1 - journal->active, err);
}
