/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>

/* The servers that one has logged in to: one file for its owner's eyes,
 * $XDG_CONFIG_HOME/einion/servers.json, which holds keys.
 *
 *   {"default": NAME, "servers": {NAME: {"url", "key"?, "ca"?, "plainHttp"?}}}
 *
 * plainHttp: its user knows that the key can be read on the way. */

enum { SERVERS_FILE_MAX = 1024 * 1024 };

/* An empty object where there is no file yet. */
int servers_read(json_t **ret_servers, struct ein_error *err);
/* Whole or not at all, mode 0600. */
int servers_write(const json_t *servers, struct ein_error *err);

/* The server NAME (NULL: the default), lent; *ret_name is its name.  NULL: there is none. */
const json_t *servers_find(const json_t *servers, const char *name, const char **ret_name);
