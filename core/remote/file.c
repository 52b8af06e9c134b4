/* SPDX-License-Identifier: Apache-2.0 */
#include "file.h"

#include "cleanup.h"
#include "error.h"
#include "file_text.h"
#include "json_text.h"
#include "print.h"
#include "str.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 128 };

int file_read(const char *path, size_t max, char **ret_text, size_t *ret_len, struct ein_error *err)
{
    EIN_CLOSE int fd = str_eq(path, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                         : open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    EIN_FREE char *text = file_text_of(fd, max, &len);

    if (!text && errno == EFBIG)
        return error_set(err, EIN_E_TOO_LARGE, "%s is longer than %zu bytes", path, max);
    if (!text)
        return error_set(err, errno == ENOENT ? EIN_E_NOT_FOUND : EIN_E_UNAVAILABLE,
                         "%s cannot be read: %s", path, strerrordesc_np(errno));
    if (strlen(text) != len)
        return error_set(err, EIN_E_INVALID, "%s is no text: it holds a NUL", path);
    *ret_text = EIN_TAKE(text);
    if (ret_len)
        *ret_len = len;
    return 0;
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
    EIN_FREE char *part = str_print("%s.XXXXXX", path);
    EIN_CLOSE int fd = -1;
    int r = 0;

    if (!part)
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
