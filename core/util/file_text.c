/* SPDX-License-Identifier: Apache-2.0 */
#include "file_text.h"
#include "buf.h"
#include "cleanup.h"
#include <einion/plugin.h>
#include <fcntl.h>

char *file_text_of(int fd, size_t max, size_t *ret_len)
{
    struct buf text;
    ssize_t n = 1;

    if (fd < 0)
        return NULL;
    buf_init(&text, max);
    while (n > 0 && !text.error) {
        char piece[4096];

        do
            n = read(fd, piece, sizeof(piece));
        while (n < 0 && errno == EINTR);
        if (n > 0)
            (void)buf_add(&text, piece, (size_t)n);
    }
    if (text.error)
        errno = text.error == EIN_E_TOO_LARGE ? EFBIG : ENOMEM;
    if (n >= 0 && !text.error)
        return buf_take(&text, ret_len);
    cleanup_free(&text.data);
    return NULL;
}

char *file_text(const char *path, size_t max, size_t *ret_len)
{
    EIN_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

    return file_text_of(fd, max, ret_len);
}
