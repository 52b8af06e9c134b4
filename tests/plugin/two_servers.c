/* SPDX-License-Identifier: Apache-2.0 */
#include "two_servers.h"
#include "unit.h"

#include "cleanup.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct ein_http http = { .struct_size = sizeof(http),
                                      .add_routes = fake_host_no_routes };

struct fake_plugin *open_started(struct fake_host *host, const char *name, json_t *take_config)
{
    struct fake_plugin *plugin;
    struct ein_error err = { 0 };

    if (fake_plugin_open(host, name, take_config, &plugin, &err) < 0 ||
        fake_plugin_start(plugin, &err) < 0)
        fail_msg("%s: %s", name, err.text);
    return plugin;
}

void two_servers_open_vault(struct two_servers *servers, int number)
{
    servers->vault[number] = open_started(servers->host[number], "vault",
                                          json_pack("{s:s}", "key_file", servers->key_file));
}

void two_servers_close_vault(struct two_servers *servers, int number)
{
    fake_plugin_close(servers->vault[number]);
    servers->vault[number] = NULL;
}

static void share_storage(struct two_servers *servers)
{
    const struct ein_service *store = fake_host_service(servers->host[0], EIN_STORAGE_BACKEND);
    struct fake_host *second = servers->host[1];

    assert_int_equal(second->table.publish(fake_host_ctx(second), store->iface, store->name,
                                           store->vtable, store->impl, NULL),
                     0);
}

static json_t *storage_config(const struct two_servers *servers, const char *storage)
{
    if (strcmp(storage, "storage-sqlite") == 0)
        return json_pack("{s:o}", "path", json_sprintf("%s/store.db", servers->folder));
    if (strcmp(storage, "storage-postgres") == 0)
        return json_pack("{s:s, s:o}", "url", getenv("EIN_POSTGRES_URL"), "schema",
                         json_sprintf("two_servers_%d", servers->number));
    return json_object();
}

static void open_storages(struct two_servers *servers, const char *storage)
{
    bool both = strcmp(storage, "storage-postgres") == 0;

    for (int i = 0; i < (both ? SERVERS : 1); i++)
        servers->storage[i] =
            open_started(servers->host[i], storage, storage_config(servers, storage));
    if (!both)
        share_storage(servers);
}

struct two_servers *two_servers_new(const char *storage)
{
    static int count;
    struct two_servers *servers = calloc(1, sizeof(*servers));

    strcpy(servers->folder, "two-servers-XXXXXX");
    assert_non_null(mkdtemp(servers->folder));
    snprintf(servers->key_file, sizeof(servers->key_file), "%s/vault.key", servers->folder);
    servers->number = count++;
    for (int i = 0; i < SERVERS; i++) {
        servers->host[i] = fake_host_new();
        servers->host[i]->table.http = &http;
    }
    open_storages(servers, storage);
    for (int i = 0; i < SERVERS; i++)
        two_servers_open_vault(servers, i);
    return servers;
}

static void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    char path[400];

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        (void)unlink(path);
    }
    closedir(dir);
    assert_int_equal(rmdir(folder), 0);
}

void two_servers_free(struct two_servers *servers)
{
    for (int i = SERVERS; i--;)
        two_servers_close_vault(servers, i);
    for (int i = SERVERS; i--;)
        fake_plugin_close(servers->storage[i]);
    for (int i = SERVERS; i--;)
        fake_host_free(servers->host[i]);
    remove_folder(servers->folder);
    free(servers);
}

json_t *store_read(struct two_servers *servers, const char *set, const char *id)
{
    struct fake_host *host = servers->host[0];
    json_t *doc = NULL;

    (void)host->table.store->get(fake_host_ctx(host), set, id, &doc, NULL);
    return doc;
}

uint64_t store_count(struct two_servers *servers, const char *set)
{
    struct fake_host *host = servers->host[0];
    uint64_t found = 0;

    assert_int_equal(host->table.store->tally(fake_host_ctx(host), set, NULL, &found, NULL), 0);
    return found;
}

void store_put(struct two_servers *servers, const char *set, const char *id, const json_t *doc)
{
    struct fake_host *host = servers->host[0];

    assert_int_equal(
        host->table.store->put(fake_host_ctx(host), set, id, EIN_REV_ANY, doc, NULL, NULL), 0);
}

void store_del(struct two_servers *servers, const char *set, const char *id)
{
    struct fake_host *host = servers->host[0];

    assert_int_equal(host->table.store->del(fake_host_ctx(host), set, id, EIN_REV_ANY, NULL), 0);
}
