/* SPDX-License-Identifier: Apache-2.0 */
#include "file.h"

#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "json_text.h"
#include "print.h"
#include "str.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 16 * 1024, DEPTH_MAX = 128 };

static int open_to_read(const char *path, struct ein_error *err)
{
    int fd = str_eq(path, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                               : open(path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0)
        return fd;
    return error_set(err, errno == ENOENT ? EIN_E_NOT_FOUND : EIN_E_UNAVAILABLE,
                     "%s cannot be read: %s", path, strerrordesc_np(errno));
}

int file_read(const char *path, size_t max, char **ret_text, size_t *ret_len, struct ein_error *err)
{
    EIN_CLOSE int fd = open_to_read(path, err);
    char piece[PIECE];
    struct buf text;
    ssize_t got = 1;

    if (fd < 0)
        return fd;
    buf_init(&text, max);
    while (got > 0 && !text.error) {
        got = read(fd, piece, sizeof(piece));
        if (got > 0)
            (void)buf_add(&text, piece, (size_t)got);
    }
    if (got >= 0 && !text.error && text.data && memchr(text.data, '\0', text.len))
        text.error = error_set(err, EIN_E_INVALID, "%s is no text: it holds a NUL", path);
    else if (text.error)
        (void)error_set(err, text.error, "%s is longer than %zu bytes", path, max);
    else if (got < 0)
        text.error = error_set(err, EIN_E_UNAVAILABLE, "%s cannot be read: %s", path,
                               strerrordesc_np(errno));
    if (text.error) {
        int r = text.error;

        buf_done(&text);
        return r;
    }
    *ret_text = buf_take(&text, ret_len);
    return *ret_text ? 0 : error_no_memory(err);
}

int file_read_object(const char *path, size_t max, json_t **ret_object, struct ein_error *err)
{
    EIN_FREE char *text = NULL;
    EIN_JSON json_t *json = NULL;
    struct json_fault fault;
    size_t len;
    int r = file_read(path, max, &text, &len, err);

    if (r < 0)
        return r;
    json = json_text_parse(text, len, DEPTH_MAX, &fault);
    if (!json)
        return error_set(err, EIN_E_INVALID, "%s is not JSON: %s, at character %zu", path,
                         fault.text, fault.offset);
    if (!json_is_object(json))
        return error_set(err, EIN_E_INVALID, "%s holds no JSON object", path);
    *ret_object = EIN_TAKE(json);
    return 0;
}

static int cannot_write(const char *path, struct ein_error *err)
{
    return error_set(err, EIN_E_UNAVAILABLE, "%s cannot be written: %s", path,
                     strerrordesc_np(errno));
}

static int write_all(int fd, const char *text)
{
    for (size_t left = strlen(text); left;) {
        ssize_t put = write(fd, text, left);

        if (put < 0)
            return -1;
        text += put;
        left -= (size_t)put;
    }
    return fsync(fd);
}

int file_write(const char *path, const char *text, unsigned mode, struct ein_error *err)
{
    EIN_FREE char *part = NULL;
    EIN_CLOSE int fd = -1;
    int r = 0;

    if (asprintf(&part, "%s.XXXXXX", path) < 0)
        return error_no_memory(err);
    fd = mkostemp(part, O_CLOEXEC); /* mode 0600 */
    if (fd < 0)
        return cannot_write(path, err);
    if (fchmod(fd, mode) < 0 || write_all(fd, text) < 0 || rename(part, path) < 0) {
        r = cannot_write(path, err);
        (void)unlink(part);
    }
    return r;
}

int file_write_json(const char *path, const json_t *json, unsigned mode, struct ein_error *err)
{
    EIN_FREE char *text = print_pretty(json);

    return text ? file_write(path, text, mode, err) : error_no_memory(err);
}

int file_make_folder(const char *path, unsigned mode, struct ein_error *err)
{
    EIN_FREE char *folder = strdup(path);
    char *slash;

    if (!folder)
        return error_no_memory(err);
    for (slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, mode) < 0 && errno != EEXIST)
            return cannot_write(folder, err);
        *slash = '/';
    }
    if (mkdir(folder, mode) < 0 && errno != EEXIST)
        return cannot_write(folder, err);
    return 0;
}
