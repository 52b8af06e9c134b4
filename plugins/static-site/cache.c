/* SPDX-License-Identifier: Apache-2.0 */
#include "cache.h"

#include "cleanup.h"
#include "encode.h"
#include "hex.h"
#include "open_inside.h"

#include <gnutls/crypto.h>
#include <stdio.h>
#include <string.h>

enum { DIGEST = 32, TAG_BYTES = 16 };

char *read_bytes(int fd, uint64_t first, size_t len, size_t *ret_len)
{
    char *data = malloc(len + 1);
    size_t got = 0;

    while (data && got < len) {
        ssize_t n = pread(fd, data + got, len - got, (off_t)(first + got));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            free(data);
            return NULL;
        }
        if (n == 0)
            break;
        got += (size_t)n;
    }
    *ret_len = got;
    return data;
}

/* ---- one file ---- */

static void file_free(struct site_file *file)
{
    for (size_t i = 0; i < CODINGS; i++)
        free(file->encoded[i].data);
    free(file->plain.data);
    free((char *)file->entry.key);
    free(file);
}

static size_t weight(const struct site_file *file)
{
    size_t bytes = sizeof(*file) + file->plain.len;

    for (size_t i = 0; i < CODINGS; i++)
        bytes += file->encoded[i].len;
    return bytes;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_still(const struct site_file *file, const struct stat *now)
{
    const struct stat *then = &file->stat;

    return then->st_dev == now->st_dev && then->st_ino == now->st_ino &&
           then->st_size == now->st_size && same_time(&then->st_mtim, &now->st_mtim) &&
           same_time(&then->st_ctim, &now->st_ctim);
}

/* What the site's build has compressed lies beside the file, and is no older. */
static void read_neighbours(const struct site *site, struct site_file *file)
{
    static const char *const suffixes[CODINGS] = { [CODING_GZIP] = "gz", [CODING_BR] = "br" };

    for (size_t i = 0; i < CODINGS; i++) {
        EIN_FREE char *path = NULL;
        struct stat stat;
        EIN_CLOSE int fd = -1;

        if (asprintf(&path, "%s.%s", file->entry.key, suffixes[i]) < 0) {
            path = NULL;
            continue;
        }
        fd = open_inside(site->folder, path, &stat);
        if (fd < 0 || stat.st_mtim.tv_sec < file->stat.st_mtim.tv_sec ||
            (size_t)stat.st_size >= file->plain.len)
            continue;
        file->encoded[i].data = read_bytes(fd, 0, (size_t)stat.st_size, &file->encoded[i].len);
        file->tried[i] = file->encoded[i].data != NULL;
    }
}

static struct site_file *file_read(const struct site *site, const char *path, int fd,
                                   const struct stat *stat)
{
    struct site_file *file = calloc(1, sizeof(*file));
    unsigned char digest[DIGEST];

    if (!file)
        return NULL;
    list_init(&file->by_use);
    file->entry.key = strdup(path);
    file->entry.key_len = strlen(path);
    file->plain.data = read_bytes(fd, 0, (size_t)stat->st_size, &file->plain.len);
    if (!file->entry.key || !file->plain.data ||
        gnutls_hash_fast(GNUTLS_DIG_SHA256, file->plain.data, file->plain.len, digest) < 0) {
        file_free(file);
        return NULL;
    }
    hex_encode(digest, TAG_BYTES, file->tag);
    file->stat = *stat;
    file->type = file_type(path);
    if (file->type->shrinks)
        read_neighbours(site, file);
    return file;
}

/* ---- all of them; the lock is held ---- */

static void forget(struct site *site, struct site_file *file)
{
    list_remove(&file->by_use);
    map_remove(&site->files, &file->entry);
    site->cached -= weight(file);
    if (--file->users == 0)
        file_free(file);
}

static void make_room(struct site *site)
{
    while (site->cached > site->cache_max && !list_empty(&site->by_use))
        forget(site, list_entry(site->by_use.next, struct site_file, by_use));
}

static struct site_file *find(struct site *site, const char *path, const struct stat *stat)
{
    struct site_file *file = (struct site_file *)map_find(&site->files, path, strlen(path));

    if (!file)
        return NULL;
    if (!is_still(file, stat)) {
        forget(site, file);
        return NULL;
    }
    list_remove(&file->by_use);
    list_append(&site->by_use, &file->by_use);
    file->users++;
    return file;
}

/* Two may have read it at once: one of them is kept. */
static void keep(struct site *site, struct site_file *file)
{
    struct map_entry *other = map_find(&site->files, file->entry.key, file->entry.key_len);

    if (other)
        forget(site, (struct site_file *)other);
    if (map_add(&site->files, &file->entry) < 0)
        return;
    file->users++;
    list_append(&site->by_use, &file->by_use);
    site->cached += weight(file);
    make_room(site);
}

/* ---- what others call ---- */

struct site_file *cache_get(struct site *site, const char *path, int fd, const struct stat *stat)
{
    struct site_file *file;

    if ((size_t)stat->st_size > site->cached_file_max)
        return NULL;
    {
        EIN_LOCKED(&site->lock);
        file = find(site, path, stat);
        if (file)
            return file;
    }
    file = file_read(site, path, fd, stat);
    if (file) {
        EIN_LOCKED(&site->lock);
        file->users = 1;
        keep(site, file);
    }
    return file;
}

void cache_done(struct site *site, struct site_file *file)
{
    EIN_LOCKED(&site->lock);

    if (--file->users == 0)
        file_free(file);
}

/* true: it is for the caller to make it. */
static bool take_turn(struct site *site, struct site_file *file, enum coding coding)
{
    EIN_LOCKED(&site->lock);
    bool mine = !file->tried[coding];

    file->tried[coding] = true;
    return mine;
}

static void install(struct site *site, struct site_file *file, enum coding coding, char *data,
                    size_t len)
{
    EIN_LOCKED(&site->lock);

    file->encoded[coding].len = len;
    file->encoded[coding].data = data;
    if (!list_empty(&file->by_use)) { /* it is kept */
        site->cached += len;
        make_room(site);
    }
}

static const struct site_bytes *made(struct site *site, struct site_file *file, enum coding *coding)
{
    EIN_LOCKED(&site->lock);

    if (file->encoded[*coding].data)
        return &file->encoded[*coding];
    *coding = CODING_NONE;
    return &file->plain;
}

const struct site_bytes *cache_encoded(struct site *site, struct site_file *file,
                                       enum coding *coding)
{
    if (!file->type->shrinks || file->plain.len < site->compress_min)
        *coding = CODING_NONE;
    if (*coding == CODING_NONE)
        return &file->plain;
    if (take_turn(site, file, *coding)) {
        size_t len = 0;
        char *data = encode(*coding, file->plain.data, file->plain.len, &len);

        if (data)
            install(site, file, *coding, data, len);
    }
    return made(site, file, coding);
}

void cache_clear(struct site *site)
{
    EIN_LOCKED(&site->lock);

    list_each(it, &site->by_use) forget(site, list_entry(it, struct site_file, by_use));
}
