/* SPDX-License-Identifier: Apache-2.0 */
#include "zone.h"

#include "cleanup.h"
#include "error.h"
#include "str.h"
#include "zone_rule.h"

#include <fcntl.h>
#include <string.h>

enum { HEADER_LEN = 44, TRANSITIONS_MAX = 4096, TYPES_MAX = 256, TYPE_LEN = 6, DAY_S = 86400 };

struct zone {
    size_t count;    /* transitions */
    int64_t *at;     /* when, ascending */
    int32_t *offset; /* from then on */
    int32_t first;   /* before the first one */
    bool has_rule;   /* for what is behind the last one */
    struct zone_rule rule;
};

void zone_free(struct zone *zone)
{
    if (!zone)
        return;
    free(zone->at);
    free(zone->offset);
    free(zone);
}

/* ---- the file ---- */

struct header {
    unsigned version; /* 1, 2, 3, ... */
    size_t ut_count, std_count, leap_count, time_count, type_count, char_count;
};

static uint64_t read_bytes(const unsigned char *at, size_t len)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++)
        value = value << 8 | at[i];
    return value;
}

static bool read_header(const unsigned char *data, size_t len, struct header *ret_header)
{
    if (len < HEADER_LEN || memcmp(data, "TZif", 4) != 0)
        return false;
    if (data[4] != '\0' && (data[4] < '2' || data[4] > '9'))
        return false;
    *ret_header = (struct header){
        .version = data[4] ? data[4] - (unsigned)'0' : 1,
        .ut_count = read_bytes(data + 20, 4),
        .std_count = read_bytes(data + 24, 4),
        .leap_count = read_bytes(data + 28, 4),
        .time_count = read_bytes(data + 32, 4),
        .type_count = read_bytes(data + 36, 4),
        .char_count = read_bytes(data + 40, 4),
    };
    /* Leap seconds are of the "right" zones, whose clocks are no others'. */
    return ret_header->leap_count == 0 && ret_header->time_count <= TRANSITIONS_MAX &&
           ret_header->type_count >= 1 && ret_header->type_count <= TYPES_MAX &&
           ret_header->char_count >= 1 && ret_header->char_count <= ZONE_FILE_MAX &&
           (ret_header->ut_count == 0 || ret_header->ut_count == ret_header->type_count) &&
           (ret_header->std_count == 0 || ret_header->std_count == ret_header->type_count);
}

/* Bytes behind the header; TIME_LEN is that of one time. */
static size_t block_len(const struct header *header, size_t time_len)
{
    return header->time_count * (time_len + 1) + header->type_count * TYPE_LEN +
           header->char_count + header->std_count + header->ut_count;
}

static bool read_types(const unsigned char *at, size_t count, int32_t *ret_offsets)
{
    for (size_t i = 0; i < count; i++, at += TYPE_LEN) {
        int32_t offset = (int32_t)(uint32_t)read_bytes(at, 4);
        if (offset < ZONE_OFFSET_MIN || offset > ZONE_OFFSET_MAX || at[4] > 1)
            return false;
        ret_offsets[i] = offset;
    }
    return true;
}

static bool read_transitions(struct zone *zone, const unsigned char *at, size_t time_len,
                             const int32_t *types, size_t type_count)
{
    const unsigned char *index = at + zone->count * time_len;

    for (size_t i = 0; i < zone->count; i++, at += time_len) {
        zone->at[i] =
            time_len == 4 ? (int32_t)(uint32_t)read_bytes(at, 4) : (int64_t)read_bytes(at, 8);
        if (index[i] >= type_count || (i && zone->at[i] <= zone->at[i - 1]))
            return false;
        zone->offset[i] = types[index[i]];
    }
    zone->first = types[0];
    return true;
}

static bool read_block(struct zone *zone, const struct header *header, const unsigned char *data,
                       size_t time_len)
{
    int32_t types[TYPES_MAX];

    zone->count = header->time_count;
    zone->at = calloc(zone->count + 1, sizeof(*zone->at));
    zone->offset = calloc(zone->count + 1, sizeof(*zone->offset));
    return zone->at && zone->offset &&
           read_types(data + zone->count * (time_len + 1), header->type_count, types) &&
           read_transitions(zone, data, time_len, types, header->type_count);
}

/* "\n", the rule or nothing, "\n" */
static bool read_footer(struct zone *zone, const unsigned char *data, size_t len)
{
    if (len < 2 || data[0] != '\n' || data[len - 1] != '\n')
        return false;
    if (len == 2)
        return true;
    zone->has_rule = true;
    return zone_rule_parse((const char *)data + 1, len - 2, &zone->rule);
}

/* A file of version 1 is that block; later ones have it for old readers, before their own. */
static bool read_file(struct zone *zone, const unsigned char *data, size_t len)
{
    struct header header;

    if (!read_header(data, len, &header) || len - HEADER_LEN < block_len(&header, 4))
        return false;
    if (header.version == 1)
        return len - HEADER_LEN == block_len(&header, 4) &&
               read_block(zone, &header, data + HEADER_LEN, 4);

    size_t skipped = HEADER_LEN + block_len(&header, 4);
    data += skipped;
    len -= skipped;
    if (!read_header(data, len, &header) || header.version == 1)
        return false;
    size_t own = block_len(&header, 8);
    return len - HEADER_LEN >= own && read_block(zone, &header, data + HEADER_LEN, 8) &&
           read_footer(zone, data + HEADER_LEN + own, len - HEADER_LEN - own);
}

int zone_parse(const void *data, size_t len, struct zone **ret_zone, struct ein_error *err)
{
    struct zone *zone = calloc(1, sizeof(*zone));

    if (!zone)
        return error_no_memory(err);
    if (!read_file(zone, data, len)) {
        zone_free(zone);
        return error_set(err, EIN_E_INVALID, "This is no time zone file");
    }
    *ret_zone = zone;
    return 0;
}

/* ---- by name ---- */

static int no_such_zone(const char *name, struct ein_error *err)
{
    return error_set(err, EIN_E_NOT_FOUND, "There is no time zone '%.64s'", name);
}

/* "Europe/Berlin", "Etc/GMT+5": no part of it begins with a dot. */
static bool is_name(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "/_+-";
    size_t len = strlen(name);

    return len > 0 && len <= ZONE_NAME_MAX && strspn(name, allowed) == len && *name != '/' &&
           name[len - 1] != '/' && !strstr(name, "//");
}

static int read_named(const char *folder, const char *name, unsigned char *data, size_t *ret_len,
                      struct ein_error *err)
{
    EIN_FREE char *path = str_print("%s/%s", folder, name);
    ssize_t n;

    if (!path)
        return error_no_memory(err);
    EIN_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *ret_len = 0;
    while (fd >= 0 && *ret_len < ZONE_FILE_MAX &&
           (n = read(fd, data + *ret_len, ZONE_FILE_MAX - *ret_len)) > 0)
        *ret_len += (size_t)n;
    return *ret_len > 0 && *ret_len < ZONE_FILE_MAX ? 0 : no_such_zone(name, err);
}

int zone_load(const char *folder, const char *name, struct zone **ret_zone, struct ein_error *err)
{
    EIN_FREE unsigned char *data = NULL;
    size_t len = 0;

    if (strcmp(name, "UTC") == 0) {
        *ret_zone = calloc(1, sizeof(**ret_zone));
        return *ret_zone ? 0 : error_no_memory(err);
    }
    if (!is_name(name))
        return no_such_zone(name, err);
    data = malloc(ZONE_FILE_MAX);
    if (!data)
        return error_no_memory(err);
    int r = read_named(folder, name, data, &len, err);
    if (r == 0)
        r = zone_parse(data, len, ret_zone, err);
    return r == EIN_E_INVALID ? error_set(err, r, "The file of the time zone '%s' is damaged", name)
                              : r;
}

/* ---- asking ---- */

int32_t zone_offset(const struct zone *zone, int64_t utc_s)
{
    size_t low = 0, high = zone->count; /* the last one at or before UTC_S is below `high` */

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->at[middle] <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zone->count && zone->has_rule)
        return zone_rule_offset(&zone->rule, utc_s);
    return low ? zone->offset[low - 1] : zone->first;
}

int64_t zone_to_utc(const struct zone *zone, int64_t local_s)
{
    int32_t before = zone_offset(zone, local_s - DAY_S), after = zone_offset(zone, local_s + DAY_S);

    if (zone_offset(zone, local_s - before) == before)
        return local_s - before;
    if (zone_offset(zone, local_s - after) == after)
        return local_s - after;
    return local_s - before;
}
