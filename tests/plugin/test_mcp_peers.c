/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of MCP servers. */
#include "cleanup.h"
#include "peers.h"
#include "unit.h"

#include <stdio.h>

enum { HOUR_MS = 3600000 };

static enum peer_era remembered(int url_len)
{
    const struct peer_state state = { .era = PEER_LEGACY };
    EIN_FREE char *url = NULL;
    struct peer_state known;
    struct peers peers = { .max = 0 };

    assert_true(asprintf(&url, "http://x/%0*d", url_len, 0) > 0);
    char *key = peer_key(0, url, "alice", NULL);
    assert_int_equal(peers_init(&peers, 10, 1 << 20), 0);
    peers_set(&peers, key, &state);
    peers_get(&peers, key, HOUR_MS, &known);
    peers_done(&peers);
    peer_key_free(key);
    return known.era;
}

static void an_address_without_end_is_not_remembered(void **state)
{
    assert_int_equal(remembered(1000), PEER_LEGACY);
    assert_int_equal(remembered(1 << 20), PEER_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(
        an_address_without_end_is_not_remembered) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
