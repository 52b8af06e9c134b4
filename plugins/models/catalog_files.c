/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog_files.h"

#include "cleanup.h"
#include "error.h"
#include "file_text.h"
#include "hash.h"
#include "resolve.h"
#include "str.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* ---- one file ---- */

/* Whose the prices are, where a file does not say: its own. */
static void name_source(const char *name, json_t *model)
{
    const char *slash = strrchr(name, '/');
    json_t *price = json_object_get(model, "price");

    if (json_is_object(price) && !json_object_get(price, "source"))
        (void)json_object_set_new(price, "source", json_string(slash ? slash + 1 : name));
}

static void name_sources(const char *name, const json_t *file)
{
    const char *of_provider, *id;
    json_t *provider, *model;

    json_object_foreach(json_object_get(file, "providers"), of_provider, provider)
    {
        name_source(name, json_object_get(provider, "defaults"));
        json_object_foreach(json_object_get(provider, "models"), id, model)
            name_source(name, model);
    }
}

int files_add_text(const char *name, const char *text, size_t len, const json_t *catalog,
                   json_t **ret_catalog, struct ein_error *err)
{
    struct ein_error why = { 0 };
    struct check check = { .err = &why };
    EIN_JSON json_t *file = NULL;
    EIN_JSON json_t *lines = NULL;
    EIN_JSON json_t *merged = NULL;
    EIN_JSON json_t *resolved = NULL;
    int r = yaml_parse(name, text, len, &file, &lines, err);

    if (r < 0)
        return r;
    if (json_is_null(file)) {
        *ret_catalog = catalog ? json_incref((json_t *)catalog) : json_object();
        return 0;
    }
    name_sources(name, file);
    r = catalog_merge(&check, catalog, file, &merged);
    if (r >= 0)
        r = catalog_resolve(&check, merged, NULL, &resolved);
    if (r < 0)
        return error_set(err, r, "%s:%lld: %s%s%s", name,
                         (long long)yaml_line_of(lines, check.path), check.path,
                         *check.path ? ": " : "", why.text);
    *ret_catalog = EIN_TAKE(merged);
    return 0;
}

int files_add(const char *path, size_t max_bytes, const json_t *catalog, json_t **ret_catalog,
              struct ein_error *err)
{
    EIN_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t len = 0;
    EIN_FREE char *text = file_text_of(fd, max_bytes, &len);

    if (!text && errno == EFBIG)
        return error_set(err, EIN_E_TOO_LARGE, "%s: is larger than max_file_bytes, %zu", path,
                         max_bytes);
    if (!text)
        return error_set(err, EIN_E_INVALID, "%s: cannot be read: %s", path,
                         strerrordesc_np(errno));
    return files_add_text(path, text, len, catalog, ret_catalog, err);
}

/* ---- a folder ---- */

static int is_file(const struct dirent *entry)
{
    static const char *const ends[] = { ".yaml", ".yml", ".json" };
    const char *dot = strrchr(entry->d_name, '.');

    for (size_t i = 0; dot && *entry->d_name != '.' && i < sizeof(ends) / sizeof(ends[0]); i++)
        if (strcmp(dot, ends[i]) == 0)
            return 1;
    return 0;
}

static void drop_names(struct dirent **names, int count)
{
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static int add_named(const char *folder, const char *name, size_t max_bytes, json_t **catalog,
                     struct ein_error *err)
{
    EIN_FREE char *path = str_print("%s/%s", folder, name);
    json_t *added;
    int r = path ? files_add(path, max_bytes, *catalog, &added, err) : error_no_memory(err);

    if (r < 0)
        return r;
    json_decref(*catalog);
    *catalog = added;
    return 0;
}

int files_add_folder(const char *path, const struct file_limits *limits, const json_t *catalog,
                     json_t **ret_catalog, struct ein_error *err)
{
    EIN_JSON json_t *added = json_incref((json_t *)catalog);
    struct dirent **names;
    int count = scandir(path, &names, is_file, alphasort), r = 0;

    if (count < 0)
        return error_set(err, EIN_E_INVALID, "%s: cannot be read: %s", path,
                         strerrordesc_np(errno));
    if ((size_t)count > limits->max_files)
        r = error_set(err, EIN_E_TOO_LARGE, "%s: has more files than max_files, %zu", path,
                      limits->max_files);
    for (int i = 0; r >= 0 && i < count; i++)
        r = add_named(path, names[i]->d_name, limits->max_bytes, &added, err);
    drop_names(names, count);
    if (r >= 0)
        *ret_catalog = EIN_TAKE(added);
    return r;
}

static uint64_t print_file(uint64_t print, int folder, const char *name)
{
    struct stat about = { 0 };

    print = hash_fnv(print, name, strlen(name) + 1);
    if (fstatat(folder, name, &about, 0) < 0)
        return print;
    print = hash_fnv(print, &about.st_ino, sizeof(about.st_ino));
    print = hash_fnv(print, &about.st_size, sizeof(about.st_size));
    print = hash_fnv(print, &about.st_mtim.tv_sec, sizeof(about.st_mtim.tv_sec));
    return hash_fnv(print, &about.st_mtim.tv_nsec, sizeof(about.st_mtim.tv_nsec));
}

uint64_t files_print(const char *path)
{
    EIN_CLOSE int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct dirent **names;
    uint64_t print = HASH_FNV_START;
    int count = folder < 0 ? -1 : scandir(path, &names, is_file, alphasort);

    if (count < 0)
        return 0;
    for (int i = 0; i < count; i++)
        print = print_file(print, folder, names[i]->d_name);
    drop_names(names, count);
    return print;
}
