/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a time zone file: what is taken for one answers with offsets that there can be. */
#include "zone.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t step = INT64_C(40000003);
    struct zone *zone;

    if (zone_parse(data, size, &zone, NULL) < 0)
        return 0;
    for (int64_t at = -4000000000; at < 8000000000; at += step) {
        int32_t offset = zone_offset(zone, at);
        if (offset < ZONE_OFFSET_MIN || offset > ZONE_OFFSET_MAX)
            abort();
        int64_t utc = zone_to_utc(zone, at);
        if (utc < at - ZONE_OFFSET_MAX || utc > at - ZONE_OFFSET_MIN)
            abort();
    }
    zone_free(zone);
    return 0;
}
