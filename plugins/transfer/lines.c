/* SPDX-License-Identifier: Apache-2.0 */
/* einion's own file: a line that says so, one for each document, and one with their number and the
 * sum of all lines before it. */
#include "cleanup.h"
#include "error.h"
#include "files.h"
#include "hash.h"
#include "load.h"
#include "member.h"
#include "str.h"
#include "transfer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FORMAT = 1, SUM_SIZE = 17 /* hexadecimal digits, and a NUL */ };

static const char head_member[] = "einion", end_member[] = "end", sum_member[] = "sum",
                  vault_set[] = "vault";

static void sum_text(uint64_t sum, char ret_text[SUM_SIZE])
{
    (void)snprintf(ret_text, SUM_SIZE, "%016" PRIx64, sum);
}

/* ---- out ---- */

struct export
{
    const struct transfer *transfer;
    FILE *out;
    const char *set;
    uint64_t of_set, total, sum;
};

static int write_line(struct export *export, json_t *take_line)
{
    EIN_JSON json_t *line = take_line;
    const struct ein_host *host = export->transfer->host;
    size_t len;
    char *text = line ? host->json_text(line, &len) : NULL;
    int r = text ? 0 : EIN_E_NO_MEMORY;

    if (text && fprintf(export->out, "%s\n", text) < 0)
        r = EIN_E_UNAVAILABLE;
    if (text)
        export->sum = hash_fnv(hash_fnv(export->sum, text, len), "\n", 1);
    host->mem_free(text);
    return r;
}

static int write_doc(const json_t *doc, void *data)
{
    struct export *export = data;
    EIN_JSON json_t *plain = json_copy((json_t *)doc);

    (void)json_object_del(plain, "_rev");
    export->of_set++;
    export->total++;
    return write_line(export, json_pack("{s:s, s:O}", "set", export->set, "doc", plain));
}

static int write_set(struct export *export, const char *set, json_t *report, struct ein_error *err)
{
    const struct transfer *transfer = export->transfer;
    int r;

    if (list_has(transfer->left_out, set))
        return report_add(report, "%s: left out (plugins.transfer.left_out)", set);
    export->set = set;
    export->of_set = 0;
    r = transfer->host->store->find(transfer->ctx, set, NULL, write_doc, export, NULL, err);
    return r < 0 ? r : report_add(report, "%s: %" PRIu64, set, export->of_set);
}

/* The names of all sets, sorted; they live as long as SETS. */
static const char **sorted(const json_t *sets)
{
    const char **names = calloc(json_array_size(sets) + 1, sizeof(*names));
    const json_t *item;
    size_t i;

    if (!names)
        return NULL;
    json_array_foreach(sets, i, item) names[i] = json_string_value(item);
    qsort(names, json_array_size(sets), sizeof(*names), str_compare);
    return names;
}

static int write_all(struct export *export, json_t *report, struct ein_error *err)
{
    const struct transfer *transfer = export->transfer;
    EIN_JSON json_t *sets = NULL;
    EIN_FREE const char **names = NULL;
    char sum[SUM_SIZE];
    int r = transfer->host->store->sets(transfer->ctx, &sets, err);

    if (r < 0)
        return r;
    names = sorted(sets);
    if (!names)
        return error_no_memory(err);
    r = write_line(export, json_pack("{s:{s:i, s:s}}", head_member, "format", FORMAT, "version",
                                     transfer->host->version));
    for (size_t i = 0; names[i] && r >= 0; i++)
        r = write_set(export, names[i], report, err);
    if (r < 0)
        return r;
    sum_text(export->sum, sum);
    return write_line(
        export, json_pack("{s:I, s:s}", end_member, (json_int_t) export->total, sum_member, sum));
}

/* The whole of it into PART, for its owner's eyes. */
static int write_part(const struct transfer *transfer, const char *part, int fd, json_t *report,
                      uint64_t *ret_total, struct ein_error *err)
{
    struct export export = { .transfer = transfer, .out = fdopen(fd, "w"), .sum = HASH_FNV_START };
    int r;

    if (!export.out) {
        (void)close(fd);
        return files_cannot_write(part, err);
    }
    r = write_all(&export, report, err);
    if (fclose(export.out) != 0 && r >= 0)
        r = EIN_E_UNAVAILABLE;
    *ret_total = export.total;
    if (r == EIN_E_UNAVAILABLE && (!err || !err->text[0]))
        return files_cannot_write(part, err);
    return r;
}

int lines_export(const struct transfer *transfer, const char *path, json_t *report,
                 struct ein_error *err)
{
    EIN_FREE char *part = NULL;
    uint64_t total = 0;
    int fd, r = files_part_open(path, &part, &fd, err);

    if (r < 0)
        return r;
    r = files_part_end(part, path, write_part(transfer, part, fd, report, &total, err), err);
    return r < 0 ? r : report_add(report, "%s: %" PRIu64 " documents", path, total);
}

/* ---- in ---- */

struct import {
    struct load *load;
    const char *path;
    uint64_t line, total, sum;
    char *secret_id; /* one of the vault's; NULL: none was seen */
    bool ended;
};

static int bad_line(const struct import *import, const char *what, struct ein_error *err)
{
    return error_set(err, EIN_E_INVALID, "%s:%" PRIu64 ": %s", import->path, import->line, what);
}

static int read_head(const struct import *import, const json_t *line, struct ein_error *err)
{
    const json_t *head = json_object_get(line, head_member);

    if (!json_is_object(head))
        return bad_line(import, "this is not an einion export", err);
    if (integer_of(head, "format") != FORMAT)
        return bad_line(import, "this was written by a newer einion: its format is unknown", err);
    return 0;
}

/* Older files, and those that were made on purpose, have no sum. */
static int read_end(struct import *import, const json_t *line, struct ein_error *err)
{
    const char *written = text_of(line, sum_member);
    char sum[SUM_SIZE];

    if ((uint64_t)integer_of(line, end_member) != import->total)
        return bad_line(import, "documents are missing: the file is incomplete", err);
    sum_text(import->sum, sum);
    if (written && !str_eq(written, sum))
        return bad_line(import,
                        "what is above is not what was written: the file is damaged, or was "
                        "changed (then take \"sum\" out of this line)",
                        err);
    import->ended = true;
    return 0;
}

static int read_doc(struct import *import, const json_t *line, struct ein_error *err)
{
    const char *set = text_of(line, "set");
    json_t *doc = json_object_get(line, "doc");
    const char *id = text_of(doc, "_id");
    int r;

    if (!set || !id)
        return bad_line(import, "this is not a document", err);
    import->total++;
    if (!import->load)
        return 0;
    if (!import->secret_id && strcmp(set, vault_set) == 0)
        import->secret_id = strdup(id);
    r = load_begin(import->load, load_tally(import->load, set), err);
    return r < 0 ? r : load_put(import->load, set, id, json_incref(doc), err);
}

static int read_line(struct import *import, const char *text, size_t len, struct ein_error *err)
{
    EIN_JSON json_t *line = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

    import->line++;
    if (import->line == 1) {
        import->sum = hash_fnv(HASH_FNV_START, text, len);
        return read_head(import, line, err);
    }
    if (!json_is_object(line))
        return bad_line(import, "this is not JSON: the file is incomplete", err);
    if (import->ended)
        return bad_line(import, "there is more after the end", err);
    if (json_object_get(line, end_member))
        return read_end(import, line, err);
    import->sum = hash_fnv(import->sum, text, len);
    return read_doc(import, line, err);
}

static int read_lines(struct import *import, FILE *in, struct ein_error *err)
{
    EIN_FREE char *text = NULL;
    size_t size = 0;
    ssize_t len;
    int r = 0;

    while (r >= 0 && (len = getline(&text, &size, in)) > 0)
        r = read_line(import, text, (size_t)len, err);
    if (r >= 0 && ferror(in))
        r = error_set(err, EIN_E_UNAVAILABLE, "%s cannot be read: %s", import->path,
                      strerror(errno));
    if (r >= 0 && !import->ended)
        r = bad_line(import, "the end is missing: the file is incomplete", err);
    return r < 0 || !import->load ? r : load_flush(import->load, err);
}

static int tell(const struct load *load, json_t *report)
{
    int r = 0;

    for (size_t i = 0; i < load->tally_count && r >= 0; i++) {
        const struct load_tally *tally = &load->tallies[i];
        const json_t *id;
        size_t k;

        r = report_add(report,
                       "%s: %" PRIu64 " brought, %" PRIu64 " here already, %" PRIu64
                       " here and different",
                       tally->name, tally->added, tally->same, tally->other);
        json_array_foreach(tally->others, k, id)
        {
            if (r >= 0)
                r = report_add(report, "  left as it is: %s", json_string_value(id));
        }
    }
    return r;
}

/* Can what came with the vault's set be opened here?  One secret says it of all. */
static int tell_of_secrets(const struct transfer *transfer, const char *secret_id, json_t *report)
{
    const struct ein_service *service;
    struct ein_error err = { 0 };
    char *secret = NULL;
    int r;

    if (!secret_id || transfer->host->acquire(transfer->ctx, EIN_VAULT, NULL, &service) < 0)
        return 0;
    const struct ein_vault *vault = service->vtable;
    r = vault->get(service->impl, secret_id, &secret, &err);
    vault->wipe(service->impl, secret);
    transfer->host->release(transfer->ctx, service);
    return r >= 0 ? 0
                  : report_add(report,
                               "vault: the secrets cannot be opened here (%s): add the key that "
                               "sealed them to this server's key_file",
                               err.text);
}

/* LOAD NULL: only looks whether the file is whole. */
static int read_file(const char *path, struct load *load, char **ret_secret_id,
                     struct ein_error *err)
{
    struct import import = { .load = load, .path = path };
    FILE *in = fopen(path, "re");
    int r;

    if (!in)
        return error_set(err, EIN_E_NOT_FOUND, "%s cannot be read: %s", path, strerror(errno));
    r = read_lines(&import, in, err);
    (void)fclose(in);
    *ret_secret_id = import.secret_id;
    return r;
}

int lines_import(const struct transfer *transfer, const char *path, json_t *report,
                 struct ein_error *err)
{
    EIN_FREE char *none = NULL;
    EIN_FREE char *secret_id = NULL;
    struct load *load = load_new(transfer, true);
    int r = load ? read_file(path, NULL, &none, err) : error_no_memory(err);

    if (r >= 0)
        r = read_file(path, load, &secret_id, err);
    if (r >= 0)
        r = tell(load, report);
    if (r >= 0)
        r = tell_of_secrets(transfer, secret_id, report);
    load_free(load);
    return r;
}
