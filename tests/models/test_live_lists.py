# SPDX-License-Identifier: Apache-2.0
"""What servers say that list their own models."""

import pytest
from house import Folder, config
from support import wait_until
from vendor import CUT, STALL, Vendor, raw, whole


@pytest.fixture
def upstream():
    with Vendor() as vendor:
        yield vendor


def ids(server, provider="house"):
    reply = server.get(f"/providers/{provider}/models")
    return reply.json if reply.status == 200 else None


def begin(start_server, upstream, providers=("house",), **models):
    return start_server(config=config(list(providers), {"house": upstream.url, "ollama": upstream.url}, models))


def test_a_server_that_nobody_knows_is_told_behind_the_others(start_server, upstream):
    upstream.answer("/models", whole("small\nlarge\n"))
    server = begin(start_server, upstream, ["house", "ollama"])
    wait_until(lambda: ids(server) == ["small", "large"], 5, "the list")
    assert list(server.get("/providers").json) == ["ollama", "house"]
    assert server.get("/providers/house").json == {"models": {"small": {"parameters": {}}, "large": {"parameters": {}}}}


def test_lists_are_added_to_what_the_catalog_has(start_server, upstream):
    upstream.answer("/models", whole("llama2\nqwen3:8b\n"))
    server = begin(start_server, upstream, ["ollama"])
    wait_until(lambda: ids(server, "ollama") == ["llama2", "mistral", "qwen3:8b"], 5, "the list")
    told = server.get("/providers/ollama").json["models"]
    assert told["llama2"]["limits"] == {"context": 4096, "output": 4096}
    assert told["qwen3:8b"]["parameters"]["num_predict"]["max"] == 131072  # the provider's defaults
    assert told["qwen3:8b"]["price"]["input"] == 0


def test_files_say_more_of_listed_models(start_server, upstream, tmp_path):
    folder = Folder(tmp_path / "models")
    folder.write("house.yaml", """
providers:
  house:
    defaults: {context_window: 32768}
    models:
      large: {description: The large one., price: {input: 0.1, output: 0.2}}
""")  # fmt: skip
    upstream.answer("/models", whole("small\nlarge\n"))
    server = begin(start_server, upstream, path=str(folder.path))
    wait_until(lambda: ids(server) == ["large", "small"], 5, "the list")
    told = server.get("/providers/house").json["models"]
    assert told["small"] == {"context_window": 32768, "parameters": {}}
    assert told["large"]["description"] == "The large one." and told["large"]["price"]["source"] == "house.yaml"


def test_a_list_is_asked_for_again(start_server, upstream):
    upstream.answer("/models", whole("small\n"))
    server = begin(start_server, upstream)
    wait_until(lambda: ids(server) == ["small"], 5, "the list")
    before = server.get("/providers").header("ETag")
    upstream.answer("/models", whole("small\nnew\n"))
    wait_until(lambda: ids(server) == ["small", "new"], 5, "the next list")
    assert server.get("/providers").header("ETag") != before


@pytest.mark.parametrize("failure", [whole("no", 500), whole("", 404), raw("nonsense"), raw("HTTP/1.1 200 OK\r\n", CUT)],
                         ids=["500", "404", "nonsense", "half a head"])  # fmt: skip
def test_a_list_that_cannot_be_had_stays_as_it_was(start_server, upstream, failure):
    upstream.answer("/models", whole("small\n"))
    server = begin(start_server, upstream)
    wait_until(lambda: ids(server) == ["small"], 5, "the list")
    upstream.answer("/models", failure)
    wait_until(lambda: "the models of house could not be listed: " in server.log(), 5, "the log to tell")
    asked = len(upstream.requests)
    wait_until(lambda: len(upstream.requests) > asked + 2, 5, "it to be asked again")
    assert ids(server) == ["small"]
    assert server.log().count("could not be listed") == 1  # and not each time
    upstream.answer("/models", whole("small\nnew\n"))
    wait_until(lambda: ids(server) == ["small", "new"], 5, "the next list")


def test_a_list_that_never_was_there_is_missed_where_nothing_else_is_known_of_its_provider(start_server, upstream):
    upstream.answer("/models", whole("no", 500))
    server = begin(start_server, upstream, ["house", "ollama"])
    wait_until(lambda: "WARN  models: the models of house could not be listed: " in server.log(), 5, "the log to tell")
    assert "the models of ollama" not in server.log()


def test_nobody_waits_for_a_server_that_does_not_answer(start_server, upstream):
    upstream.answer("/models", raw(STALL))
    server = begin(start_server, upstream, ["house", "ollama"])
    wait_until(lambda: upstream.requests, 5, "it to be asked")
    assert ids(server, "ollama") == ["llama2", "mistral"]
    assert ids(server) is None
    assert server.stop() == 0  # nor does the server, when it ends
    assert "still in use after" not in server.log()


def test_a_list_has_a_limit(start_server, upstream):
    upstream.answer("/models", whole("".join(f"m{number}\n" for number in range(30))))
    server = begin(start_server, upstream, max_models=20)
    wait_until(lambda: ids(server), 5, "the list")
    assert len(ids(server)) == 20
    assert "house lists 30 models: those above max_models, 20, are left out" in server.log()


def test_ids_may_be_anything_that_a_path_can_carry(start_server, upstream):
    upstream.answer("/models", whole("hf.co/org/model:Q4 ä%\n"))
    server = begin(start_server, upstream)
    wait_until(lambda: ids(server) == ["hf.co/org/model:Q4 ä%"], 5, "the list")
    assert server.get("/providers/house/models/hf.co/org/model:Q4%20%C3%A4%25").status == 200
