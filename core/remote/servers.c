/* SPDX-License-Identifier: Apache-2.0 */
#include "servers.h"

#include "cleanup.h"
#include "error.h"
#include "file.h"
#include "member.h"
#include "str.h"
#include <stdio.h>

#define FILE_NAME "servers.json"

static int find_folder(char **ret_folder, struct ein_error *err)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    if (config && *config == '/')
        *ret_folder = str_print("%s/einion", config);
    else if (home && *home == '/')
        *ret_folder = str_print("%s/.config/einion", home);
    else
        return error_set(err, EIN_E_INVALID,
                         "neither HOME nor XDG_CONFIG_HOME says where logins are kept");
    return *ret_folder ? 0 : error_no_memory(err);
}

static int find_file(char **ret_path, struct ein_error *err)
{
    EIN_FREE char *folder = NULL;
    int r = find_folder(&folder, err);

    if (r < 0)
        return r;
    *ret_path = str_print("%s/" FILE_NAME, folder);
    return *ret_path ? 0 : error_no_memory(err);
}

int servers_read(json_t **ret_servers, struct ein_error *err)
{
    EIN_FREE char *path = NULL;
    int r = find_file(&path, err);

    if (r == 0)
        r = file_read_object(path, SERVERS_FILE_MAX, ret_servers, err);
    if (r == EIN_E_NOT_FOUND) {
        *ret_servers = json_object();
        r = *ret_servers ? 0 : error_no_memory(err);
    }
    return r;
}

int servers_write(const json_t *servers, struct ein_error *err)
{
    EIN_FREE char *folder = NULL;
    EIN_FREE char *path = NULL;
    int r = find_folder(&folder, err);

    if (r == 0)
        r = file_make_folder(folder, 0700, err);
    if (r == 0)
        r = find_file(&path, err);
    return r < 0 ? r : file_write_json(path, servers, 0600, err);
}

const json_t *servers_find(const json_t *servers, const char *name, const char **ret_name)
{
    const char *which = name ? name : text_of(servers, "default");

    *ret_name = which;
    return which ? json_object_get(json_object_get(servers, "servers"), which) : NULL;
}
