/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones by their IANA names, read from TZif files (RFC 9636).  The C library knows one zone
 * for the whole process; here each user may have another. */
#pragma once

#include <einion/plugin.h>
#include <stddef.h>

enum {
    ZONE_NAME_MAX = 64,       /* bytes */
    ZONE_FILE_MAX = 64 << 10, /* bytes */
    ZONE_OFFSET_MIN = -25 * 3600 + 1,
    ZONE_OFFSET_MAX = 26 * 3600 - 1 /* seconds, east of Greenwich */
};

struct zone;

/* NAME below FOLDER; "UTC" needs no file.  NOT_FOUND: there is no such zone; INVALID: its file is
 * none. */
int zone_load(const char *folder, const char *name, struct zone **ret_zone, struct ein_error *err);
int zone_parse(const void *data, size_t len, struct zone **ret_zone, struct ein_error *err);
void zone_free(struct zone *zone);

/* Seconds by which local time is ahead of UTC at UTC_S, seconds since the epoch. */
int32_t zone_offset(const struct zone *zone, int64_t utc_s);
/* The moment at which clocks show LOCAL_S, the first of two; where they skip it, as much later as
 * they skip. */
int64_t zone_to_utc(const struct zone *zone, int64_t local_s);
