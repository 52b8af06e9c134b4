/* SPDX-License-Identifier: Apache-2.0 */
/* The behaviour suite: the same tests, against one backend after the other. */
#pragma once

#include "cleanup.h"
#include "fake_host.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

struct fixture {
    const char *name; /* of the plugin */
    char folder[64];
    struct fake_host *host;
    struct fake_plugin *plugin;
    const struct ein_storage_backend *backend;
    void *impl;
};

extern const char *storage_backend_name, *storage_settings; /* the latter as for json_of() */

/* `settings` instead of those the suite was given. */
void fixture_open(struct fixture *fixture, json_t *take_settings);
void fixture_close(struct fixture *fixture);
/* The same in a fresh folder, that is gone afterwards. */
void fixture_begin(struct fixture *fixture, const char *name, json_t *take_settings);
void fixture_end(struct fixture *fixture);

/* JSON with ' for ". */
json_t *json_of(const char *text);

/* Each fails the test unless the call gives what is expected. */
void put(struct fixture *fixture, const char *id, const char *doc);
void put_in(struct fixture *fixture, const char *set, const char *id, const char *doc,
            char *ret_rev);
json_t *get(struct fixture *fixture, const char *set, const char *id);
void expect_members(struct fixture *fixture, const char *set, const char *id, const char *members);
void expect_missing(struct fixture *fixture, const char *set, const char *id);
int batch(struct fixture *fixture, struct ein_doc_op *ops, size_t count, struct ein_error *err);
/* The ids found, joined by blanks; in `set` "things". */
void expect_found(struct fixture *fixture, const char *where, const char *order, const char *ids);
void expect_refused(struct fixture *fixture, const char *where, const char *order,
                    const char *text_part);
uint64_t tally(struct fixture *fixture, const char *set, const char *where);

extern const struct CMUnitTest document_tests[], find_tests[], thread_tests[];
extern const size_t document_test_count, find_test_count, thread_test_count;

/* A fresh folder with a store in it, for each test. */
int setup(void **state);
int teardown(void **state);
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
