/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "config.h"
#include "config_source.h"
#include "file_text.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { NESTED_MAX = 8, SECRET_MAX = 65536, NAME_LEN_MAX = 128 };

/* ---- secrets ---- */

static char *secret_file(const char *path)
{
    size_t len;
    char *text = file_text(path, SECRET_MAX, &len);

    if (!text)
        return NULL;
    if (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    if (len > 0 && text[len - 1] == '\r')
        text[--len] = '\0';
    return text;
}

char *config_secret(const char *name)
{
    const char *value = getenv(name), *folder = getenv("CREDENTIALS_DIRECTORY"), *file;
    char other[NAME_LEN_MAX + sizeof("_FILE")];
    EIN_FREE char *path = NULL;
    char *found = NULL;

    if (value && *value)
        return strdup(value);
    if (strlen(name) > NAME_LEN_MAX || strchr(name, '/'))
        return NULL;

    (void)snprintf(other, sizeof(other), "%s_FILE", name);
    file = getenv(other);
    if (file && *file)
        found = secret_file(file);
    else if (folder && asprintf(&path, "%s/%s", folder, name) >= 0)
        found = secret_file(path);
    return found || !value ? found : strdup(value);
}

/* ---- ${NAME} ---- */

struct expansion {
    struct buf out;
    char *why;
    int depth;
};

static bool fail(struct expansion *e, const char *why, const char *name)
{
    (void)snprintf(e->why, CONFIG_WHY_MAX, why, name);
    return false;
}

static size_t name_len(const char *text, size_t len)
{
    size_t i = 0;

    while (i < len && (isalnum((unsigned char)text[i]) || text[i] == '_'))
        i++;
    return i > 0 && !isdigit((unsigned char)text[0]) ? i : 0;
}

/* The '}' of the '${' before text, over those of inner ones; len if it is missing. */
static size_t closing(const char *text, size_t len)
{
    int open = 1;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '$' && i + 1 < len && (text[i + 1] == '{' || text[i + 1] == '$')) {
            open += text[i + 1] == '{';
            i++;
        } else if (text[i] == '}' && --open == 0) {
            return i;
        }
    }
    return len;
}

static bool expand_text(struct expansion *e, const char *text, size_t len);

/* What is between the braces. */
static bool expand_name(struct expansion *e, const char *text, size_t len)
{
    size_t end = name_len(text, len);
    char name[NAME_LEN_MAX + 1];
    EIN_FREE char *value = NULL;

    if (end == 0 || end > NAME_LEN_MAX || (end < len && strncmp(text + end, ":-", 2) != 0))
        return fail(e, "${%s} is not ${NAME} or ${NAME:-otherwise}", "...");
    memcpy(name, text, end);
    name[end] = '\0';

    value = config_secret(name);
    if (value && (*value || end == len))
        return buf_text(&e->out, value) == 0 || fail(e, "${%s} makes the value too long", name);
    if (end == len)
        return fail(e, "${%s} is not set in the environment", name);
    return expand_text(e, text + end + 2, len - end - 2);
}

static bool expand_text(struct expansion *e, const char *text, size_t len)
{
    bool ok = true;

    if (++e->depth > NESTED_MAX)
        return fail(e, "${%s} is nested too deeply", "...");
    for (size_t i = 0; i < len && ok; i++) {
        char next = i + 1 < len ? text[i + 1] : '\0';

        if (text[i] == '$' && next == '{') {
            size_t end = closing(text + i + 2, len - i - 2);

            if (end == len - i - 2)
                return fail(e, "%s has no '}'", "'${'");
            ok = expand_name(e, text + i + 2, end);
            i += end + 2;
        } else {
            i += text[i] == '$' && next == '$';
            ok = buf_char(&e->out, text[i]) == 0 || fail(e, "%s is too long", "the value");
        }
    }
    e->depth--;
    return ok;
}

char *expand(const char *text, size_t len, char ret_why[CONFIG_WHY_MAX])
{
    struct expansion e = { .why = ret_why };
    char *result;

    buf_init(&e.out, CONFIG_FILE_MAX);
    if (!expand_text(&e, text, len)) {
        buf_done(&e.out);
        return NULL;
    }
    result = buf_take(&e.out, NULL);
    if (!result)
        (void)fail(&e, "%s", "no memory");
    return result;
}
