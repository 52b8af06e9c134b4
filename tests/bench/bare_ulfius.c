/* SPDX-License-Identifier: Apache-2.0 */
/* The least that can be done with ulfius, in the mode the server runs in, until standard input
 * ends: bare_ulfius PORT            answers, what /health is measured against bare_ulfius PORT
 * UPSTREAM   hands each body to the server on that port by libcurl, and its answer back, what a
 * call of a model is measured against */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ulfius.h>
#include <unistd.h>

struct relayed {
    char text[4096];
    size_t len;
};

static char upstream[64];        /* its URL */
static _Thread_local CURL *easy; /* a connection for each client's */

static int answer(const struct _u_request *request, struct _u_response *response, void *data)
{
    static const char text[] = "{\"status\":\"healthy\",\"service\":\"user-service\"}";

    (void)request;
    (void)data;
    (void)u_map_put(response->map_header, "Content-Type", "application/json");
    (void)ulfius_set_binary_body_response(response, 200, text, sizeof(text) - 1);
    return U_CALLBACK_COMPLETE;
}

static size_t on_write(char *piece, size_t size, size_t count, void *data)
{
    struct relayed *relayed = data;
    size_t len = size * count;

    if (len > sizeof(relayed->text) - relayed->len)
        return 0;
    memcpy(relayed->text + relayed->len, piece, len);
    relayed->len += len;
    return len;
}

static void connect_upstream(void)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");

    easy = curl_easy_init();
    (void)curl_easy_setopt(easy, CURLOPT_URL, upstream);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER,
                           curl_slist_append(headers, "Authorization: Bearer sk-bench"));
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
}

static int relay(const struct _u_request *request, struct _u_response *response, void *data)
{
    struct relayed relayed = { .len = 0 };
    long status = 502;

    (void)data;
    if (!easy)
        connect_upstream();
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)request->binary_body_length);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->binary_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, &relayed);
    if (curl_easy_perform(easy) == CURLE_OK)
        (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    (void)u_map_put(response->map_header, "Content-Type", "application/json");
    (void)ulfius_set_binary_body_response(response, (unsigned)status, relayed.text, relayed.len);
    return U_CALLBACK_COMPLETE;
}

int main(int count, char **arguments)
{
    struct _u_instance instance;
    struct MHD_OptionItem options[] = {
        { MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)mhd_request_completed, NULL },
        { MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)ulfius_uri_logger, NULL },
        { MHD_OPTION_THREAD_STACK_SIZE, 256 * 1024, NULL },
        { MHD_OPTION_END, 0, NULL },
    };
    char byte;

    if (count < 2 || count > 3)
        return 1;
    if (count == 3)
        (void)snprintf(upstream, sizeof(upstream), "http://127.0.0.1:%s/v1/chat/completions",
                       arguments[2]);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        ulfius_init_instance(&instance, (unsigned)atoi(arguments[1]), NULL, NULL) != U_OK)
        return 1;
    instance.check_utf8 = 0;
    if (ulfius_add_endpoint_by_val(&instance, "*", NULL, "*", 0, count == 3 ? relay : answer,
                                   NULL) != U_OK ||
        ulfius_start_framework_with_mhd_options(&instance,
                                                MHD_USE_THREAD_PER_CONNECTION |
                                                    MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL,
                                                options) != U_OK)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    (void)ulfius_stop_framework(&instance);
    ulfius_clean_instance(&instance);
    return 0;
}
