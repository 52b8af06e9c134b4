/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "catalog.h"

/* The numbers of a checked entry.  The three are lent for the life of the model. */
void model_read(struct model *model, const char *provider, const char *id, json_t *json);
