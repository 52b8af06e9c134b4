/* SPDX-License-Identifier: Apache-2.0 */
#include "ring_file.h"

#include "cleanup.h"
#include "error.h"
#include "files.h"
#include "str.h"

#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

static int cannot(const char *path, const char *what, struct ein_error *err)
{
    return error_set(err, EIN_E_UNAVAILABLE, "The key file %s cannot be %s: %s", path, what,
                     strerror(errno));
}

/* ---- reading ---- */

static int check_private(const char *path, const struct stat *seen, struct ein_error *err)
{
    if (!S_ISREG(seen->st_mode))
        return error_set(err, EIN_E_INVALID, "The key file %s is not a file", path);
    if (seen->st_mode & 077)
        return error_set(err, EIN_E_DENIED,
                         "The key file %s may be read or written by others (mode %04o): make sure "
                         "that nobody has, then: chmod 600 %s",
                         path, seen->st_mode & 07777, path);
    return 0;
}

static int read_text(const char *path, int fd, char text[RING_TEXT_MAX], struct ein_error *err)
{
    size_t len = 0;
    ssize_t n;

    while ((n = read(fd, text + len, RING_TEXT_MAX - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    if (n < 0)
        return cannot(path, "read", err);
    if (len == RING_TEXT_MAX - 1 || strlen(text) != len)
        return error_set(err, EIN_E_INVALID,
                         "The key file %s is not a key file: it is too long, or binary", path);
    return 0;
}

int ring_file_read(const char *path, struct ring *ret_ring, struct stat *ret_seen,
                   struct ein_error *err)
{
    char text[RING_TEXT_MAX], where[256];
    EIN_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int r;

    if (fd < 0 && errno == ENOENT)
        return error_set(err, EIN_E_NOT_FOUND, "The key file %s is missing", path);
    if (fd < 0 || fstat(fd, ret_seen) < 0)
        return cannot(path, "read", err);
    r = check_private(path, ret_seen, err);
    if (r == 0)
        r = read_text(path, fd, text, err);
    snprintf(where, sizeof(where), "The key file %s", path);
    if (r == 0)
        r = ring_read_text(text, where, ret_ring, err);
    gnutls_memset(text, 0, sizeof(text));
    return r;
}

bool ring_file_changed(const char *path, const struct stat *seen)
{
    struct stat now;

    return stat(path, &now) < 0 || now.st_ino != seen->st_ino || now.st_dev != seen->st_dev ||
           now.st_size != seen->st_size || now.st_mtim.tv_sec != seen->st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != seen->st_mtim.tv_nsec;
}

/* ---- writing ---- */

static int write_part(int fd, const char *path, const struct ring *ring, struct ein_error *err)
{
    char text[RING_TEXT_MAX];
    int r = 0;

    ring_write_text(ring, text);
    size_t len = strlen(text);
    if (write(fd, text, len) != (ssize_t)len || fsync(fd) < 0)
        r = cannot(path, "written", err);
    gnutls_memset(text, 0, sizeof(text));
    return r;
}

static int give_name(const char *part, const char *path, bool is_new, struct ein_error *err)
{
    if (renameat2(AT_FDCWD, part, AT_FDCWD, path, is_new ? RENAME_NOREPLACE : 0) == 0)
        return files_sync_folder(path, err);
    if (is_new && errno == EEXIST)
        return error_set(err, EIN_E_CONFLICT, "The key file %s exists", path);
    return cannot(path, "written", err);
}

int ring_file_write(const char *path, const struct ring *ring, bool is_new, struct ein_error *err)
{
    EIN_FREE char *part = NULL;
    EIN_CLOSE int fd = -1;
    int r = files_make_parents(path, err);

    if (r < 0)
        return r;
    part = str_print("%s.part", path);
    if (!part)
        return error_no_memory(err);
    (void)unlink(part); /* of one who was killed */
    fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return cannot(path, "written", err);
    files_give(fd, path);
    r = write_part(fd, path, ring, err);
    if (r == 0)
        r = give_name(part, path, is_new, err);
    if (r < 0)
        (void)unlink(part);
    return r;
}

/* ---- locking ---- */

enum { GATE, HOUSE }; /* bytes of the lock file */

static int lock_byte(int fd, short type, off_t byte)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
    int r;

    while ((r = fcntl(fd, F_OFD_SETLKW, &lock)) < 0 && errno == EINTR)
        ;
    return r;
}

/* Whoever waits for the house to be empty stands in the gate: those who share it always come and
 * go, and would never let it in. */
int ring_file_lock(const char *path, bool alone, struct ein_error *err)
{
    EIN_FREE char *name = NULL;
    EIN_CLOSE int fd = -1;
    int r = files_make_parents(path, err);

    if (r < 0)
        return r;
    name = str_print("%s.lock", path);
    if (!name)
        return error_no_memory(err);
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return cannot(name, "made", err);
    files_give(fd, name);
    if (lock_byte(fd, F_WRLCK, GATE) < 0 || lock_byte(fd, alone ? F_WRLCK : F_RDLCK, HOUSE) < 0 ||
        lock_byte(fd, F_UNLCK, GATE) < 0)
        return cannot(name, "locked", err);
    r = fd;
    fd = -1;
    return r;
}
