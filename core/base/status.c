/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"
#include <stddef.h>

static const struct {
    int status;
    const char *text;
} errors[] = {
    [-EIN_E_INVALID] = { 400, "The request is not valid." },
    [-EIN_E_NOT_FOUND] = { 404, "Not Found" },
    [-EIN_E_CONFLICT] = { 409, "The resource was changed by somebody else." },
    [-EIN_E_DENIED] = { 403, "Not allowed." },
    [-EIN_E_UNAVAILABLE] = { 503, "The service is not available at the moment." },
    [-EIN_E_TIMEOUT] = { 504, "The time for this request is up." },
    [-EIN_E_CANCELLED] = { 499, "The request was cancelled." },
    [-EIN_E_NO_MEMORY] = { 503, "The server is out of memory at the moment." },
    [-EIN_E_UNSUPPORTED] = { 501, "Not supported." },
    [-EIN_E_INTERNAL] = { 500, "An internal server error occurred." },
    [-EIN_E_TOO_LARGE] = { 413, "Too large." },
    [-EIN_E_BUSY] = { 429, "Too many requests at the moment." },
    [-EIN_E_FULL] = { 507, "There is no room for more." },
};
enum { ERRORS = sizeof(errors) / sizeof(errors[0]) };

/* A code of a newer plugin that this server does not know is an internal error. */
static size_t row(int code)
{
    return code < 0 && code > -ERRORS ? (size_t)-code : -EIN_E_INTERNAL;
}

int error_status(int code)
{
    return errors[row(code)].status;
}

const char *error_text(int code)
{
    return errors[row(code)].text;
}
