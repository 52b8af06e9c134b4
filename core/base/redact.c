/* SPDX-License-Identifier: Apache-2.0 */
#include "redact.h"
#include "buf.h"
#include "str.h"
#include <stdint.h>
#include <string.h>

/* Two things give a secret away: its own shape (tokens[]) and the name before it (names[]).
 * What is scanned and then kept is bounded by LOOK_AHEAD, so the time stays linear. */

enum { LOOK_AHEAD = 64 };

enum {
    LOOK = 1 << 0,   /* may begin a secret, or stand before one */
    UPPER = 1 << 1,  /* capital letters, digits */
    ALNUM = 1 << 2,  /* letters, digits */
    TOKEN = 1 << 3,  /* those, '_' and '-' */
    BEARER = 1 << 4, /* those, and ".~+/=": a bearer token (RFC 6750) */
    WORD = 1 << 5,   /* letters, '_' and '.': an expression of a program */
    SPACE = 1 << 6,
    STOP = 1 << 7, /* ends a value that has no quotes */
};

#define LOWER_CASE (ALNUM | TOKEN | BEARER | WORD)
#define UPPER_CASE (LOWER_CASE | UPPER)

__extension__ static const unsigned char classes[256] = {
    ['0' ... '9'] = UPPER | ALNUM | TOKEN | BEARER,
    ['C' ... 'Z'] = UPPER_CASE,
    ['A' ... 'B'] = UPPER_CASE | LOOK,
    ['a'] = LOWER_CASE,
    ['b'] = LOWER_CASE | LOOK,
    ['c' ... 'd'] = LOWER_CASE,
    ['e'] = LOWER_CASE | LOOK,
    ['f'] = LOWER_CASE,
    ['g' ... 'h'] = LOWER_CASE | LOOK,
    ['i' ... 'o'] = LOWER_CASE,
    ['p'] = LOWER_CASE | LOOK,
    ['q' ... 'r'] = LOWER_CASE,
    ['s'] = LOWER_CASE | LOOK,
    ['t' ... 'w'] = LOWER_CASE,
    ['x' ... 'y'] = LOWER_CASE | LOOK,
    ['z'] = LOWER_CASE,
    ['_'] = TOKEN | BEARER | WORD,
    ['-'] = TOKEN | BEARER | LOOK,
    ['.'] = BEARER | WORD,
    ['~'] = BEARER,
    ['+'] = BEARER,
    ['/'] = BEARER,
    ['='] = BEARER | LOOK,
    [':'] = LOOK,
    [' '] = SPACE | STOP,
    ['\t' ... '\r'] = SPACE | STOP,
    ['&'] = STOP,
    [','] = STOP,
    [';'] = STOP,
    ['"'] = STOP,
    ['\''] = STOP,
    ['`'] = STOP,
    ['<'] = STOP,
    ['>'] = STOP,
    ['('] = STOP,
    [')'] = STOP,
    ['{'] = STOP,
    ['}'] = STOP,
    ['['] = STOP,
    [']'] = STOP,
    ['\\'] = STOP,
    ['|'] = STOP,
};

struct scan {
    const char *text;
    size_t len;
    struct secret *found;
};

static bool is(const struct scan *s, size_t at, unsigned mask)
{
    return at < s->len && classes[(unsigned char)s->text[at]] & mask;
}

static bool is_char(const struct scan *s, size_t at, char c)
{
    return at < s->len && s->text[at] == c;
}

/* The end of the run of `mask` at `at`, looking at no more than `most` characters. */
static size_t run_end(const struct scan *s, size_t at, unsigned mask, size_t most)
{
    while (most-- > 0 && is(s, at, mask))
        at++;
    return at;
}

static bool has_digit(const struct scan *s, size_t at, size_t end)
{
    for (; at < end; at++)
        if (s->text[at] >= '0' && s->text[at] <= '9')
            return true;
    return false;
}

static bool starts(const struct scan *s, size_t at, const char *word)
{
    size_t len = strlen(word);

    return at <= s->len && s->len - at >= len && memcmp(s->text + at, word, len) == 0;
}

static bool starts_in_any_case(const struct scan *s, size_t at, const char *word)
{
    for (; *word; word++, at++)
        if (at >= s->len || (s->text[at] != *word && (s->text[at] | 0x20) != *word))
            return false;
    return true;
}

/* Text that was redacted before stays as it is. */
static bool found(struct scan *s, size_t start, size_t end, const char *kind)
{
    if (end <= start || starts(s, start, "[REDACTED:"))
        return false;
    *s->found = (struct secret){ start, end, kind };
    return true;
}

/* ---- secrets with a shape of their own ---- */

static const struct {
    const char *prefix, *kind;
    unsigned mask;
    unsigned char min, exact; /* characters after the prefix; exact 0: min or more */
    bool digit;               /* has one among them */
} tokens[] = {
    { "sk-ant-", "anthropic_key", TOKEN, 12 },
    { "sk-or-", "openrouter_key", TOKEN, 12, .digit = true },
    { "sk-", "openai_key", TOKEN, 16, .digit = true },
    { "AIza", "google_key", TOKEN, 30 },
    { "ya29.", "google_token", TOKEN, 20 },
    { "ghp_", "github_token", ALNUM, 20 },
    { "gho_", "github_token", ALNUM, 20 },
    { "ghs_", "github_token", ALNUM, 20 },
    { "ghu_", "github_token", ALNUM, 20 },
    { "ghr_", "github_token", ALNUM, 20 },
    { "github_pat_", "github_token", TOKEN, 20 },
    { "xoxa-", "slack_token", TOKEN, 10, .digit = true },
    { "xoxb-", "slack_token", TOKEN, 10, .digit = true },
    { "xoxp-", "slack_token", TOKEN, 10, .digit = true },
    { "xoxr-", "slack_token", TOKEN, 10, .digit = true },
    { "xoxs-", "slack_token", TOKEN, 10, .digit = true },
    { "AKIA", "aws_key", UPPER, .exact = 16 },
    { "ASIA", "aws_key", UPPER, .exact = 16 },
    { "pplx-", "perplexity_key", ALNUM, 20 },
    { "hf_", "huggingface_token", ALNUM, 20 },
    { "ein_", "einion_key", TOKEN, 20, .digit = true },
    { "eink_", "einion_key", TOKEN, 40 }, /* a whole one; and one that was cut off: */
    { "eink_", "einion_key", TOKEN, 16, .digit = true },
};
enum { TOKENS = sizeof(tokens) / sizeof(tokens[0]) };

static bool match_token(struct scan *s, size_t at, size_t row)
{
    size_t body = at + strlen(tokens[row].prefix), end;

    if (!starts(s, at, tokens[row].prefix))
        return false;
    end = run_end(s, body, tokens[row].mask, LOOK_AHEAD);
    if (end - body < tokens[row].min || (tokens[row].digit && !has_digit(s, body, end)))
        return false;
    if (tokens[row].exact && (end - body != tokens[row].exact || is(s, end, TOKEN)))
        return false;
    return found(s, at, run_end(s, end, tokens[row].mask, SIZE_MAX), tokens[row].kind);
}

/* header.payload.signature, each in base64url, the first beginning with {" */
static bool match_jwt(struct scan *s, size_t at)
{
    size_t end = at;

    if (!starts(s, at, "eyJ") || (at > 0 && is(s, at - 1, TOKEN)))
        return false;
    for (int part = 0; part < 3; part++) {
        size_t start = end;

        end = run_end(s, start, TOKEN, SIZE_MAX);
        if (end - start < 4)
            return false;
        if (part < 2 && !is_char(s, end++, '.'))
            return false;
    }
    return found(s, at, end, "jwt");
}

static bool match_bearer(struct scan *s, size_t at)
{
    size_t start = at + strlen("bearer "), end;

    if (!starts_in_any_case(s, at, "bearer "))
        return false;
    end = run_end(s, start, BEARER, LOOK_AHEAD);
    if (end - start < 20 && !(end - start >= 6 && has_digit(s, start, end)))
        return false;
    return found(s, start, run_end(s, end, BEARER, SIZE_MAX), "bearer_token");
}

static bool match_private_key(struct scan *s, size_t at)
{
    static const char begin[] = "-----BEGIN ", what[] = "PRIVATE KEY", last[] = "-----END ";
    size_t line = at + strlen(begin), stop;
    const char *end;

    if (!starts(s, at, begin))
        return false;
    stop = run_end(s, line, UPPER | SPACE, LOOK_AHEAD);
    if (stop - line < strlen(what) || !starts(s, stop - strlen(what), what))
        return false;

    end = memmem(s->text + stop, s->len - stop, last, strlen(last));
    if (!end)
        return found(s, at, s->len, "private_key"); /* cut off: the rest is key */
    stop = run_end(s, (size_t)(end - s->text) + strlen(last), UPPER | SPACE, LOOK_AHEAD);
    for (int i = 0; i < 5 && is_char(s, stop, '-'); i++)
        stop++;
    return found(s, at, stop, "private_key");
}

/* The password of scheme://user:password@host; `at` is at the first colon. */
static bool match_url(struct scan *s, size_t at)
{
    size_t colon = 0, sign = 0;

    if (!starts(s, at, "://"))
        return false;
    for (size_t i = at + 3; i < s->len && !is(s, i, SPACE) && !strchr("/?#\"'<>\\", s->text[i]);
         i++) {
        if (s->text[i] == ':' && !colon)
            colon = i;
        else if (s->text[i] == '@')
            sign = i;
    }
    return colon && sign > colon && found(s, colon + 1, sign, "url_password");
}

/* ---- secrets with a name before them ---- */

static const struct {
    const char *end, *kind; /* the end of the name, in small letters without '_' and '-' */
} names[] = {
    { "password", "password" },
    { "passwd", "password" },
    { "passphrase", "password" },
    { "pwd", "password" },
    { "apikey", "api_key" },
    { "secretkey", "secret" },
    { "accesskey", "secret" },
    { "privatekey", "private_key" },
    { "secret", "secret" },
    { "token", "token" },
    { "authorization", "authorization" },
    { "sessionid", "session" },
    { "gofannonsid", "session" },
};
enum { NAMES = sizeof(names) / sizeof(names[0]), NAME_LONGEST = 15 };

const char *redact_kind_of(const char *name, size_t len)
{
    char end[NAME_LONGEST + 1];
    size_t at = NAME_LONGEST;

    end[at] = '\0';
    while (len > 0 && at > 0) {
        char c = name[--len];

        if (c != '_' && c != '-')
            end[--at] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    for (size_t i = 0; i < NAMES; i++)
        if (str_ends(end + at, names[i].end))
            return names[i].kind;
    return NULL;
}

/* The kind that the name before the sign at `at` tells, as in  name=  "name":  \"name\":  name = */
static const char *kind_before(const struct scan *s, size_t at)
{
    size_t end = at, start;

    for (int i = 0; i < 4 && end > 0 && is(s, end - 1, SPACE); i++)
        end--;
    if (end > 0 && (s->text[end - 1] == '"' || s->text[end - 1] == '\''))
        end--;
    if (end > 0 && s->text[end - 1] == '\\')
        end--;
    start = end;
    while (start > 0 && end - start < LOOK_AHEAD && is(s, start - 1, TOKEN))
        start--;
    return end > start ? redact_kind_of(s->text + start, end - start) : NULL;
}

/* The closing quote, as it is or with a backslash before it; or the end of the line. */
static size_t quoted_end(const struct scan *s, size_t at, char quote, bool is_escaped)
{
    while (at < s->len && s->text[at] != '\n' && s->text[at] != quote) {
        if (s->text[at] == '\\' && is_escaped && is_char(s, at + 1, quote))
            return at;
        at += s->text[at] == '\\' && at + 1 < s->len ? 2 : 1;
    }
    return at;
}

static bool is_constant(const struct scan *s, size_t at, size_t end)
{
    static const char *const words[] = { "null", "None",  "nil",   "undefined", "true",
                                         "True", "false", "False", "str",       "string" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strlen(words[i]) == end - at && memcmp(s->text + at, words[i], end - at) == 0)
            return true;
    return false;
}

static bool ends_line(const struct scan *s, size_t at)
{
    for (int i = 0; i < 4 && (is_char(s, at, ' ') || is_char(s, at, '\t') || is_char(s, at, '\r'));
         i++)
        at++;
    return at == s->len || s->text[at] == '\n';
}

/* Is the bare word [at, end) after a name a secret, or a piece of prose or of a program? */
static bool is_secret_word(const struct scan *s, size_t at, size_t end, bool is_password,
                           bool is_tight)
{
    bool is_plain = run_end(s, at, WORD, LOOK_AHEAD) == end;
    bool is_name = is_plain || run_end(s, at, WORD | ALNUM, LOOK_AHEAD) == end;
    bool is_one_word = run_end(s, at, ALNUM, LOOK_AHEAD) == end;

    if (is_constant(s, at, end) || (is_name && is_char(s, end, '(')))
        return false;
    if (!is_password && end - at < 8 && run_end(s, at, UPPER, LOOK_AHEAD) == end)
        return false; /* a count */
    if (!is_plain || (is_one_word && end - at >= 20))
        return true;
    if (is_tight)
        return !is_char(s, end, ')') && !is_char(s, end, ',') && !is_char(s, end, '[');
    return is_password && is_one_word && ends_line(s, end);
}

/* "Basic dXNlcjpwYXNz", "Bearer x": the scheme may be seen. */
static size_t skip_scheme(const struct scan *s, size_t at, const char **kind)
{
    static const char *const schemes[] = { "bearer ",    "basic ", "digest ",
                                           "negotiate ", "token ", "apikey " };

    if (strcmp(*kind, "authorization") != 0)
        return at;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (!starts_in_any_case(s, at, schemes[i]))
            continue;
        if (i == 0)
            *kind = "bearer_token";
        return at + strlen(schemes[i]);
    }
    return at;
}

static bool match_bare(struct scan *s, size_t sign, size_t start, const char *kind)
{
    size_t value = skip_scheme(s, start, &kind), end = value;
    bool is_password = strcmp(kind, "password") == 0 || value > start;
    bool is_tight = s->text[sign] == '=' && start == sign + 1;

    if (is_char(s, value, '=') || is_char(s, value, ':') || starts(s, value, "//"))
        return false; /* a comparison, a path */
    while (end < s->len && !is(s, end, STOP))
        end++;
    return end > value && is_secret_word(s, value, end, is_password, is_tight) &&
           found(s, value, end, kind);
}

static bool match_named(struct scan *s, size_t sign)
{
    const char *kind = kind_before(s, sign);
    size_t start = sign + 1;
    bool is_escaped;
    char quote;

    if (!kind)
        return false;
    while (start - sign < 5 && (is_char(s, start, ' ') || is_char(s, start, '\t')))
        start++;

    is_escaped = is_char(s, start, '\\');
    if (!is_char(s, start + is_escaped, '"') && !is_char(s, start + is_escaped, '\''))
        return match_bare(s, sign, start, kind);

    quote = s->text[start + is_escaped];
    start = skip_scheme(s, start + is_escaped + 1, &kind);
    return !starts(s, start, "[REDACTED:") &&
           found(s, start, quoted_end(s, start, quote, is_escaped), kind);
}

/* ---- */

static bool match_at(struct scan *s, size_t at)
{
    char c = s->text[at];

    if (c == '=')
        return match_named(s, at);
    if (c == ':')
        return match_url(s, at) || match_named(s, at);
    if (c == '-')
        return match_private_key(s, at);
    if (at > 0 && is(s, at - 1, ALNUM))
        return false; /* in the middle of a word */
    if (c == 'b' || c == 'B')
        return match_bearer(s, at);
    if (c == 'e' && match_jwt(s, at))
        return true;
    for (size_t row = 0; row < TOKENS; row++)
        if (tokens[row].prefix[0] == c && match_token(s, at, row))
            return true;
    return false;
}

bool redact_find(const char *text, size_t len, size_t from, struct secret *ret_secret)
{
    struct scan s = { text, len, ret_secret };

    for (size_t at = from; at < len; at++)
        if (classes[(unsigned char)text[at]] & LOOK && match_at(&s, at))
            return true;
    return false;
}

char *redact(const char *text, size_t len, size_t *ret_len)
{
    struct secret secret;
    struct buf out;
    size_t at = 0;

    buf_init(&out, SIZE_MAX / 2);
    while (redact_find(text, len, at, &secret)) {
        (void)buf_add(&out, text + at, secret.start - at);
        (void)buf_printf(&out, "[REDACTED:%s]", secret.kind);
        at = secret.end;
    }
    (void)buf_add(&out, text + at, len - at);
    return buf_take(&out, ret_len);
}
