/* SPDX-License-Identifier: Apache-2.0 */
/* What a client says, in what the catalog says the model can be told. */
#pragma once

#include "catalog.h"

/* How parameters are checked. */
struct parameter_rules {
    const struct model *model;
    const json_t *pass;        /* names that are handed on as they are, may be NULL */
    const json_t *pass_tools;  /* the same of vendors' tools */
    const json_t *tool_choice; /* may be NULL */
    bool vendors_tools;        /* some are asked for, too */
    bool refuse;               /* else what cannot be is left out, with a note */
    size_t max_notes;
};

/* GIVEN may be NULL.  *ret_parameters is NULL where nothing is left. */
int parameters_check(const struct parameter_rules *rules, const json_t *given,
                     json_t **ret_parameters, json_t **notes, struct ein_error *err);

/* The most tokens that the answer may have; 0: it was not said. */
uint64_t parameters_max_tokens(const json_t *parameters);

/* The value as TYPE ("float", "integer", "boolean", "string", "choice", "list_choice", "stop";
 * others are not looked at) has it; NULL: it is none. */
json_t *parameter_coerce(const char *type, const json_t *choices, const json_t *value);

/* A parameter that the vendors share, by a catalog's or another usual name. */
struct common {
    const char *name, *type;
    double min, max;
    uint32_t wires; /* that have it: enum wire */
    uint32_t needs; /* enum model_ability that the model must not be without */
};
/* Its catalog's name, for "max_completion_tokens" and such. */
const char *common_name(const json_t *rows, const char *name);
/* Is it a number of tokens at most, so that fewer are what is meant by more than there are? */
bool common_is_most(const char *name);
/* Of the efforts in CHOICES the one nearest to EFFORT, the lower of two; who asks for thought does
 * not get none.  Lent; NULL: it is no effort, or there is none. */
json_t *effort_nearest(const json_t *choices, const char *effort);
/* NULL: not common, or not of the model's wire. */
const struct common *common_find(const struct parameter_rules *rules, const char *name);
/* Whose built-in tools the model's vendor takes: "openai", "anthropic", or "": nobody's. */
const char *wire_name(const struct model *model);
/* How long the name of a tool may be, in bytes; 0: as long as it likes. */
size_t common_name_max(const struct model *model);
/* Is the model's answer limited also where nobody has asked for it? (thinking_max_tokens()) */
bool common_always_limits(const struct model *model);
/* Is this one that OpenAI's models refuse which reason, though the catalog may have a row for it?
 */
bool common_is_fixed(const struct model *model, const char *name);
/* Is it Claude, whoever serves it? */
bool common_is_claude(const struct model *model);
/* Is this one that Claude does not take while it thinks? */
bool common_disturbs_thinking(const char *name, const json_t *value);
