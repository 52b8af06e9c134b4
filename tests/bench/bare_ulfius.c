/* SPDX-License-Identifier: Apache-2.0 */
/* The least that ulfius can answer, in the mode the server runs in: what /health is measured
 * against.  bare_ulfius PORT, until standard input ends. */
#include <stdio.h>
#include <stdlib.h>
#include <ulfius.h>
#include <unistd.h>

static int answer(const struct _u_request *request, struct _u_response *response, void *data)
{
    static const char text[] = "{\"status\":\"healthy\",\"service\":\"user-service\"}";

    (void)request;
    (void)data;
    (void)u_map_put(response->map_header, "Content-Type", "application/json");
    (void)ulfius_set_binary_body_response(response, 200, text, sizeof(text) - 1);
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

    if (count != 2 ||
        ulfius_init_instance(&instance, (unsigned)atoi(arguments[1]), NULL, NULL) != U_OK)
        return 1;
    instance.check_utf8 = 0;
    if (ulfius_add_endpoint_by_val(&instance, "*", NULL, "*", 0, answer, NULL) != U_OK ||
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
