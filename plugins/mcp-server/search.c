/* SPDX-License-Identifier: Apache-2.0 */
#include "search.h"

#include "catalog.h"
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "tool.h"

#include <string.h>

enum {
    WORDS_MAX = 16,
    WORD_SIZE = 64,  /* with the NUL; what is longer is cut */
    PAGE = 100,      /* agents that are looked at in one go */
    NAME_WORTH = 3,  /* a word in a name is worth so many in a description */
    FIELD_WORTH = 1, /* in the name of a field */
};

struct words {
    char words[WORDS_MAX][WORD_SIZE];
    size_t count;
};

static void split(const char *query, struct words *words)
{
    static const char between[] = " \t\r\n,.;:!?()\"'";

    while (words->count < WORDS_MAX) {
        query += strspn(query, between);
        size_t len = strcspn(query, between), kept = len < WORD_SIZE ? len : WORD_SIZE - 1;

        if (len == 0)
            return;
        memcpy(words->words[words->count++], query, kept);
        query += len;
    }
}

static json_int_t worth_of(const struct words *words, const char *text, json_int_t each)
{
    json_int_t worth = 0;

    for (size_t i = 0; text && i < words->count; i++)
        worth += strcasestr(text, words->words[i]) ? each : 0;
    return worth;
}

static json_int_t rate(const struct words *words, const json_t *entry)
{
    const json_t *agent = json_object_get(entry, "agent");
    const char *field;
    json_t *type;
    json_int_t worth = worth_of(words, text_of(entry, "name"), NAME_WORTH) +
                       worth_of(words, text_of(agent, "name"), NAME_WORTH) +
                       worth_of(words, text_of(agent, "description"), 2) +
                       worth_of(words, text_of(agent, "docstring"), 1);

    json_object_foreach(json_object_get(agent, "inputSchema"), field, type)
    {
        worth += worth_of(words, field, FIELD_WORTH);
    }
    return words->count == 0 ? 1 : worth;
}

/* BEST holds {"worth", "tool"}, the best first; of equals the earlier one. */
static int keep(const struct turn *turn, const struct words *words, const json_t *entry,
                size_t limit, json_t *best)
{
    json_int_t worth = rate(words, entry);
    size_t at = json_array_size(best);

    while (at > 0 && integer_of(json_array_get(best, at - 1), "worth") < worth)
        at--;
    if (worth == 0 || at >= limit)
        return 0;
    if (json_array_insert_new(best, at,
                              json_pack("{s:I, s:o}", "worth", worth, "tool",
                                        tool_of(entry, turn->server->short_bytes))) < 0)
        return -1;
    return json_array_size(best) > limit ? json_array_remove(best, limit) : 0;
}

static int look_through(const struct turn *turn, const struct words *words, size_t limit,
                        json_t *best, json_int_t *ret_total, struct ein_error *err)
{
    char *cursor = NULL;
    int r;

    do {
        EIN_JSON json_t *page = NULL;
        const json_t *entry;
        char *next = NULL;
        size_t i;

        r = catalog_page(turn, PAGE, cursor, false, &page, &next, err);
        turn->server->host->mem_free(cursor);
        cursor = next;
        *ret_total += (json_int_t)json_array_size(page);
        json_array_foreach(page, i, entry)
        {
            if (r >= 0 && keep(turn, words, entry, limit, best) < 0)
                r = error_no_memory(err);
        }
    } while (r >= 0 && cursor);
    turn->server->host->mem_free(cursor);
    return r;
}

int search_agents(const struct turn *turn, const json_t *arguments, json_t **ret_found,
                  struct ein_error *err)
{
    const char *query = text_of(arguments, "query");
    json_int_t wanted = integer_of(arguments, "limit");
    size_t limit = turn->server->found_max, i;
    EIN_JSON json_t *best = json_array();
    EIN_JSON json_t *tools = json_array();
    struct words words = { .count = 0 };
    const json_t *one;
    json_int_t total = 0;

    split(query ? query : "", &words);
    if (wanted > 0 && (uint64_t)wanted < limit)
        limit = (size_t)wanted;
    int r =
        best && tools ? look_through(turn, &words, limit, best, &total, err) : error_no_memory(err);
    if (r < 0)
        return r;
    json_array_foreach(best, i, one)
    {
        (void)json_array_append(tools, json_object_get(one, "tool")); /* one less */
    }
    *ret_found = json_pack("{s:O, s:I}", "agents", tools, "total", total);
    return *ret_found ? 0 : error_no_memory(err);
}
