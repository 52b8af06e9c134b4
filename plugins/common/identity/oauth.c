/* SPDX-License-Identifier: Apache-2.0 */
#include "oauth.h"
#include "base64url.h"
#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "member.h"
#include "percent.h"
#include "str.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <strings.h>

enum { SHA256_LEN = 32, WORD_MAX = 64 };

/* ---- queries ---- */

char *oauth_query(const char *base, const struct oauth_param *params, size_t count)
{
    const char *between = !base ? "" : strchr(base, '?') ? "&" : "?";
    struct buf out;
    bool ok;

    buf_init(&out, SIZE_MAX);
    ok = buf_text(&out, base ? base : "") == 0;
    for (size_t i = 0; ok && i < count; i++) {
        EIN_SECRET char *value = params[i].value ? percent_encode(params[i].value, "") : NULL;

        if (!params[i].value)
            continue;
        ok = value && buf_printf(&out, "%s%s=%s", between, params[i].name, value) == 0;
        between = "&";
    }
    EIN_SECRET char *text = buf_take(&out, NULL);
    return ok ? EIN_TAKE(text) : NULL;
}

char *oauth_challenge(const char *verifier)
{
    unsigned char digest[SHA256_LEN];

    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, verifier, strlen(verifier), digest) < 0)
        return NULL;
    return base64url_encode(digest, sizeof(digest));
}

/* ---- addresses ---- */

/* The host of an URL behind its "//": up to a port, a path or the end. */
static bool is_this_machine(const char *host)
{
    static const char *const names[] = { "localhost", "[::1]" };
    size_t len = *host == '[' ? strcspn(host, "]/") + 1 : strcspn(host, ":/?#@");
    char name[INET_ADDRSTRLEN];
    struct in_addr v4;

    if (host[strcspn(host, "@/?#")] == '@')
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i]) == len && strncasecmp(host, names[i], len) == 0)
            return true;
    if (len >= sizeof(name))
        return false;
    memcpy(name, host, len);
    name[len] = '\0';
    return inet_pton(AF_INET, name, &v4) == 1 && ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
}

int oauth_check_url(const char *url, const char *what, bool allow_http, struct ein_error *err)
{
    bool https = strncasecmp(url, "https://", 8) == 0, http = strncasecmp(url, "http://", 7) == 0;

    if (https || (http && (allow_http || is_this_machine(url + 7))))
        return 0;
    return error_set(err, EIN_E_INVALID,
                     "%s has to be https: whoever listens in could log in as anybody.", what);
}

/* ---- the way back ---- */

/* An error code of a provider, fit to be shown. */
static void clean_word(const char *text, char ret_word[WORD_MAX])
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    size_t len = text ? strspn(text, allowed) : 0;

    (void)snprintf(ret_word, WORD_MAX, "%.*s", (int)(len < WORD_MAX ? len : WORD_MAX - 1),
                   len ? text : "");
    if (!len)
        (void)snprintf(ret_word, WORD_MAX, "no reason");
}

int oauth_check_callback(const struct oauth *oauth, const struct ein_login *login,
                         const char *issuer, bool iss_required, struct ein_error *err)
{
    const json_t *iss = json_object_get(login->query, "iss");
    const char *error = text_of(login->query, "error");
    const char *said = json_string_value(iss);
    char word[WORD_MAX];

    if (iss ? !said || !issuer || strcmp(said, issuer) != 0 : iss_required)
        return error_set(err, EIN_E_INVALID, "The answer is not from %s but from somebody else.",
                         oauth->title);
    if (error) {
        clean_word(error, word);
        return error_set(err, EIN_E_INVALID, "%s ended the login (%s).", oauth->title, word);
    }
    if (!login->code || !*login->code)
        return error_set(err, EIN_E_INVALID, "%s sent no code.", oauth->title);
    return 0;
}

/* ---- tokens ---- */

/* RFC 6749, 2.3.1: id and secret are encoded like a form before they become a password. */
static char *basic_header(const struct oauth *oauth)
{
    EIN_SECRET char *id = percent_encode(oauth->client_id, "");
    EIN_SECRET char *secret = percent_encode(oauth->client_secret, "");
    EIN_SECRET char *both = id && secret ? str_print("%s:%s", id, secret) : NULL;
    EIN_SECRET char *encoded = both ? base64_encode(both, strlen(both)) : NULL;

    return encoded ? str_print("Authorization: Basic %s", encoded) : NULL;
}

static int read_tokens(const struct oauth *oauth, const struct oauth_call *call,
                       struct oauth_answer *answer, json_t **ret_tokens, struct ein_error *err)
{
    const char *error = text_of(answer->json, "error");
    char word[WORD_MAX];

    if (error) { /* with status 400, but GitHub says 200 */
        clean_word(error, word);
        return error_set(err, EIN_E_DENIED, "%s refuses (%s).", oauth->title, word);
    }
    if (answer->status != 200 || !json_is_string(json_object_get(answer->json, "access_token")))
        return oauth_unexpected(oauth, call, answer, err);
    *ret_tokens = EIN_TAKE(answer->json);
    return 0;
}

int oauth_tokens(const struct oauth *oauth, const char *url, enum oauth_client_auth auth,
                 const struct oauth_param *params, size_t count, json_t **ret_tokens,
                 struct ein_error *err)
{
    const struct oauth_param client[] = {
        { "client_id", auth == OAUTH_POST ? oauth->client_id : NULL },
        { "client_secret",
          auth == OAUTH_POST && *oauth->client_secret ? oauth->client_secret : NULL },
    };
    EIN_SECRET char *start = OAUTH_QUERY(NULL, client);
    EIN_SECRET char *rest = oauth_query(NULL, params, count);
    EIN_SECRET char *form =
        start && rest ? str_print("%s%s%s", start, *start ? "&" : "", rest) : NULL;
    EIN_SECRET char *basic = auth == OAUTH_BASIC ? basic_header(oauth) : NULL;
    EIN_ANSWER struct oauth_answer answer = { 0 };
    int r;

    if (!form || (auth == OAUTH_BASIC && !basic))
        return error_no_memory(err);
    const struct oauth_call call = {
        .what = "token endpoint", .url = url, .form = form, .header = basic
    };
    r = oauth_call(oauth, &call, &answer, err);
    return r < 0 ? r : read_tokens(oauth, &call, &answer, ret_tokens, err);
}

int oauth_code(const struct oauth *oauth, const char *url, enum oauth_client_auth auth,
               const struct ein_login *login, json_t **ret_tokens, struct ein_error *err)
{
    const struct oauth_param params[] = {
        { "grant_type", "authorization_code" },
        { "code", login->code },
        { "redirect_uri", login->redirect_uri },
        { "code_verifier", login->code_verifier },
    };
    struct ein_error why = { 0 };
    int r = oauth_tokens(oauth, url, auth, params, sizeof(params) / sizeof(params[0]), ret_tokens,
                         &why);

    /* The code is at fault, not the person. */
    return r < 0 ? error_set(err, r == EIN_E_DENIED ? EIN_E_INVALID : r, "%s", why.text) : 0;
}
