# SPDX-License-Identifier: Apache-2.0
"""POST /v1/embeddings against vendors that speak their own formats."""

import base64
import json
import math
import struct

import pytest
from support import Server, wait_until
from vendor import whole

ROWS = [[0.5, -0.25, 1e-7], [0.1, 3.4e38, 0]]


def as_float(number):
    return struct.unpack("<f", struct.pack("<f", number))[0]


def packed(row):
    return base64.b64encode(struct.pack(f"<{len(row)}f", *row)).decode()


def openai(rows, tokens=8, form=packed, **more):
    data = [{"object": "embedding", "index": i, "embedding": form(row)} for i, row in enumerate(rows)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return whole({"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage, **more})


@pytest.fixture(scope="module")
def the_house(the_upstream):
    sets = ["plugins.runtime-python.enabled=false", "plugins.models.retry_base_ms=1", "plugins.models.retry_max_ms=2",
            "plugins.openai-api.inputs=300", "plugins.users.settle_ms=10",
            f"plugins.bedrock.base_url={the_upstream.url}", f"plugins.gemini.base_url={the_upstream.url}",
            f"plugins.ollama.base_url={the_upstream.url}"]  # fmt: skip
    env = {"OPENAI_BASE_URL": f"{the_upstream.url}/v1", "OPENAI_API_KEY": "sk-upstream", "GEMINI_API_KEY": "AIza-upstream",
           "AWS_ACCESS_KEY_ID": "AKIAUPSTREAM", "AWS_SECRET_ACCESS_KEY": "upstream-secret",
           "ANTHROPIC_API_KEY": "sk-ant-upstream"}  # fmt: skip
    server = Server("memory", sets=sets, env=env).start(ready=True)
    yield server
    try:
        assert server.stop() == 0, server.log()
        server.check()
    finally:
        server.clean()


@pytest.fixture
def house(the_house, upstream):
    yield the_house
    the_house.check()
    assert "upstream-secret" not in the_house.log()


def ask(house, input, model="openai/text-embedding-3-small", **more):
    return house.post("/v1/embeddings", {"model": model, "input": input, **more})


def rows(reply):
    assert reply.status == 200, reply
    assert reply.json["object"] == "list"
    data = reply.json["data"]
    assert [one["index"] for one in data] == list(range(len(data)))
    assert {one["object"] for one in data} <= {"embedding"}
    return [one["embedding"] for one in data]


def refused(reply, status, words, param=None):
    assert reply.status == status, reply
    error = reply.json["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert words in error["message"] and error["param"] == param, error


def sent(upstream, path="/v1/embeddings"):
    """The last request there; others ask for the list of models meanwhile."""
    return upstream.asked(path)[-1]


def usage(house):
    return house.get("/users/me").json["usageInfo"]


def spent(house):
    return round((usage(house)["monthlyAllowance"] - usage(house)["spendRemaining"]) * 1e9)


# ---- what each vendor is asked, and what it costs ----


def test_openai(house, upstream):
    upstream.answer("/v1/embeddings", openai(ROWS))
    before = spent(house)
    reply = ask(house, ["a", "ä😀"], dimensions=3, user="eve")
    assert [[as_float(number) for number in row] for row in rows(reply)] == [[as_float(number) for number in row] for row in ROWS]
    assert sent(upstream).json == {"model": "text-embedding-3-small", "input": ["a", "ä😀"],
                                  "encoding_format": "base64", "dimensions": 3, "user": "eve"}  # fmt: skip
    assert sent(upstream).bearer == "sk-upstream"
    assert reply.json["model"] == "openai/text-embedding-3-small"
    assert reply.json["usage"] == {"prompt_tokens": 8, "total_tokens": 8, "cost": 1.6e-07}
    for name, value in {"model": "openai/text-embedding-3-small", "provider": "openai", "attempts": "1",
                        "cost": "0.00000016"}.items():  # fmt: skip
        assert reply.header(f"x-einion-{name}") == value
    assert spent(house) - before == 160
    entry = wait_until(lambda: usage(house)["usage"][-1:], 20, "the entry")[0]
    assert round(entry["responseCost"] * 1e9) == 160
    metrics = house.get("/metrics").text
    assert 'gen_ai_client_token_usage_count{gen_ai_operation_name="embeddings",gen_ai_provider_name="openai"' in metrics
    assert 'gen_ai_client_operation_duration_seconds_count{gen_ai_operation_name="embeddings"' in metrics


@pytest.mark.parametrize("input, inputs", [("a", ["a"]), ([1, 2, 3], [[1, 2, 3]]), ([[1], [2, 3]], [[1], [2, 3]])])
def test_base64_and_tokens(house, upstream, input, inputs):
    """Numbers in, for which base64 was asked, of a server that says that nothing is wrong; and bytes out."""
    upstream.answer("/v1/embeddings", openai(ROWS[: len(inputs)], form=list, error=None))
    reply = ask(house, input, encoding_format="base64")
    assert rows(reply) == [packed(row) for row in ROWS[: len(inputs)]]
    assert sent(upstream).json["input"] == inputs


def gemini(rows, tokens=None):
    used = {"usageMetadata": {"promptTokenCount": tokens}} if tokens else {}
    return whole({"embeddings": [{"values": row} for row in rows], **used})


def test_gemini_in_batches(house, upstream):
    upstream.answer("/v1beta/models/gemini-embedding-001:batchEmbedContents",
                    gemini([[i / 4] * 128 for i in range(100)], 300), gemini([[9] * 128], 7))  # fmt: skip
    before = spent(house)
    reply = ask(house, ["t"] * 101, "gemini-embedding-001", dimensions=128, task_type="RETRIEVAL_QUERY", user="eve")
    assert [row[0] for row in rows(reply)] == [*(i / 4 for i in range(100)), 9]
    assert sent(upstream, "/v1beta/*").json == {"requests": [{"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "t"}]},
                                                "outputDimensionality": 128, "taskType": "RETRIEVAL_QUERY"}]}  # fmt: skip
    assert sent(upstream, "/v1beta/*").headers["x-goog-api-key"] == "AIza-upstream"
    assert spent(house) - before == 307 * 150 and reply.header("x-einion-cost") == "0.00004605"


def test_what_a_vendor_does_not_count_is_estimated(house, upstream):
    upstream.answer("/v1beta/*", gemini([[1.0]]))
    assert ask(house, "twelve bytes", "gemini/gemini-embedding-001").json["usage"]["prompt_tokens"] == 3


def test_ollama(house, upstream):
    upstream.answer("/api/embed", whole({"model": "nomic-embed-text", "embeddings": ROWS, "total_duration": 14143917,
                                         "load_duration": 1019500, "prompt_eval_count": 8}))  # fmt: skip
    reply = ask(house, ["a", "b"], "ollama/nomic-embed-text", dimensions=3)
    assert len(rows(reply)) == 2 and reply.json["usage"] == {"prompt_tokens": 8, "total_tokens": 8, "cost": 0}
    assert sent(upstream, "/api/embed").json == {"model": "nomic-embed-text", "input": ["a", "b"], "truncate": False, "dimensions": 3}


def test_titan(house, upstream):
    upstream.answer("/model/amazon.titan-embed-text-v2:0/invoke",
                    *(whole({"embedding": [i] * 256, "inputTextTokenCount": i, "embeddingsByType": {"float": [i] * 256}})
                      for i in (3, 4)))  # fmt: skip
    before = spent(house)
    reply = ask(house, ["a", "b"], "bedrock/amazon.titan-embed-text-v2:0", dimensions=256)
    assert [row[0] for row in rows(reply)] == [3, 4] and spent(house) - before == 7 * 20
    assert sent(upstream, "/model/*").json == {"inputText": "b", "dimensions": 256}
    assert sent(upstream, "/model/*").headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAUPSTREAM/")


@pytest.mark.parametrize("model, told, more", [
    ("cohere.embed-english-v3", {"embeddings": ROWS}, {}),
    ("cohere.embed-v4:0", {"embeddings": {"float": [[1] * 256] * 2}}, {"dimensions": 256, "input_type": "search_query"}),
])  # fmt: skip
def test_cohere(house, upstream, model, told, more):
    upstream.answer(f"/model/{model}/invoke", whole({"id": "c", "texts": ["a", "b"], **told},
                                                    headers={"X-Amzn-Bedrock-Input-Token-Count": "50"}))  # fmt: skip
    before = spent(house)
    assert len(rows(ask(house, ["a", "b"], f"bedrock/{model}", **more))) == 2
    body = {"texts": ["a", "b"], "input_type": "search_document", "truncate": "NONE", "embedding_types": ["float"]}
    if more:
        body |= {"input_type": "search_query", "output_dimension": 256}
    assert sent(upstream, "/model/*").json == body and spent(house) - before == 50 * (120 if more else 100)


# ---- what cannot be ----


@pytest.mark.parametrize("body, param, words", [
    ({"input": []}, "input", "neither"), ({"input": ""}, "input[0]", "empty"), ({"input": {}}, "input", "neither"),
    ({"input": ["a", ""]}, "input[1]", "empty"), ({"input": [1, "a"]}, "input[0]", "neither"), ({}, "input", "neither"),
    ({"input": ["a"] * 301}, "input", "more than 300"), ({"input": "a", "encoding_format": "int8"}, "encoding_format", "float"),
    ({"input": "a", "user": 1}, "user", "text"), ({"input": "a", "dimensions": 2000}, None, "from 1 to 1536"),
    ({"input": "a", "colour": "red"}, None, "no such parameter"),
    ({"input": "a", "model": "openai/text-embedding-ada-002", "dimensions": 9}, None, "no such parameter"),
    ({"input": [1], "model": "gemini/gemini-embedding-001"}, None, "takes no tokens"),
    ({"input": "a", "model": "openai/gpt-4-turbo"}, None, "makes no embeddings"),
])  # fmt: skip
def test_refused(house, body, param, words):
    refused(house.post("/v1/embeddings", {"model": "openai/text-embedding-3-small", **body}), 400, words, param)


def test_a_model_that_embeds_does_not_converse(house):
    body = {"model": "openai/text-embedding-3-small", "messages": [{"role": "user", "content": "Hi"}]}
    refused(house.post("/v1/chat/completions", body), 400, "does not converse")
    refused(ask(house, "a", "openai/nothing"), 404, "Model not found", "model")


def test_a_provider_without_embeddings(the_upstream, tmp_path):
    (tmp_path / "own.yaml").write_text(json.dumps({"providers": {"anthropic": {"models": {"embed-1": {
        "description": "d", "embedding": {}, "price": {"input": 1, "output": 0}}}}}}))  # fmt: skip
    server = Server("memory", sets=["plugins.runtime-python.enabled=false", f"plugins.models.path={tmp_path}"],
                    env={"ANTHROPIC_API_KEY": "sk-ant-upstream"}).start()  # fmt: skip
    try:
        refused(ask(server, "a", "anthropic/embed-1"), 400, "The provider 'anthropic' has no embeddings")
        assert server.stop() == 0, server.log()
    finally:
        server.clean()


# ---- faults ----


def test_a_pause_is_kept_and_then_it_works(house, upstream):
    busy = whole({"error": {"message": "Slow down", "code": "rate_limit_exceeded"}}, 429, headers={"retry-after-ms": "1"})
    upstream.answer("/v1/embeddings", busy, openai(ROWS[:1]))
    assert ask(house, "a").header("x-einion-attempts") == "2"


def test_a_bad_key(house, upstream):
    upstream.answer("/v1/embeddings", whole({"error": {"message": "Incorrect API key sk-upstream", "code": "invalid_api_key"}}, 401))
    before = spent(house)
    reply = ask(house, "a")
    refused(reply, 401, "does not accept the key")
    assert "sk-upstream" not in reply.text and spent(house) == before


NAN = base64.b64encode(struct.pack("<f", math.nan)).decode()


@pytest.mark.parametrize("reply, words", [
    (whole('{"data": [{"embedding": [NaN]}]}', headers={"Content-Type": "application/json"}), "not JSON"),
    (openai([ROWS[0]], form=lambda row: NAN), "a vector that is none"),
    (openai([ROWS[0]], form=lambda row: "!"), "a vector that is none"),
    (openai([ROWS[0]], form=lambda row: [1e39]), "a vector that is none"),
    (openai([ROWS[0]], form=lambda row: [None]), "a vector that is none"),
    (openai([ROWS[0]], form=lambda row: []), "a vector that is none"),
    (openai([]), "fewer vectors"), (openai(ROWS), "more vectors"), (whole({"data": 1}), "an answer that is none"),
    (whole({"data": [{"embedding": [1], "index": -1}]}), "more vectors"),
    (whole({"error": {"message": "no", "code": "server_error"}}), "overloaded"),
])  # fmt: skip
def test_what_is_no_answer(house, upstream, reply, words):
    upstream.answer("/v1/embeddings", reply)
    refused(ask(house, "a"), 503 if words == "overloaded" else 502, words)
    assert len(upstream.asked("/v1/embeddings")) == 3


def test_vectors_that_do_not_fit_together(house, upstream):
    twice = whole({"data": [{"embedding": [1], "index": 0}, {"embedding": [1], "index": 0}]})
    upstream.answer("/v1/embeddings", openai([[1], [1, 2]]), twice, openai([[1], [2]], 5))
    assert len(rows(ask(house, ["a", "b"]))) == 2
    upstream.answer("/v1/embeddings", openai([[1], [2]]))
    refused(ask(house, ["a", "b"], dimensions=9), 400, "1 dimensions, and not of 9")


def test_who_has_nothing_left(house, upstream):
    house.put("/users/me/spend-remaining", {"spendRemaining": 0})
    try:
        refused(ask(house, "a"), 402, "Insufficient spend allowance")
        assert not upstream.asked("/v1/embeddings")
        upstream.answer("/api/embed", whole({"embeddings": [[1]]}))
        assert ask(house, "a", "ollama/nomic-embed-text").status == 200
    finally:
        house.put("/users/me/spend-remaining", {"spendRemaining": 100})


# ---- where they are listed ----


def test_front_ends_are_not_offered_them(house):
    listed = {model["id"]: model for model in house.get("/v1/models").json["data"]}
    small = listed["openai/text-embedding-3-small"]
    assert small["embedding"] == {"dimensions": 1536} and small["price"]["input"] == 0.02
    assert "bedrock/amazon.titan-embed-text-v2:0" in listed
    assert house.get("/v1/models/text-embedding-3-small").json["id"] == "openai/text-embedding-3-small"
    claude = house.get("/v1/models", headers={"anthropic-version": "2023-06-01"}).text
    for text in (house.get("/providers").text, house.get("/providers/openai/models").text, claude):
        assert "gpt-4-turbo" in text and "embed" not in text
    assert house.get("/providers/openai/models/text-embedding-3-small").status == 404
