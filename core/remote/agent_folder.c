/* SPDX-License-Identifier: Apache-2.0 */
#include "agent_folder.h"

#include "cleanup.h"
#include "error.h"
#include "file.h"
#include "hex.h"
#include "member.h"
#include "str.h"
#include <ctype.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <string.h>

enum { DIGEST_LEN = 32, FILE_MODE = 0644, FOLDER_MODE = 0777 };

#define CODE  "agent.py"
#define REST  "agent.json"
#define STATE ".einion.json"

/* What is the server's, or has a file of its own. */
static const char *const not_in_rest[] = { "_id", "_rev", "createdAt", "updatedAt", "code", NULL };

static int read_text(const char *folder, const char *name, char **ret_text, struct ein_error *err)
{
    EIN_FREE char *path = str_print("%s/%s", folder, name);

    return path ? file_read(path, AGENT_FILE_MAX, ret_text, NULL, err) : error_no_memory(err);
}

static int read_object(const char *folder, const char *name, json_t **ret_object,
                       struct ein_error *err)
{
    EIN_FREE char *path = str_print("%s/%s", folder, name);

    return path ? file_read_object(path, AGENT_FILE_MAX, ret_object, err) : error_no_memory(err);
}

static int write_object(const char *folder, const char *name, const json_t *object,
                        struct ein_error *err)
{
    EIN_FREE char *path = str_print("%s/%s", folder, name);

    return path ? file_write_json(path, object, FILE_MODE, err) : error_no_memory(err);
}

int agent_folder_read(const char *path, json_t **ret_agent, struct ein_error *err)
{
    EIN_FREE char *code = NULL;
    EIN_JSON json_t *agent = NULL;
    int r = read_text(path, CODE, &code, err);

    if (r == 0)
        r = read_object(path, REST, &agent, err);
    if (r == EIN_E_NOT_FOUND && code)
        return error_set(err, EIN_E_NOT_FOUND,
                         "%s/" REST
                         " is missing: it has what else there is to say of the agent, at "
                         "least {\"name\": \"...\", \"description\": \"...\"}",
                         path);
    for (size_t i = 0; r == 0 && not_in_rest[i]; i++)
        if (json_object_get(agent, not_in_rest[i]))
            r = error_set(err, EIN_E_INVALID, "%s/" REST " may not hold '%s'", path,
                          not_in_rest[i]);
    if (r == 0 && json_object_set_new(agent, "code", json_string(code)) < 0)
        r = error_set(err, EIN_E_INVALID, "%s/" CODE " is not UTF-8", path);
    if (r == 0)
        *ret_agent = EIN_TAKE(agent);
    return r;
}

int agent_folder_write(const char *path, const json_t *agent, struct ein_error *err)
{
    EIN_JSON json_t *rest = json_copy((json_t *)agent);
    EIN_FREE char *code_path = str_print("%s/" CODE, path);
    int r = code_path ? file_make_folder(path, FOLDER_MODE, err) : error_no_memory(err);

    for (size_t i = 0; not_in_rest[i]; i++)
        (void)json_object_del(rest, not_in_rest[i]);
    if (r == 0)
        r = file_write(code_path, text_or_empty(agent, "code"), FILE_MODE, err);
    return r < 0 ? r : write_object(path, REST, rest, err);
}

static int read_state(const char *path, json_t **ret_state, struct ein_error *err)
{
    int r = read_object(path, STATE, ret_state, err);

    if (r != EIN_E_NOT_FOUND)
        return r;
    *ret_state = json_object();
    return *ret_state ? 0 : error_no_memory(err);
}

int agent_folder_known(const char *path, const char *url, json_t **ret_known, struct ein_error *err)
{
    EIN_JSON json_t *state = NULL;
    int r = read_state(path, &state, err);

    if (r == 0) {
        json_t *known = json_object_get(state, url);

        *ret_known = json_is_string(json_object_get(known, "id")) &&
                             json_is_string(json_object_get(known, "revision"))
                         ? json_incref(known)
                         : NULL;
    }
    return r;
}

/* "": the files are not there. */
static int digest(const char *path, char *ret_hex, struct ein_error *err)
{
    EIN_FREE char *code = NULL;
    EIN_FREE char *rest = NULL;
    EIN_FREE char *both = NULL;
    unsigned char hash[DIGEST_LEN];
    int r = read_text(path, CODE, &code, err), q;

    if (r < 0 && r != EIN_E_NOT_FOUND)
        return r;
    q = read_text(path, REST, &rest, err);
    if (q < 0 && q != EIN_E_NOT_FOUND)
        return q;
    *ret_hex = '\0';
    if (!code && !rest)
        return 0;
    both = str_print("%zu %s%s", code ? strlen(code) : 0, code ? code : "", rest ? rest : "");
    if (!both || gnutls_hash_fast(GNUTLS_DIG_SHA256, both, strlen(both), hash) < 0)
        return error_no_memory(err);
    hex_encode(hash, sizeof(hash), ret_hex);
    return 0;
}

int agent_folder_note(const char *path, const char *url, const json_t *agent, struct ein_error *err)
{
    EIN_JSON json_t *state = NULL;
    char hex[2 * DIGEST_LEN + 1];
    int r = read_state(path, &state, err);

    if (r == 0)
        r = digest(path, hex, err);
    if (r < 0)
        return r;
    (void)json_object_del(state, url);
    if (agent && json_object_set_new(state, url,
                                     json_pack("{s:O, s:O, s:s}", "id",
                                               json_object_get(agent, "_id"), "revision",
                                               json_object_get(agent, "_rev"), "digest", hex)) < 0)
        return error_no_memory(err);
    return write_object(path, STATE, state, err);
}

int agent_folder_is_changed(const char *path, const json_t *known, struct ein_error *err)
{
    const char *then = text_of(known, "digest");
    char hex[2 * DIGEST_LEN + 1];
    int r = digest(path, hex, err);

    return r < 0 ? r : *hex && (!then || strcmp(hex, then) != 0);
}

/* The server chooses the name: it may be no path. */
char *agent_folder_name(const json_t *agent)
{
    const char *name = text_of(agent, "friendlyName");
    char *folder;

    if (!name || !*name)
        name = text_of(agent, "name");
    folder = strdup(name && *name ? name : "agent");
    for (char *at = folder; at && *at; at++)
        if (!isalnum((unsigned char)*at) && (at == folder || !strchr("-_.", *at)))
            *at = '_';
    return folder;
}
