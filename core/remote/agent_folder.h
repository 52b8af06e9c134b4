/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <einion/plugin.h>
#include <jansson.h>

/* An agent as files: agent.py is its code, agent.json all else that its user has set.  Neither
 * says on which server it is: .einion.json does, which is not for a repository to keep:
 *
 *   {URL: {"id", "revision", "digest"}}   digest: of the two files, as they were then */

enum { AGENT_FILE_MAX = 16 * 1024 * 1024 };

/* The agent that PATH holds, in the form of POST /agents. */
int agent_folder_read(const char *path, json_t **ret_agent, struct ein_error *err);
/* AGENT is what the server answers; makes the folder. */
int agent_folder_write(const char *path, const json_t *agent, struct ein_error *err);

/* What is known of it on the server URL, an object, or NULL: nothing. */
int agent_folder_known(const char *path, const char *url, json_t **ret_known,
                       struct ein_error *err);
/* It is AGENT (_id, _rev) there, and the files are that; AGENT NULL: it is there no more. */
int agent_folder_note(const char *path, const char *url, const json_t *agent,
                      struct ein_error *err);

/* 1: the files are there, and are not those that `known` (may be NULL) is of; 0: writing over
 * them loses nothing. */
int agent_folder_is_changed(const char *path, const json_t *known, struct ein_error *err);

/* What AGENT's folder is called, where its user says nothing; free().  NULL: no memory. */
char *agent_folder_name(const json_t *agent);
