/* SPDX-License-Identifier: Apache-2.0 */
#include "client_setup.h"

#include "client.h"
#include "client_head.h"
#include "egress.h"
#include "error.h"
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

static int append(struct running *running, const char *line)
{
    struct curl_slist *grown = curl_slist_append(running->headers, line);

    if (!grown)
        return EIN_E_NO_MEMORY;
    running->headers = grown;
    return 0;
}

/* libcurl sends a header without a value only when it is written "Name;". */
static int add_header(struct running *running, const char *line)
{
    size_t len = strcspn(line, ":");
    char bare[256];

    if (*client_head_value(line) != '\0')
        return append(running, line);
    if (len + 2 > sizeof(bare))
        return EIN_E_INVALID;
    (void)snprintf(bare, sizeof(bare), "%.*s;", (int)len, line);
    return append(running, bare);
}

static int set_headers(struct running *running)
{
    static const char *const content_type[] = { "content-type", NULL };
    bool has_type = false;
    int r = 0;

    for (const char *const *line = running->what->headers; *line && r == 0; line++) {
        has_type = has_type || client_head_is_one_of(*line, content_type);
        r = add_header(running, *line);
    }
    /* libcurl takes every body for a form unless it is told not to. */
    return r == 0 && !has_type ? append(running, "Content-Type:") : r;
}

static bool sends_length_zero(const char *method)
{
    return str_eq(method, "POST") || str_eq(method, "PUT") || str_eq(method, "PATCH");
}

static int set_body(struct running *running, const struct client_callbacks *callbacks)
{
    const struct transfer *what = running->what;
    CURL *easy = running->task.easy;

    if (what->on_send) {
        running->send = malloc(CLIENT_SEND_PIECE);
        if (!running->send)
            return EIN_E_NO_MEMORY;
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
    }
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, what->method);
    return 0;
}

static void set_callbacks(struct running *running, const struct client_callbacks *callbacks)
{
    CURL *easy = running->task.easy;

    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, callbacks->on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, running);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, callbacks->on_write);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, running);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, callbacks->on_open);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, running);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, callbacks->on_connected);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, running);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, running->curl_text);
}

static void set_manners(struct running *running)
{
    const struct transfer *what = running->what;
    CURL *easy = running->task.easy;

    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "einion");
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* A resolver that hangs must not hold up the thread when its transfer is aborted. */
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)what->connect_ms);
    (void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    /* "": not even one from the environment. */
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, what->proxy ? what->proxy : "");
    if (what->ca_file)
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, what->ca_file);
    if (what->decode)
        (void)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
}

int client_setup(struct running *running, const struct client_callbacks *callbacks,
                 struct ein_error *err)
{
    CURL *easy = curl_easy_init();
    int r;

    running->task.easy = easy;
    if (!easy || curl_easy_setopt(easy, CURLOPT_URL, running->what->url->text) != CURLE_OK)
        return error_set(err, EIN_E_NO_MEMORY, "no memory for a fetch");
    set_callbacks(running, callbacks);
    set_manners(running);
    r = set_body(running, callbacks);
    if (r == 0)
        r = set_headers(running);
    if (r < 0)
        return error_set(err, r, "%s", error_text(r));
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, running->headers);
    return 0;
}

void client_setup_done(struct running *running)
{
    curl_easy_cleanup(running->task.easy);
    curl_slist_free_all(running->headers);
}

/* ---- how it ended ---- */

static const struct {
    int curl, ours;
} codes[] = {
    { CURLE_OPERATION_TIMEDOUT, EIN_E_TIMEOUT },
    { CURLE_URL_MALFORMAT, EIN_E_INVALID },
    { CLIENT_TASK_ABORTED, EIN_E_CANCELLED },
};

int client_setup_outcome(const struct running *running, struct ein_error *err)
{
    const char *host = running->what->url->host;
    const char *text = running->curl_text;
    int r = EIN_E_UNAVAILABLE;

    if (running->code == CURLE_OK)
        return 0;
    if (running->fault == EIN_E_TOO_LARGE && !running->head_done)
        return error_set(err, EIN_E_TOO_LARGE, "%s: the reply's headers are longer than %d bytes",
                         host, CLIENT_HEADERS_MAX);
    if (running->fault == EIN_E_TOO_LARGE)
        return error_set(err, EIN_E_TOO_LARGE, "%s: the reply is longer than %llu bytes", host,
                         (unsigned long long)running->what->max_bytes);
    if (running->fault)
        return error_set(err, running->fault, "no memory for the reply of %s", host);
    if (running->denied.code && !running->connected)
        return error_set(err, EIN_E_DENIED, "%s: %s", host, running->denied.text);
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i].curl == running->code)
            r = codes[i].ours;
    }
    if (running->code == CLIENT_TASK_ABORTED)
        text = "the server is stopping";
    else if (!*text)
        text = curl_easy_strerror((CURLcode)running->code);
    return error_set(err, r, "%s: %s", host, text);
}
