# SPDX-License-Identifier: Apache-2.0
"""/data-store: what agents keep."""

import base64
import json
import re
import threading
from urllib.parse import quote

import pytest

MEMBERS = ["_id", "userId", "namespace", "key", "value", "metadata", "createdByAgent", "lastAccessedByAgent", "accessCount", "createdAt", "updatedAt", "lastAccessedAt"]  # fmt: skip


@pytest.fixture
def store(server):
    """The server, with no namespace in it before and after."""

    def clear():
        for one in server.get("/data-store/namespaces").json["namespaces"]:
            server.delete("/data-store/namespaces/" + quote(one["namespace"], safe=""))

    clear()
    yield server
    clear()


def url(key, namespace="default"):
    return f"/data-store/namespaces/{quote(namespace, safe='')}/records/{quote(key, safe='')}"


def test_a_new_record_has_all_its_members(store):
    reply = store.put(url("k1"), {"value": {"x": 1}})
    record = reply.json
    assert (reply.status, list(record)) == (200, MEMBERS)
    assert record["_id"] == "local-dev-user:default:azE="
    assert (record["userId"], record["namespace"], record["key"]) == ("local-dev-user", "default", "k1")
    assert (record["value"], record["metadata"], record["accessCount"]) == ({"x": 1}, {}, 0)
    assert record["createdByAgent"] is record["lastAccessedByAgent"] is record["lastAccessedAt"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", record["createdAt"])
    assert store.get(url("k1")).json == record


def test_an_existing_record_keeps_what_was_created_and_merges_metadata(store):
    first = store.put(url("k1"), {"value": 1, "metadata": {"a": 1, "b": 1}}).json
    second = store.put(url("k1"), {"value": 2, "metadata": {"b": 2}}).json
    third = store.put(url("k1"), {"value": None}).json
    assert second["metadata"] == third["metadata"] == {"a": 1, "b": 2}
    assert (second["value"], third["value"]) == (2, None)
    assert first["createdAt"] == second["createdAt"] == third["createdAt"]
    assert first["updatedAt"] < second["updatedAt"] < third["updatedAt"]


def test_a_value_is_needed_but_may_be_null(store):
    reply = store.put(url("n3"), {"metadata": {}})
    assert reply.status == 422
    assert reply.detail == [{"type": "missing", "loc": ["body", "value"], "msg": "Field required", "input": {"metadata": {}}}]
    assert store.put(url("n3"), {"value": None, "metadata": None}).json["value"] is None
    assert store.put(url("n3"), {"value": 1, "metadata": []}).detail[0]["type"] == "dict_type"


def test_what_is_not_there_is_404(store):
    for method in ("GET", "DELETE"):
        reply = store.request(method, url("zzz"))
        assert (reply.status, reply.json) == (404, {"detail": "Record 'zzz' not found in 'default'"})
    assert store.delete("/data-store/namespaces/zzz").json == {"namespace": "zzz", "deletedCount": 0}
    reply = store.get("/data-store/namespaces/zzz")
    assert reply.json == {"namespace": "zzz", "recordCount": 0, "sizeBytes": 0, "agents": [], "updatedAt": None}
    assert store.get("/data-store/namespaces").json == {"namespaces": [], "totalRecordCount": 0, "totalSizeBytes": 0}


def test_a_deleted_record_is_gone(store):
    store.put(url("k1"), {"value": 1})
    reply = store.delete(url("k1"))
    assert (reply.status, reply.body) == (204, b"")
    assert store.get(url("k1")).status == 404


@pytest.mark.parametrize("key", ["a/b/c.py", "/", "a//b/", "ключ", "a b+c?d#e%", "..", "../..", "k:1", "\U0001f600"])
def test_a_key_may_be_any_text(store, key):
    path = url(key, "files:a/b").replace("..", "%2E%2E")
    record = store.put(path, {"value": key}).json
    assert (record["key"], record["namespace"]) == (key, "files:a/b")
    assert record["_id"] == "local-dev-user:files:a/b:" + base64.urlsafe_b64encode(key.encode()).decode()
    assert store.get(path).json == record
    assert store.delete(path).status == 204


def test_slashes_of_a_key_may_be_raw(store):
    store.put("/data-store/namespaces/n/records/src/main.c", {"value": 1})
    assert store.get(url("src/main.c", "n")).json["key"] == "src/main.c"


def test_a_name_that_is_too_long_is_refused(store):
    assert store.put(url("k" * 300), {"value": 1}).status == 200
    for path in (url("k" * 400), url("k", "n" * 510)):
        reply = store.put(path, {"value": 1})
        assert reply.status == 422 and "too long" in reply.detail


def test_a_value_that_is_too_large_is_refused(start_server):
    server = start_server(backend="memory", sets=["plugins.data-store.max_value_bytes=100"])
    assert server.put(url("k"), {"value": "x" * 98}).status == 200
    reply = server.put(url("k"), {"value": "x" * 99})
    assert (reply.status, reply.json) == (413, {"detail": "The value has 101 bytes; at most 100 are kept."})


def told(server, *asks):
    """How many values an agent is given for each of these, or why it is given none."""
    code = f"""async def run(input_dict, tools):
    store, said = data_store.use_namespace('all'), []
    for ask in ({", ".join(f"lambda: store.{ask}" for ask in asks)},):
        try:
            said.append(len(ask()))
        except Exception as error:
            said.append(str(error))
    return said"""
    return server.post("/agents/run-code", {"code": code, "inputDict": {}, "tools": {}}).json["result"]


def test_no_more_is_gathered_for_an_agent_than_it_may_be_given(start_server):
    server = start_server(backend="memory", sets=["plugins.data-store.max_many_bytes=1000"], ready=True)
    for key in ("a", "b", "c"):
        assert server.put(url(key, "all"), {"value": "x" * 398}).status == 200
    said = told(server, "get_many(['a', 'b'])", "list_keys()", "get_all()", "get_many(['a', 'b', 'c'])")
    assert said[:2] == [2, 3] and all("longer than 1000 bytes together" in one for one in said[2:])


def test_no_more_is_gathered_for_an_agent_than_memory_is_left_to_it(start_server):
    server = start_server(backend="memory", sets=["plugins.data-store.max_many_memory=1000000"], ready=True)
    assert server.put(url("short", "all"), {"value": ["x" * 100] * 500}).status == 200
    assert server.put(url("empty", "all"), {"value": [{}] * 5000}).status == 200  # 20 kB of text, a megabyte and more of memory
    said = told(server, "get('short')", "get_all()", "get('empty')", "get_many(['empty', 'short'])")
    assert said[0] == 500 and all("take more than 1000000 bytes of memory together" in one for one in said[1:])


# ---- namespaces ----

VALUES = [None, True, 0, -1, 0.1, 1.0, 1e16, 1e15, 1e-05, 1.5e300, "", "é", "€", "\U0001f600", 'a"b\\c\n\t\x01\x7f', [], {}, [1, [2]],
          {"a": {"b": [None, 1.25]}, "ü": "x"}, 2**62, 123456789.123456789, 5e-324]  # fmt: skip


def test_sizes_are_those_of_pythons_json(store):
    for i, value in enumerate(VALUES):
        store.put(url(f"k{i}"), {"value": value})
    total = sum(len(json.dumps(value)) for value in VALUES)
    summary = store.get("/data-store/namespaces/default").json
    assert (summary["recordCount"], summary["sizeBytes"]) == (len(VALUES), total)
    assert list(summary) == ["namespace", "recordCount", "sizeBytes", "agents", "updatedAt"]
    assert store.get("/data-store/namespaces").json["totalSizeBytes"] == total


def test_a_namespace_was_updated_when_its_last_record_was(store):
    store.put(url("a"), {"value": 1})
    store.put(url("b"), {"value": 1})
    last = store.put(url("a"), {"value": 2}).json
    assert store.get("/data-store/namespaces/default").json["updatedAt"] == last["updatedAt"]


def test_namespaces_are_listed_by_name(store):
    for name in ("b", "a:2", "Z", "a", "é"):
        store.put(url("k", name), {"value": name})
    listing = store.get("/data-store/namespaces").json
    assert [one["namespace"] for one in listing["namespaces"]] == ["Z", "a", "a:2", "b", "é"]
    assert listing["totalRecordCount"] == 5


def test_a_namespace_is_emptied_at_once(store):
    for i in range(30):
        store.put(url(f"k{i}"), {"value": i})
    store.put(url("k", "other"), {"value": 1})
    assert store.delete("/data-store/namespaces/default").json == {"namespace": "default", "deletedCount": 30}
    assert [one["namespace"] for one in store.get("/data-store/namespaces").json["namespaces"]] == ["other"]


# ---- lists ----


def pages(server, path):
    """The replies of a list and its next pages."""
    while path:
        reply = server.get(path)
        assert reply.status == 200
        yield reply.json
        link = re.fullmatch(r'<([^>]+)>; rel="next"', reply.header("Link") or "")
        path = link and link[1]


def test_records_come_in_order_of_creation_whole_or_in_pages(store):
    keys = [f"k{i}" for i in (3, 1, 2, 9, 5, 4, 0)]
    for key in keys:
        store.put(url(key, "a b/ü"), {"value": 1})
    store.put(url("k1", "a b/ü"), {"value": 2})
    path = f"/data-store/namespaces/{quote('a b/ü', safe='')}/records"
    (whole,) = pages(store, path)
    assert [record["key"] for record in whole] == keys
    paged = list(pages(store, path + "?limit=3"))
    assert [len(page) for page in paged] == [3, 3, 1]
    assert sum(paged, []) == whole


def test_namespaces_come_in_pages_with_the_totals_of_all(store):
    names = ["a", "b/c", "d é", "e%", "f&g=h"]
    for name in names:
        store.put(url("k", name), {"value": 1})
    paged = list(pages(store, "/data-store/namespaces?limit=2"))
    assert [one["namespace"] for page in paged for one in page["namespaces"]] == names
    assert [page["totalRecordCount"] for page in paged] == [5, 5, 5]


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1001", "1.5"])
def test_a_limit_out_of_range_is_refused(store, limit):
    for path in ("/data-store/namespaces", "/data-store/namespaces/n/records"):
        reply = store.get(f"{path}?limit={limit}")
        assert reply.status == 422 and reply.detail[0]["loc"] == ["query", "limit"]


# ---- revisions ----


def test_a_stale_revision_changes_nothing(store):
    reply = store.put(url("k1"), {"value": 1})
    first = reply.header("ETag")
    assert store.get(url("k1")).header("ETag") == first
    assert store.get(url("k1"), headers={"If-None-Match": first}).status == 304

    second = store.put(url("k1"), {"value": 2}, headers={"If-Match": first}).header("ETag")
    assert second != first
    assert store.put(url("k1"), {"value": 3}, headers={"If-Match": first}).status == 412
    assert store.put(url("k1"), {"value": 3, "_rev": first.strip('"')}).status == 409
    assert store.delete(url("k1"), headers={"If-Match": first}).status == 412
    assert store.put(url("new"), {"value": 3}, headers={"If-Match": "*"}).status == 412
    assert store.get(url("k1")).json["value"] == 2
    assert store.put(url("k1"), {"value": 3, "_rev": second.strip('"')}).status == 200
    assert store.delete(url("k1"), headers={"If-Match": "*"}).status == 204


def at_once(count, work):
    """work(i) for each i, in as many threads; what went wrong."""
    faults = []

    def run(i):
        try:
            work(i)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=[i]) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults


def test_metadata_of_writers_at_once_are_all_kept(store):
    def write(i):
        assert store.put(url("shared"), {"value": i, "metadata": {f"w{i}": i}}).status == 200

    assert at_once(24, write) == []
    assert store.get(url("shared")).json["metadata"].keys() == {f"w{i}" for i in range(24)}


def test_increments_at_once_are_all_counted(store):
    store.put(url("counter"), {"value": 0})

    def increment(_):
        while True:
            reply = store.get(url("counter"))
            reply = store.put(url("counter"), {"value": reply.json["value"] + 1}, headers={"If-Match": reply.header("ETag")})
            if reply.status == 200:
                return
            assert reply.status == 412

    assert at_once(16, increment) == []
    assert store.get(url("counter")).json["value"] == 16


def test_writers_and_clearers_at_once_get_clear_answers(store):
    def work(i):
        if i % 4:
            assert store.put(url(f"k{i}"), {"value": i}).status == 200
        else:
            assert store.delete("/data-store/namespaces/default").status == 200

    assert at_once(24, work) == []
    assert store.healthy()


# ---- agents ----

AGENT = """
async def run(input_dict, tools):
    data_store.set("k1", {"x": 1})
    data_store.set("k2", "two", metadata={"m": 1})
    first = data_store.get("k1")
    other = data_store.use_namespace("files:a/b")
    other.set_many({"b": 2, "a": 1})
    return {"first": first, "missing": data_store.get("none", 7), "keys": other.list_keys(),
            "all": other.get_all(), "many": other.get_many(["a", "zz"]), "names": data_store.list_namespaces(),
            "deleted": [data_store.delete("k2"), data_store.delete("k2")], "cleared": other.clear()}
"""


def test_what_an_agent_keeps_is_there_for_its_user(agent_server):
    for name in ("default", "files:a/b"):
        agent_server.delete("/data-store/namespaces/" + quote(name, safe=""))
    run = agent_server.post("/agents/run-code", {"code": AGENT, "inputDict": {}, "tools": {}, "friendlyName": "storer"}).json
    assert run["error"] is None
    assert run["result"] == {
        "first": {"x": 1}, "missing": 7, "keys": ["a", "b"], "all": {"a": 1, "b": 2}, "many": {"a": 1},
        "names": ["default", "files:a/b"], "deleted": [True, False], "cleared": 2,
    }  # fmt: skip
    assert [entry["op"] for entry in run["opsLog"]] == ["set", "set", "get", "set_many", "get", "list_keys", "get_all", "get_many", "list_namespaces", "delete", "delete", "clear"]  # fmt: skip
    record = agent_server.get(url("k1")).json
    assert (record["createdByAgent"], record["lastAccessedByAgent"], record["accessCount"]) == ("storer", "storer", 1)
    assert agent_server.get("/data-store/namespaces/default").json["agents"] == ["storer"]
    agent_server.delete("/data-store/namespaces/default")
