/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "yaml_text.h"

#include <stdbool.h>

/* Looks through a catalog and remembers where it is. */
struct check {
    char path[YAML_PLACE_MAX]; /* "providers.openai.models.gpt-5.price", also of the fault */
    struct ein_error *err;     /* the sentence alone; its place is in `path` */
};

/* A complete entry: every member known and in its range, defaults that exclude each other not both
 * there.  0 or INVALID. */
int check_model(struct check *check, const json_t *model);
/* The members of a provider but for its models. */
int check_provider(struct check *check, const json_t *provider);

/* May a model have a member of this name? */
bool check_knows(const char *member);

/* Goes into a member; *ret_mark brings check_leave() back. */
size_t check_enter(struct check *check, const char *name);
void check_leave(struct check *check, size_t mark);
int check_fail(struct check *check, const char *fmt, ...) EIN_PRINTF(2, 3);
