# SPDX-License-Identifier: Apache-2.0
"""The ground the other suites stand on."""


def test_the_server_lives_and_is_healthy(server):
    assert server.get("/livez").status == 200
    assert server.healthy()


def test_a_server_of_ones_own_starts_empty_and_stops_cleanly(start_server):
    server = start_server(backend="memory")
    assert server.get("/agents").json == []
    assert server.stop() == 0
