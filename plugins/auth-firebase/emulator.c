/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"
#include "firebase.h"
#include "from_here.h"

#include <stdlib.h>
#include <string.h>

#define VARIABLE "FIREBASE_AUTH_EMULATOR_HOST"

int emulator_allowed(bool wanted, bool *ret_allowed, struct ein_error *err)
{
    const char *host = getenv(VARIABLE);
    bool set = host && *host;

    if (set && strstr(host, "//"))
        return error_set(err, EIN_E_INVALID,
                         VARIABLE " is a host and a port, such as 127.0.0.1:9099, and no URL.");
    if (set && !wanted)
        return error_set(err, EIN_E_INVALID,
                         VARIABLE
                         " is set: the emulator's tokens are not signed, so anybody could be "
                         "anybody. Unset it, or for development set emulator: true.");
    *ret_allowed = set && wanted;
    return 0;
}

bool emulator_takes(const struct firebase *firebase, const struct ein_req *req)
{
    return firebase->emulator && is_from_here(firebase->host->http, req);
}
