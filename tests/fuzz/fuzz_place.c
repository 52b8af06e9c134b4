/* SPDX-License-Identifier: Apache-2.0 */
/* "PATTERN\nURL", both any bytes: where a URL leads to has one reading, and a pattern one answer.
 */
#include "host_pattern.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The host is whole in the URL, between what begins and what ends it. */
static void check_place(const char *url, const struct url_place *place)
{
    size_t len = strlen(place->host);
    const char *host = strstr(url, "//") + 2;

    if (len == 0 || place->port == 0 || strpbrk(place->host, "@/\\?#% \t\r\n"))
        abort();
    if (strncasecmp(host, place->host, len) != 0 || !strchr(":/?#.", host[len]))
        abort();
    if (!host_pattern_matches(place->host, place) || !host_pattern_matches("*", place))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct url_place place;

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    char *url = strchr(text, '\n');
    if (url) {
        *url++ = '\0';
        if (url_place_read(url, &place)) {
            check_place(url, &place);
            (void)host_pattern_matches(text, &place);
        }
    }
    free(text);
    return 0;
}
