/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include "cleanup.h"
#include "error.h"

#include <stdio.h>
#include <string.h>

struct load *load_new(const struct transfer *transfer, bool compare)
{
    struct load *load = calloc(1, sizeof(*load));

    if (load) {
        load->transfer = transfer;
        load->compare = compare;
    }
    return load;
}

static void unit_done(struct load_unit *unit)
{
    for (size_t i = 0; i < unit->count; i++) {
        free(unit->puts[i].set);
        free(unit->puts[i].id);
        json_decref(unit->puts[i].doc);
    }
    unit->count = 0;
}

static void drop_units(struct load *load)
{
    for (size_t i = 0; i < load->unit_count; i++)
        unit_done(&load->units[i]);
    load->unit_count = 0;
}

void load_free(struct load *load)
{
    if (!load)
        return;
    drop_units(load);
    for (size_t i = 0; i < load->tally_count; i++)
        json_decref(load->tallies[i].others);
    free(load);
}

struct load_tally *load_tally(struct load *load, const char *name)
{
    struct load_tally *tally = &load->tallies[load->tally_count];

    for (size_t i = 0; i < load->tally_count; i++)
        if (strcmp(load->tallies[i].name, name) == 0)
            return &load->tallies[i];
    if (load->tally_count == LOAD_TALLIES)
        return NULL;
    (void)snprintf(tally->name, sizeof(tally->name), "%s", name);
    tally->others = json_array();
    load->tally_count++;
    return tally;
}

/* ---- writing ---- */

static size_t add_ops(const struct load_unit *unit, struct ein_doc_op *ops)
{
    for (size_t i = 0; i < unit->count; i++)
        ops[i] = (struct ein_doc_op){ .kind = EIN_DOC_PUT,
                                      .set = unit->puts[i].set,
                                      .id = unit->puts[i].id,
                                      .expect = EIN_REV_NEW,
                                      .doc = unit->puts[i].doc };
    return unit->count;
}

static int write_ops(const struct load *load, struct ein_doc_op *ops, size_t count,
                     struct ein_error *err)
{
    const struct transfer *transfer = load->transfer;

    return transfer->host->store->batch(transfer->ctx, ops, count, sizeof(*ops), err);
}

/* Both with the store's members or without. */
static bool is_alike(const json_t *there, const json_t *wanted)
{
    EIN_JSON json_t *plain = json_copy((json_t *)there);
    EIN_JSON json_t *other = json_copy((json_t *)wanted);

    (void)json_object_del(plain, "_rev");
    (void)json_object_del(other, "_rev");
    (void)json_object_set(other, "_id", json_object_get(plain, "_id"));
    return json_equal(plain, other);
}

/* Some of the unit is there already: it stays as it is. */
static int count_there(const struct load *load, const struct load_unit *unit, struct ein_error *err)
{
    const struct transfer *transfer = load->transfer;
    EIN_JSON json_t *there = NULL;
    int r = 0;

    if (load->compare) {
        r = transfer->host->store->get(transfer->ctx, unit->puts[0].set, unit->puts[0].id, &there,
                                       err);
        if (r < 0 && r != EIN_E_NOT_FOUND)
            return r;
        if (!is_alike(there, unit->puts[0].doc)) {
            unit->tally->other++;
            return json_array_append_new(unit->tally->others, json_string(unit->puts[0].id)) < 0
                       ? error_no_memory(err)
                       : 0;
        }
    }
    unit->tally->same++;
    return 0;
}

static int write_unit(const struct load *load, const struct load_unit *unit, struct ein_error *err)
{
    struct ein_doc_op ops[LOAD_UNIT_MAX];
    int r = write_ops(load, ops, add_ops(unit, ops), err);

    if (r == EIN_E_CONFLICT)
        return count_there(load, unit, err);
    if (r >= 0)
        unit->tally->added++;
    return r < 0 ? r : 0;
}

int load_flush(struct load *load, struct ein_error *err)
{
    struct ein_doc_op ops[LOAD_UNITS * LOAD_UNIT_MAX];
    size_t count = 0;
    int r;

    for (size_t i = 0; i < load->unit_count; i++)
        count += add_ops(&load->units[i], ops + count);
    r = count > 0 ? write_ops(load, ops, count, err) : 0;
    for (size_t i = 0; i < load->unit_count && r >= 0; i++)
        load->units[i].tally->added++;
    if (r == EIN_E_CONFLICT) { /* one by one, then */
        r = 0;
        for (size_t i = 0; i < load->unit_count && r >= 0; i++)
            r = write_unit(load, &load->units[i], err);
    }
    drop_units(load);
    return r < 0 ? r : 0;
}

int load_begin(struct load *load, struct load_tally *tally, struct ein_error *err)
{
    int r = load->unit_count == LOAD_UNITS ? load_flush(load, err) : 0;

    if (r < 0)
        return r;
    if (!tally)
        return error_set(err, EIN_E_TOO_LARGE, "there are more than %d sets", LOAD_TALLIES);
    load->units[load->unit_count++] = (struct load_unit){ .tally = tally };
    return 0;
}

int load_put(struct load *load, const char *set, const char *id, json_t *take_doc,
             struct ein_error *err)
{
    struct load_unit *unit = &load->units[load->unit_count - 1];
    size_t i = unit->count++;

    unit->puts[i].set = strdup(set);
    unit->puts[i].id = strdup(id);
    unit->puts[i].doc = take_doc;
    return unit->puts[i].set && unit->puts[i].id && take_doc ? 0 : error_no_memory(err);
}
