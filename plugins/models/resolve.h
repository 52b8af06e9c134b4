/* SPDX-License-Identifier: Apache-2.0 */
/* From what files say to what is served.  A catalog as the files have it:
 *
 *   parameters: {name: {description}}            of all models, where they do not say
 *   aliases: {name: "provider/model"}
 *   providers: {name: {api_key_env_var, other_key_env_vars, built_in_tools: {id: {description,
 *     tool_config}}, defaults: of models from live lists, models: {id: entry}}}
 *
 * An entry may begin `like` another model of its provider, name built-in tools by their ids, and
 * leave descriptions of parameters to the table.  Trees share their branches: nobody changes one.
 */
#pragma once

#include "check.h"

/* `catalog` (may be NULL) with the members of `file`: they replace, objects are merged but
 * for prices, null takes away, and what a model is like is put into it.  INVALID, with the place in
 * `check`. */
int catalog_merge(struct check *check, const json_t *catalog, const json_t *file,
                  json_t **ret_catalog);

/* {"aliases", "providers": {name: {"api_key_env_var", "other_key_env_vars", "models": {id: entry as
 * served}}}}, everything checked.  `live` (may be NULL) is {provider: {id: entry}}: where the
 * catalog has the model too, it counts for what the catalog does not say; what is wrong in it is
 * left out. */
int catalog_resolve(struct check *check, const json_t *catalog, const json_t *live,
                    json_t **ret_resolved);

/* [["provider", "model", "a", "b"], ...]: parameters that exclude each other. */
json_t *catalog_exclusive(const json_t *resolved);
/* {"provider/model": tokens} */
json_t *catalog_context_windows(const json_t *resolved);
