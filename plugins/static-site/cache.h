/* SPDX-License-Identifier: Apache-2.0 */
/* Files as they were read, with what was made of them.  A file that has changed is another one. */
#pragma once

#include "ask.h"
#include "site.h"
#include "types.h"

#include <sys/stat.h>

enum { ETAG_BYTES = 48 };

struct site_bytes {
    char *data; /* NULL: none */
    size_t len;
};

struct site_file {
    struct map_entry entry; /* first; its path */
    struct list by_use;     /* guarded by site->lock, as are the next three */
    unsigned users;         /* and one for the cache */
    bool tried[CODINGS];    /* to encode it */
    struct site_bytes encoded[CODINGS];
    struct site_bytes plain;
    struct stat stat;
    const struct file_type *type;
    char tag[ETAG_BYTES - 8]; /* of the bytes: the ETag without its quotes */
};

/* The file PATH, open at FD, as it is now; give it back with cache_done().  NULL: it cannot be
 * read, or is too long to be kept. */
struct site_file *cache_get(struct site *site, const char *path, int fd, const struct stat *stat);
void cache_done(struct site *site, struct site_file *file);

/* The file in CODING, made by the first who asks; plain, and CODING_NONE, where that is no shorter,
 * or while another one makes it. */
const struct site_bytes *cache_encoded(struct site *site, struct site_file *file,
                                       enum coding *coding);

void cache_clear(struct site *site);

/* LEN bytes of FD from FIRST on; *ret_len of them, if it has become shorter.  NULL: no memory, or
 * it cannot be read. */
char *read_bytes(int fd, uint64_t first, size_t len, size_t *ret_len);
