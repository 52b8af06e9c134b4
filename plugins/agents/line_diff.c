/* SPDX-License-Identifier: Apache-2.0 */
#include "line_diff.h"

#include "cleanup.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    AROUND = 3,         /* lines that are shown before and after a change */
    CELLS_MAX = 1 << 22 /* of the table; above it the differing middle is replaced as a whole */
};

struct line {
    const char *text;
    size_t len;
};

struct lines {
    struct line *all; /* free() */
    size_t count;
};

/* One line of the script that makes the one text from the other. */
struct step {
    char mark; /* ' ', '-', '+' */
    struct line line;
};

struct script {
    struct step *steps; /* free() */
    size_t count;
};

static int split(const char *text, struct lines *ret)
{
    size_t count = 0;

    for (const char *c = text; *c; c++)
        count += *c == '\n';
    ret->all = calloc(count + 1, sizeof(*ret->all));
    if (!ret->all)
        return -1;
    ret->count = 0;
    while (*text) {
        size_t len = strcspn(text, "\n");

        ret->all[ret->count++] = (struct line){ text, len };
        text += len + (text[len] == '\n');
    }
    return 0;
}

static bool same(const struct line *one, const struct line *other)
{
    return one->len == other->len && memcmp(one->text, other->text, one->len) == 0;
}

static void add(struct script *script, char mark, const struct line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        script->steps[script->count++] = (struct step){ mark, lines[i] };
}

/* table[i][j]: how many lines the rests of FROM from i and of TO from j have in common. */
static void fill(uint32_t *table, const struct lines *from, const struct lines *to)
{
    size_t width = to->count + 1;

    for (size_t i = from->count; i-- > 0;)
        for (size_t j = to->count; j-- > 0;) {
            uint32_t *cell = &table[i * width + j];
            uint32_t below = cell[width], right = cell[1];

            *cell = below > right ? below : right;
            if (same(&from->all[i], &to->all[j]))
                *cell = cell[width + 1] + 1;
        }
}

static int add_middle(struct script *script, const struct lines *from, const struct lines *to)
{
    size_t width = to->count + 1, i = 0, j = 0;
    EIN_FREE uint32_t *table = NULL;

    if ((from->count + 1) * width <= CELLS_MAX) {
        table = calloc((from->count + 1) * width, sizeof(*table));
        if (!table)
            return -1;
        fill(table, from, to);
    }
    while (table && i < from->count && j < to->count) {
        const uint32_t *cell = &table[i * width + j];

        if (same(&from->all[i], &to->all[j])) {
            add(script, ' ', &from->all[i++], 1);
            j++;
        } else if (cell[width] >= cell[1]) {
            add(script, '-', &from->all[i++], 1);
        } else {
            add(script, '+', &to->all[j++], 1);
        }
    }
    add(script, '-', from->all + i, from->count - i);
    add(script, '+', to->all + j, to->count - j);
    return 0;
}

/* What both begin and end with needs no table. */
static int make_script(const struct lines *from, const struct lines *to, struct script *script)
{
    size_t least = from->count < to->count ? from->count : to->count;
    size_t head = 0, tail = 0;

    while (head < least && same(&from->all[head], &to->all[head]))
        head++;
    while (tail < least - head &&
           same(&from->all[from->count - 1 - tail], &to->all[to->count - 1 - tail]))
        tail++;

    const struct lines from_middle = { from->all + head, from->count - head - tail };
    const struct lines to_middle = { to->all + head, to->count - head - tail };
    add(script, ' ', from->all, head);
    if (add_middle(script, &from_middle, &to_middle) < 0)
        return -1;
    add(script, ' ', from->all + from->count - tail, tail);
    return 0;
}

/* ---- pieces ---- */

/* The end of the piece that begins at or before the change FIRST. */
static size_t piece_end(const struct script *script, size_t first)
{
    size_t last = first;

    for (size_t i = first; i < script->count && i <= last + 2 * AROUND + 1; i++)
        if (script->steps[i].mark != ' ')
            last = i;
    return last + AROUND + 1 < script->count ? last + AROUND + 1 : script->count;
}

/* How many of the steps are lines of the text that MARK stands for. */
static size_t lines_in(const struct script *script, size_t begin, size_t end, char mark)
{
    size_t count = 0;

    for (size_t i = begin; i < end; i++)
        count += script->steps[i].mark == ' ' || script->steps[i].mark == mark;
    return count;
}

static int show_piece(const struct script *script, size_t begin, size_t end, json_t *shown)
{
    size_t from = lines_in(script, begin, end, '-'), to = lines_in(script, begin, end, '+');
    int r = json_array_append_new(
        shown, json_sprintf("@@ -%zu,%zu +%zu,%zu @@", lines_in(script, 0, begin, '-') + (from > 0),
                            from, lines_in(script, 0, begin, '+') + (to > 0), to));

    for (size_t i = begin; r == 0 && i < end; i++) {
        const struct step *step = &script->steps[i];

        r = json_array_append_new(
            shown, json_sprintf("%c%.*s", step->mark, (int)step->line.len, step->line.text));
    }
    return r;
}

static json_t *show(const struct script *script)
{
    EIN_JSON json_t *shown = json_array();
    size_t end = 0;

    for (size_t i = 0; shown && i < script->count; i++) {
        if (i < end || script->steps[i].mark == ' ')
            continue;
        size_t begin = i - end > AROUND ? i - AROUND : end;

        end = piece_end(script, i);
        if (show_piece(script, begin, end, shown) < 0)
            return NULL;
    }
    return EIN_TAKE(shown);
}

json_t *line_diff(const char *from, const char *to)
{
    struct lines from_lines = { 0 }, to_lines = { 0 };
    struct script script = { 0 };
    json_t *shown = NULL;

    if (split(from, &from_lines) == 0 && split(to, &to_lines) == 0) {
        script.steps = calloc(from_lines.count + to_lines.count + 1, sizeof(*script.steps));
        if (script.steps && make_script(&from_lines, &to_lines, &script) == 0)
            shown = show(&script);
    }
    free(from_lines.all);
    free(to_lines.all);
    free(script.steps);
    return shown;
}
