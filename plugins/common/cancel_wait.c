/* SPDX-License-Identifier: Apache-2.0 */
#include "cancel_wait.h"

#include "clock.h"

#include <poll.h>

int cancel_wait(const struct ein_host *host, struct ein_cancel *cancel, uint32_t ms)
{
    struct pollfd fd = { .fd = cancel ? host->cancel->wait_fd(cancel) : -1, .events = POLLIN };
    int64_t end = clock_mono_ms() + ms, left = ms;

    while (left > 0) {
        int ready = poll(&fd, 1, (int)(left > 60000 ? 60000 : left));
        if (ready > 0)
            return EIN_E_CANCELLED;
        if (cancel && host->cancel->fired(cancel)) /* also where there was no descriptor for it */
            return EIN_E_CANCELLED;
        left = end - clock_mono_ms();
    }
    return 0;
}
