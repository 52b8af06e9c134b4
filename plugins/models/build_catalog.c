/* SPDX-License-Identifier: Apache-2.0 */
/* build_catalog CATALOG EXCLUSIVE CONTEXT_WINDOWS FILE...: the catalog of these files, checked, and
 * what is derived from it, as JSON, or as rows of a table in C.  Runs when the server is built. */
#include "catalog_files.h"
#include "cleanup.h"
#include "resolve.h"

#include <stdio.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, OUTPUTS = 3 };

static int write_json(const char *path, const json_t *json)
{
    return json ? json_dump_file(json, path, JSON_COMPACT | JSON_REAL_PRECISION(15)) : -1;
}

static int write_rows(const char *path, const json_t *rows)
{
    FILE *file = fopen(path, "w");
    size_t i;
    json_t *row;

    if (!file)
        return -1;
    json_array_foreach(rows, i, row)
    {
        EIN_FREE char *text = json_dumps(row, 0);

        (void)fprintf(file, "{%.*s},\n", (int)strlen(text) - 2, text + 1);
    }
    return fclose(file);
}

static int build(char **outputs, const json_t *catalog)
{
    struct check check = { .err = NULL };
    EIN_JSON json_t *resolved = NULL;

    if (catalog_resolve(&check, catalog, NULL, &resolved) < 0)
        return -1;
    EIN_JSON json_t *exclusive = catalog_exclusive(resolved);
    EIN_JSON json_t *windows = catalog_context_windows(resolved);
    if (write_json(outputs[0], catalog) < 0 || write_rows(outputs[1], exclusive) < 0)
        return -1;
    return write_json(outputs[2], windows);
}

int main(int argc, char **argv)
{
    EIN_JSON json_t *catalog = json_object();
    struct ein_error err;

    for (int i = 1 + OUTPUTS; i < argc; i++) {
        json_t *added;

        if (files_add(argv[i], FILE_MAX, catalog, &added, &err) < 0) {
            (void)fprintf(stderr, "%s\n", err.text);
            return EXIT_FAILURE;
        }
        json_decref(catalog);
        catalog = added;
    }
    return argc > OUTPUTS && build(argv + 1, catalog) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
