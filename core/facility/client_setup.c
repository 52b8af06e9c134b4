/* SPDX-License-Identifier: Apache-2.0 */
#include "client_setup.h"

#include "client.h"
#include "client_head.h"
#include "egress.h"
#include "error.h"
#include "status.h"
#include "str.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* ---- where it may go ---- */

bool client_setup_address_ok(struct running *running, const struct sockaddr *address)
{
    const struct transfer *what = running->what;

    /* Through a proxy, it is the operator's proxy that is connected to. */
    return !what->egress || what->proxy ||
           egress_check(what->egress, address, what->host_allowed, &running->denied) == 0;
}

bool client_setup_ip_ok(struct running *running, const char *ip, uint16_t port)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

    if (inet_pton(AF_INET, ip, &in.sin_addr) == 1)
        return client_setup_address_ok(running, (const struct sockaddr *)&in);
    if (inet_pton(AF_INET6, ip, &in6.sin6_addr) == 1)
        return client_setup_address_ok(running, (const struct sockaddr *)&in6);
    return !running->what->egress ||
           error_set(&running->denied, EIN_E_DENIED, "'%s' is not an address", ip) == 0;
}

/* ---- the request ---- */

enum { ADDED_MAX = 4, ASKS_FROM = 1024 * 1024 };

/* libcurl's list of headers, in one block: it points to the lines of the caller. */
struct lines_out {
    struct curl_slist *next;
    char *text; /* room for the lines that it wants in a form of its own */
};

static void add_line(struct lines_out *out, const char *line)
{
    out->next->data = (char *)line;
    out->next->next = out->next + 1;
    out->next++;
}

/* libcurl sends a header without a value only when it is written "Name;". */
static void add_header(struct lines_out *out, const char *line)
{
    if (*client_head_value(line) != '\0') {
        add_line(out, line);
    } else {
        add_line(out, out->text);
        out->text = stpcpy(mempcpy(out->text, line, strcspn(line, ":")), ";") + 1;
    }
}

static size_t room_for(const char *const *lines)
{
    size_t size = ADDED_MAX * sizeof(struct curl_slist);

    for (; *lines; lines++)
        size += sizeof(struct curl_slist) + (*client_head_value(*lines) ? 0 : strlen(*lines) + 1);
    return size;
}

/* libcurl takes every body for a form, and asks before it sends a large one, unless it is told not
 * to: a body in memory costs nothing to send.  What is asked for by options of its own, it writes
 * twice. */
static int set_headers(struct running *running)
{
    static const char *const content_type[] = { "content-type", NULL };
    static const char *const user_agent[] = { "user-agent", NULL };
    static const char *const expect[] = { "expect", NULL };
    const struct transfer *what = running->what;
    bool has_type = false, has_agent = false, asks = !what->body || what->body_len < ASKS_FROM;
    struct lines_out out;
    size_t count = 0;

    running->headers = malloc(room_for(what->headers));
    if (!running->headers)
        return EIN_E_NO_MEMORY;
    while (what->headers[count])
        count++;
    out = (struct lines_out){ running->headers, (char *)(running->headers + count + ADDED_MAX) };
    for (const char *const *lines = what->headers; *lines; lines++) {
        has_type = has_type || client_head_is_one_of(*lines, content_type);
        has_agent = has_agent || client_head_is_one_of(*lines, user_agent);
        asks = asks || client_head_is_one_of(*lines, expect);
        add_header(&out, *lines);
    }
    if (!has_type)
        add_line(&out, "Content-Type:");
    if (!has_agent)
        add_line(&out, "User-Agent: einion");
    if (!asks)
        add_line(&out, "Expect:");
    if (what->decode)
        add_line(&out, "Accept-Encoding: gzip");
    out.next[-1].next = NULL;
    return 0;
}

/* The next request is not to find what only some have. */
static bool is_usual(const struct transfer *what)
{
    return !what->on_send && !str_eq(what->method, "HEAD");
}

static bool sends_length_zero(const char *method)
{
    return str_eq(method, "POST") || str_eq(method, "PUT") || str_eq(method, "PATCH");
}

static void set_body(struct running *running, const struct client_callbacks *callbacks)
{
    const struct transfer *what = running->what;
    CURL *easy = running->line->easy;

    if (what->on_send) {
        (void)curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)what->send_len);
        (void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, callbacks->on_read);
        (void)curl_easy_setopt(easy, CURLOPT_READDATA, running);
    } else if (what->body || sends_length_zero(what->method)) {
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t)(what->body ? what->body_len : 0));
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, what->body ? what->body : "");
    } else if (str_eq(what->method, "HEAD")) {
        (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else {
        (void)curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, what->method);
}

static void set_callbacks(CURL *easy, const struct client_callbacks *callbacks)
{
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, callbacks->on_header);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, callbacks->on_write);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, callbacks->on_open);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, callbacks->on_connected);
}

/* NULL: what the line keeps does not point to a request that is over. */
static void set_data(CURL *easy, struct running *running)
{
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, running);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, running);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, running);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, running);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, running ? running->curl_text : NULL);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, running ? running->headers : NULL);
}

static void set_manners(CURL *easy)
{
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    /* A line carries one request at a time, which is all that HTTP/2 would change. */
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)CLIENT_SEND_PIECE);
    /* A resolver that hangs must not hold up the thread when its transfer is aborted. */
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    /* The certificate is looked at by trust_check(), when the connection is there and before
     * anything is sent over it. */
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}

/* What may be another request's otherwise. */
static void set_wishes(struct line *line, const struct transfer *what)
{
    (void)curl_easy_setopt(line->easy, CURLOPT_BUFFERSIZE, (long)what->piece);
    (void)curl_easy_setopt(line->easy, CURLOPT_MAXAGE_CONN, (long)what->line_ms / 1000 + 1);
    /* "": none, not even from the environment. */
    (void)curl_easy_setopt(line->easy, CURLOPT_PROXY, what->proxy ? what->proxy : "");
    (void)curl_easy_setopt(line->easy, CURLOPT_NOPROXY, what->no_proxy ? what->no_proxy : "");
    (void)curl_easy_setopt(line->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)what->connect_ms);
    if (what->decode != line->decodes)
        (void)curl_easy_setopt(line->easy, CURLOPT_ACCEPT_ENCODING, what->decode ? "gzip" : NULL);
    line->decodes = what->decode;
}

/* libcurl takes a URL apart, and puts it together again, for each request that has only its text.
 */
static int set_url(struct line *line, const char *text)
{
    if (line->is_set_up && line->url && str_eq(line->url, text))
        return 0;
    free(line->url);
    line->url = strdup(text);
    curl_url_cleanup(line->parsed);
    line->parsed = curl_url();
    if (!line->url || !line->parsed ||
        curl_url_set(line->parsed, CURLUPART_URL, text, 0) != CURLUE_OK)
        return EIN_E_NO_MEMORY;
    if (curl_easy_setopt(line->easy, CURLOPT_URL, text) != CURLE_OK ||
        curl_easy_setopt(line->easy, CURLOPT_CURLU, line->parsed) != CURLE_OK)
        return EIN_E_NO_MEMORY;
    return 0;
}

int client_setup(struct running *running, const struct client_callbacks *callbacks,
                 struct ein_error *err)
{
    struct line *line = running->line;
    int r;

    if (set_url(line, running->what->url->text) < 0)
        return error_no_memory(err);
    if (!line->is_set_up) {
        set_callbacks(line->easy, callbacks);
        set_manners(line->easy);
        line->is_set_up = true;
    }
    set_wishes(line, running->what);
    set_body(running, callbacks);
    r = set_headers(running);
    if (r < 0)
        return error_set(err, r, "%s", error_text(r));
    set_data(line->easy, running);
    return 0;
}

void client_setup_done(struct running *running)
{
    struct line *line = running->line;

    if (is_usual(running->what)) {
        set_data(line->easy, NULL);
    } else {
        curl_easy_reset(line->easy);
        line->is_set_up = line->decodes = false;
    }
    free(running->headers);
}

/* ---- how it ended ---- */

int client_setup_outcome(const struct running *running, struct ein_error *err)
{
    const char *host = running->what->url->host;
    const char *text = running->curl_text;
    int r = EIN_E_UNAVAILABLE;

    if (running->code == CURLE_OK)
        return 0;
    if (running->denied.code && !running->connected)
        return error_set(err, EIN_E_DENIED, "%s: %s", host, running->denied.text);
    if (running->code == CURLE_OPERATION_TIMEDOUT)
        r = EIN_E_TIMEOUT;
    else if (running->code == CURLE_URL_MALFORMAT)
        r = EIN_E_INVALID;
    if (!*text)
        text = curl_easy_strerror((CURLcode)running->code);
    return error_set(err, r, "%s: %s", host, text);
}
