/* SPDX-License-Identifier: Apache-2.0 */
#include "client_url.h"

#include "cleanup.h"
#include "client.h"
#include "error.h"
#include "str.h"
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

static char *part(CURLU *parsed, CURLUPart which, unsigned flags)
{
    char *curls = NULL, *ours = NULL;

    if (curl_url_get(parsed, which, &curls, flags) == CURLUE_OK)
        ours = strdup(curls);
    curl_free(curls);
    return ours;
}

/* "[fe80::1%25eth0]" -> "fe80::1" */
static void strip_brackets(char *host)
{
    size_t len = strlen(host);

    if (host[0] != '[')
        return;
    memmove(host, host + 1, len);
    host[strcspn(host, "]%")] = '\0';
}

static int take_parts(CURLU *parsed, struct client_url *url)
{
    char *scheme = part(parsed, CURLUPART_SCHEME, 0), *user = part(parsed, CURLUPART_USER, 0),
         *password = part(parsed, CURLUPART_PASSWORD, 0),
         *port = part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    bool http = str_eq_case(scheme, "http"), https = str_eq_case(scheme, "https");
    uint64_t number = 0;

    (void)curl_url_set(parsed, CURLUPART_FRAGMENT, NULL, 0);
    url->text = part(parsed, CURLUPART_URL, 0);
    url->host = part(parsed, CURLUPART_HOST, 0);
    url->tls = https;
    url->has_user = user || password;
    if (port && str_to_u64(port, &number))
        url->port = (uint16_t)number;
    free(scheme);
    free(user);
    free(password);
    free(port);
    if ((!http && !https) || !url->text || !url->host || !*url->host || url->port == 0)
        return EIN_E_INVALID;
    strip_brackets(url->host);
    return 0;
}

static int url_make(const char *base, const char *text, unsigned flags, struct client_url *ret_url,
                    struct ein_error *err)
{
    struct client_url url = { .text = NULL };
    CURLU *parsed;
    CURLUcode code;
    int r;

    if (!text || strnlen(text, CLIENT_URL_MAX + 1) > CLIENT_URL_MAX)
        return error_set(err, EIN_E_INVALID, "the URL is longer than %d bytes", CLIENT_URL_MAX);
    parsed = curl_url();
    if (!parsed)
        return error_no_memory(err);
    code = base ? curl_url_set(parsed, CURLUPART_URL, base, 0) : CURLUE_OK;
    if (code == CURLUE_OK)
        code = curl_url_set(parsed, CURLUPART_URL, text, flags);
    if (code == CURLUE_UNSUPPORTED_SCHEME)
        r = error_set(err, EIN_E_INVALID, "only http and https URLs are fetched");
    else if (code != CURLUE_OK)
        r = error_set(err, EIN_E_INVALID, "not a URL: %s", curl_url_strerror(code));
    else if ((r = take_parts(parsed, &url)) < 0)
        (void)error_set(err, r, "only http and https URLs are fetched");
    curl_url_cleanup(parsed);
    if (r < 0) {
        client_url_done(&url);
        return r;
    }
    *ret_url = url;
    return 0;
}

int client_url_follow(const struct client_url *base, const char *location,
                      struct client_url *ret_url, struct ein_error *err)
{
    return url_make(base->text, location, CURLU_URLENCODE, ret_url, err);
}

void client_url_done(struct client_url *url)
{
    free(url->text);
    free(url->host);
    *url = (struct client_url){ .text = NULL };
}

bool client_url_same_origin(const struct client_url *a, const struct client_url *b)
{
    return a->tls == b->tls && a->port == b->port && str_eq_case(a->host, b->host);
}

/* ---- those that come again ---- */

enum { MEMO_SLOTS = 32, MEMO_TEXT_MAX = 256 };

struct url_memo {
    pthread_mutex_t lock;
    struct {
        char *given; /* NULL: empty */
        struct client_url url;
    } slots[MEMO_SLOTS]; /* guarded by lock */
};

struct url_memo *url_memo_new(void)
{
    struct url_memo *memo = calloc(1, sizeof(*memo));

    if (memo)
        (void)pthread_mutex_init(&memo->lock, NULL);
    return memo;
}

void url_memo_free(struct url_memo *memo)
{
    if (!memo)
        return;
    for (size_t i = 0; i < MEMO_SLOTS; i++) {
        free(memo->slots[i].given);
        client_url_done(&memo->slots[i].url);
    }
    (void)pthread_mutex_destroy(&memo->lock);
    free(memo);
}

static int copy(const struct client_url *url, struct client_url *ret_url)
{
    struct client_url made = *url;

    made.text = strdup(url->text);
    made.host = strdup(url->host);
    if (!made.text || !made.host) {
        client_url_done(&made);
        return EIN_E_NO_MEMORY;
    }
    *ret_url = made;
    return 0;
}

static bool recall(struct url_memo *memo, size_t at, const char *text, struct client_url *ret_url)
{
    EIN_LOCKED(&memo->lock);

    return memo->slots[at].given && str_eq(memo->slots[at].given, text) &&
           copy(&memo->slots[at].url, ret_url) == 0;
}

static void keep(struct url_memo *memo, size_t at, const char *text, const struct client_url *url)
{
    EIN_FREE char *given = strdup(text);
    struct client_url ours;
    EIN_LOCKED(&memo->lock);

    if (!given || copy(url, &ours) < 0)
        return;
    free(memo->slots[at].given);
    client_url_done(&memo->slots[at].url);
    memo->slots[at].given = EIN_TAKE(given);
    memo->slots[at].url = ours;
}

int url_memo_parse(struct url_memo *memo, const char *text, struct client_url *ret_url,
                   struct ein_error *err)
{
    size_t at = text ? str_hash(text) % MEMO_SLOTS : 0;
    bool small = text && strnlen(text, MEMO_TEXT_MAX) < MEMO_TEXT_MAX;
    int r;

    if (small && recall(memo, at, text, ret_url))
        return 0;
    r = url_make(NULL, text, 0, ret_url, err);
    if (r == 0 && small)
        keep(memo, at, text, ret_url);
    return r;
}
