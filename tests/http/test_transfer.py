# SPDX-License-Identifier: Apache-2.0
"""einion export and import: from store to store, and from the original service's data."""

import json
import re
import subprocess
import threading
import urllib.request

import pytest
from node_tools import modules
from old_service import CODE, COLLECTIONS, GEMINI, OPENAI, REPORT, VARIABLE, CouchDB, write_folder
from support import TESTS, Person, Server, logins

STORES = ["sqlite", "postgres"]


class Place:
    """A store, the commands that work on it, and the server that serves it."""

    def __init__(self, backend, env, sets=()):
        self.server = Server(backend, sets=sets, env=env, port=1)
        self.server.port = None

    def command(self, *arguments, env=None, sets=()):
        port, self.server.port = self.server.port, self.server.port or 1
        command = [*self.server.command(), *(part for value in sets for part in ("--set", value)), *arguments]
        self.server.port = port
        return subprocess.run(command, env=self.server.environment() | (env or {}), capture_output=True, text=True, timeout=300)

    def run(self, *arguments, **options):
        done = self.command(*arguments, **options)
        assert done.returncode == 0, done.stderr
        for secret in (OPENAI, GEMINI, VARIABLE, CouchDB.password):
            assert secret not in done.stdout + done.stderr
        return done.stdout

    def fails(self, *arguments, **options):
        done = self.command(*arguments, **options)
        assert (done.returncode, done.stdout) == (1, "")
        return done.stderr

    def start(self):
        return self.server.start(ready=True)

    def stop(self):
        assert self.server.stop() == 0
        self.server.check()
        self.server.port = None


@pytest.fixture
def place(request, postgres, tmp_path):
    """place(backend): an empty store."""
    places = []

    def make(backend, **options):
        schema = f"move_{abs(hash(request.node.nodeid)) % 10**9}_{len(places)}"
        env = {"DATABASE_URL": postgres()} if backend == "postgres" else {}
        sets = [f"plugins.storage-postgres.schema={schema}"] if backend == "postgres" else []
        places.append(Place(backend, env, sets + options.pop("sets", [])))
        return places[-1]

    yield make
    for one in places:
        one.server.clean()


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "old")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The lines of an export."""
    folder = tmp_path_factory.mktemp("exported")
    here = Place("sqlite", {})
    here.run("import", str(write_folder(folder / "old")))
    here.run("export", str(folder / "out.jsonl"))
    here.server.clean()
    return (folder / "out.jsonl").read_text().splitlines()


@pytest.fixture
def couch():
    couch = CouchDB()
    yield couch
    couch.close()


def put(url, path, body=None):
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"}, method="POST" if body else "PUT")
    with urllib.request.urlopen(request, timeout=300) as reply:
        return json.load(reply)


@pytest.fixture
def pouch():
    """The URL of a PouchDB Server that has all of the old service's documents."""
    command = ["node", TESTS / "support" / "couch.mjs", modules("pouchdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/"
        for name, documents in COLLECTIONS.items():
            assert put(url, name) == {"ok": True}
            assert all(row.get("ok") for row in put(url, f"{name}/_bulk_docs", {"docs": documents}))
        yield url


def seen(server):
    """All that the API shows."""
    paths = ["/agents", "/deployments", "/demos", "/data-store/namespaces", "/users/me", "/users/me/api-keys",
             "/data-store/namespaces/default/records", "/data-store/namespaces/notes%2F2025/records"]
    return {path: server.get(path).json for path in paths}


# ---- from the original service ----


@pytest.mark.parametrize("backend", STORES)
def test_what_was_there_is_here(place, folder, backend):
    here = place(backend)
    report = here.run("import", str(folder))
    assert report.startswith(REPORT), report
    assert "usage: 2 entries brought, 1 left out: they have no cost or no time\n" in report
    assert "tickets: left out: answers of chats are fetched once, by the page that has asked\n" in report
    assert "surprise: left out: einion does not know what it is\n" in report
    assert report.endswith("3 keys and secrets are sealed in the vault\n")

    server = here.start()
    agents = {agent["_id"]: agent for agent in server.get("/agents").json}
    assert list(agents) == ["a-1", "a-2"]  # a-5 is Alice's
    old = {key: value for key, value in COLLECTIONS["agents"][0].items() if key not in ("createdAt", "updatedAt")}
    assert {key: agents["a-1"][key] for key in old} == old
    assert list(agents["a-1"]["tools"]) == ["http://mcp.local/mcp"]
    assert agents["a-1"]["createdAt"] == "2025-11-02T10:20:30.123456Z"
    assert agents["a-1"]["updatedAt"] == "2025-12-24T18:00:00.000000Z"
    assert agents["a-2"]["friendlyName"] == "old one"
    assert agents["a-2"]["swaggerSpecs"] == [] and agents["a-2"]["inputSchema"] == {"n": "integer"}
    assert agents["a-2"]["createdAt"] == "2024-01-02T03:04:05.000000Z"
    assert "TOKEN" in server.get("/agents/a-2/secrets").text and "EMPTY" not in server.get("/agents/a-2/secrets").text
    assert [one["version"] for one in server.get("/agents/a-1/versions").json] == [1]

    assert server.get("/agents/a-1/deployment").json == {"is_deployed": True, "friendly_name": "twice"}
    assert server.post("/rest/twice", {"n": 4}).json == {"twice": 8}
    assert server.put("/agents/a-1", {"description": "changed"}).json["description"] == "changed"

    demo = server.get("/demos/d-1").json
    assert (demo["generatedCode"]["html"], demo["created_at"]) == ("<p>", "2025-11-02T10:20:30.000000Z")

    records = server.get("/data-store/namespaces/default/records").json
    assert {one["key"]: one["value"] for one in records} == {"n": 7, "nothing": None}
    note = server.get("/data-store/namespaces/notes%2F2025/records/a%2Fb%20%C3%BC").json
    assert note["value"] == {"text": "é", "list": [1, 2.5, None]}
    assert (note["accessCount"], note["createdByAgent"], note["lastAccessedAt"]) == (3, "writer", "2025-12-24T18:00:00.000000Z")
    assert server.get("/data-store/namespaces/default").json["sizeBytes"] == len("7") + len("null")

    me = server.get("/users/me").json
    assert me["basicInfo"] == {"displayName": "Name of local-dev-user", "email": None}
    assert me["billingInfo"] == {"plan": "team", "status": None}
    assert (me["usageInfo"]["monthlyAllowance"], me["usageInfo"]["spendRemaining"]) == (50, 12.25)
    assert [(one["responseCost"], one["metadata"]) for one in me["usageInfo"]["usage"]] == [(0.1, {"model": "gpt-4o"}), (0.2, None)]
    assert me["usageInfo"]["usage"][0]["timestamp"] == "2025-12-01T00:00:00.500000Z"
    keys = server.get("/users/me/api-keys").json
    assert (keys["openaiApiKey"], keys["geminiApiKey"], keys["anthropicApiKey"]) == ("sk-…cdef", "AIz…cdef", None)
    assert server.get("/users/me/api-keys/openai/effective").json["source"] == "user"
    here.stop()
    for path in here.server.state.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(key.encode() in content for key in (OPENAI, GEMINI, VARIABLE)), path


@pytest.mark.parametrize("backend", STORES)
def test_a_second_import_changes_nothing(place, folder, backend):
    here = place(backend)
    here.run("import", str(folder))
    server = here.start()
    server.put("/agents/a-1", {"description": "changed here"})
    server.put("/users/me/api-keys", {"provider": "openai", "api_key": "sk-new-0123456789abcdef-new"})
    server.put("/data-store/namespaces/default/records/n", {"value": "changed here"})
    before = seen(server)
    here.stop()
    report = here.run("import", str(folder))
    assert "users: 0 brought, 2 here already, 1 left out\n" in report
    assert "agents: 0 brought, 3 here already, 2 left out\n" in report
    assert "agent_data_store: 0 brought, 4 here already, 2 left out\n" in report
    assert "usage:" not in report and "sealed" not in report
    assert seen(here.start()) == before
    here.stop()


def test_in_memory_it_says_what_it_would_do(place, folder):
    report = place("memory").run("import", str(folder))
    assert report.startswith(REPORT) and report.endswith("3 keys and secrets are sealed in the vault\n")


def test_whose_it_is_can_be_said(place, folder):
    here = place("sqlite", sets=[logins(), "plugins.transfer.owner=dev_stub:alice", "plugins.transfer.workspace=project:tomcat"])
    here.run("import", str(folder))
    server = here.start()
    carol, dave, alice = (Person(server).login(name) for name in ("carol", "dave", "alice"))
    assert [agent["_id"] for agent in carol.get("/agents").json] == ["a-1", "a-2"]
    assert {agent["_id"] for agent in alice.get("/agents").json} == {"a-1", "a-2", "a-5"}
    assert dave.get("/agents").json == []
    assert alice.get("/data-store/namespaces/default/records/n").json["value"] == "hers"
    assert carol.post("/rest/twice", {"n": 2}).json == {"twice": 4}
    here.stop()


# ---- a running CouchDB ----


def the_same(here, there):
    """What was imported from a database is what was imported from a folder."""
    one, other = (without_revisions(seen(place.start())) for place in (here, there))
    for whole in (one, other):  # the database gives out in the order of ids
        whole["/agents"].sort(key=lambda agent: agent["_id"])
        for agent in whole["/agents"]:
            del agent["updatedAt"], agent["createdAt"]  # one of them had none
        for path in whole:
            if path.endswith("/records"):
                whole[path].sort(key=lambda record: record["key"])
    here.stop()
    there.stop()
    return one == other


def test_a_running_database_gives_the_same(place, folder, couch):
    here, there = place("sqlite"), place("sqlite")
    assert here.run("import", couch.url, sets=["plugins.transfer.page=2"]).startswith(REPORT)
    there.run("import", str(folder))
    assert all(path.startswith("/_all_dbs") or "include_docs=true&limit=2" in path for path in couch.asked)
    assert not any("tickets" in path or "sessions" in path for path in couch.asked)
    assert the_same(here, there)


def test_a_database_of_others_gives_the_same(place, folder, pouch):
    """Another's server of CouchDB's protocol, which was filled as any client fills it."""
    here, there = place("sqlite"), place("sqlite")
    assert here.run("import", pouch, sets=["plugins.transfer.page=2"]).startswith(REPORT)
    there.run("import", str(folder))
    assert the_same(here, there)


def test_who_is_asked_for_may_stand_in_the_environment(place, couch):
    here = place("sqlite")
    wrong = here.fails("import", f"http://{couch.host}")
    assert wrong == (f"einion: http://{couch.host}/_all_dbs: the database lets nobody in with this user and password "
                     "(Name or password is incorrect.); they belong in the URL, or into COUCHDB_USER and COUCHDB_PASSWORD\n")  # fmt: skip
    env = {"COUCHDB_USER": couch.user, "COUCHDB_PASSWORD": couch.password}
    assert here.run("import", f"http://{couch.host}", env=env).startswith(REPORT)


def test_a_database_that_fails_is_told_of(place, couch):
    here = place("sqlite")
    couch.broken = "demos"
    said = here.fails("import", couch.url)
    assert f"http://{couch.host}/demos/_all_docs" in said and "the answer is 500 (no reason is given)" in said
    assert couch.password not in said
    couch.broken = None
    report = here.run("import", couch.url)  # and what was brought before it failed is not brought again
    assert "agents: 0 brought, 3 here already, 2 left out\n" in report
    assert "demos: 1 brought" in report
    couch.close()
    assert couch.host.split(":")[0] in here.fails("import", couch.url)


# ---- files that are none ----


@pytest.mark.parametrize("content, words", [
    ("{", "agents.json:1: "), ("[]", "agents.json has no rows: it takes what _all_docs?include_docs=true answers"),
    ('{"rows": [{"id": "a", "key": "a", "value": {}}]}', "row 1 has no document"), ('{"rows": 5}', "has no rows"),
])  # fmt: skip
def test_a_file_that_is_none_is_told_of(place, tmp_path, content, words):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "agents.json").write_text(content)
    assert words in place("sqlite").fails("import", str(tmp_path / "old"))


def test_a_folder_without_anything_is_told_of(place, tmp_path):
    (tmp_path / "old").mkdir()
    here = place("sqlite")
    assert "there is nothing to import" in here.fails("import", str(tmp_path / "old"))
    assert "cannot be read: No such file or directory" in here.fails("import", str(tmp_path / "nowhere"))


def test_how_long_a_file_may_be_is_a_setting(place, folder):
    said = place("sqlite").fails("import", str(folder), sets=["plugins.transfer.file_bytes=1024"])
    assert "has more than 1024 bytes (plugins.transfer.file_bytes)" in said


def test_strange_documents_are_left_out(place, tmp_path):
    strange = [{"_id": "x", "name": 5}, {"_id": "y"}, {"name": "no id"}, {"_id": "z" * 600, "name": "n", "description": "d", "code": CODE}]
    (tmp_path / "old").mkdir()
    rows = {"rows": [{"doc": doc} for doc in strange]}
    (tmp_path / "old" / "agents.json").write_text(json.dumps(rows))
    report = place("sqlite").run("import", str(tmp_path / "old"))
    assert report.startswith("agents: 0 brought, 0 here already, 4 left out\n  left out: x: its name is not a text\n  left out: y: it has no name\n"
                             "  left out: ?: it is not a document: it has no _id\n")  # fmt: skip
    assert report.rstrip().endswith("its _id is too long")


# ---- einion's own ----


def master_key(place):
    """The key that has sealed the secrets there."""
    file = place.server.state / "vault.key"
    return re.search("[0-9a-f]{64}", file.read_text())[0] if file.exists() else place.server.environment()["EINION_MASTER_KEY"]


def without_revisions(value):
    if isinstance(value, dict):
        return {key: without_revisions(item) for key, item in value.items() if key != "_rev"}
    return [without_revisions(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("source, target", [("sqlite", "sqlite"), ("sqlite", "postgres"), ("postgres", "sqlite")])
def test_everything_goes_from_store_to_store(place, folder, tmp_path, source, target):
    here, there = place(source), place(target)
    here.run("import", str(folder))
    server = here.start()
    server.post("/agents/run-code", {"tools": {}, "inputDict": {"n": 3}, "code": CODE})
    server.put("/users/me/time-zone", {"timeZone": "Europe/Berlin"})
    before = seen(server)
    out = tmp_path / "out.jsonl"
    if source == "sqlite":
        assert "documents" in here.run("export", str(out))  # while the server runs
        out.unlink()
    here.stop()
    report = here.run("export", str(out))
    assert report.endswith(f"{out}: {len(out.read_text().splitlines()) - 2} documents\n")
    assert "agents: 3\n" in report
    assert out.stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert lines[0]["einion"]["format"] == 1 and lines[-1]["end"] == len(lines) - 2
    assert not any(secret in out.read_text() for secret in (OPENAI, GEMINI, VARIABLE))
    assert not any("_rev" in line["doc"] for line in lines[1:-1])

    assert "exists already" in here.fails("export", str(out))
    there.server.env = there.server.env | {"EINION_MASTER_KEY": master_key(here)}
    report = there.run("import", str(out))
    assert "agents: 3 brought, 0 here already, 0 here and different\n" in report
    assert "cannot be opened" not in report
    after = seen(there.start())
    assert without_revisions(after) == without_revisions(before)
    assert there.server.post("/rest/twice", {"n": 4}).json == {"twice": 8}
    there.stop()


@pytest.mark.parametrize("backend", STORES)
def test_an_export_is_of_one_moment(place, tmp_path, backend):
    """Each call's entry and what it takes from the account are written at once, in two sets."""
    here, ends = place(backend), threading.Event()
    server = here.start()

    def spend():
        while not ends.is_set():
            server.post("/users/me/usage", {"responseCost": 0.001})

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for number in range(6):
            out = tmp_path / f"{number}.jsonl"
            here.run("export", str(out))
            lines = [json.loads(line) for line in out.read_text().splitlines()][1:-1]
            of = lambda name: [line["doc"] for line in lines if line["set"] == name]  # noqa: E731, B023
            left = sum(account["remainingNano"] + account["heldNano"] for account in of("ledger_accounts"))
            assert left == 100_000_000_000 - sum(entry["costNano"] for entry in of("ledger_entries"))
    finally:
        ends.set()
        for thread in threads:
            thread.join()
    assert len(of("ledger_entries")) > 6
    here.stop()


def test_what_is_here_and_different_stays(place, folder, tmp_path):
    here = place("sqlite")
    here.run("import", str(folder))
    out = tmp_path / "out.jsonl"
    here.run("export", str(out))
    report = here.run("import", str(out))
    assert "agents: 0 brought, 3 here already, 0 here and different\n" in report
    server = here.start()
    server.put("/data-store/namespaces/default/records/n", {"value": "changed"})
    here.stop()
    report = here.run("import", str(out))
    assert "data_store: 0 brought, 3 here already, 1 here and different\n  left as it is: local-dev-user:default:bg==\n" in report
    assert here.start().get("/data-store/namespaces/default/records/n").json["value"] == "changed"
    here.stop()


def test_secrets_of_another_key_are_told_of(place, folder, tmp_path):
    here, there = place("sqlite"), place("sqlite")
    here.run("import", str(folder))
    here.run("export", str(tmp_path / "out.jsonl"))
    report = there.run("import", str(tmp_path / "out.jsonl"))
    assert "vault: the secrets cannot be opened here (" in report
    assert "add the key that sealed them to this server's key_file" in report


def test_who_is_logged_in_is_not_in_an_export(place, tmp_path):
    here = place("sqlite", sets=[logins()])
    Person(here.start()).login("alice")
    here.stop()
    report = here.run("export", str(tmp_path / "out.jsonl"))
    assert "auth_sessions: left out (plugins.transfer.left_out)\n" in report
    for name in ("auth_sessions", "auth_states", "auth_keys"):  # the last is in clear: who reads it could forge logins under way
        assert f'"{name}"' not in (tmp_path / "out.jsonl").read_text()
    report = here.run("export", str(tmp_path / "all.jsonl"), sets=["plugins.transfer.left_out=[]"])
    assert "left out" not in report and '"auth_sessions"' in (tmp_path / "all.jsonl").read_text()


@pytest.mark.parametrize("spoil, words", [
    (lambda lines: lines[1:], ":1: this is not an einion export"),
    (lambda lines: lines[:-1], "the end is missing: the file is incomplete"),
    (lambda lines: lines[:2] + lines[3:], "documents are missing: the file is incomplete"),
    (lambda lines: lines[:3] + [lines[3][:20]] + lines[4:], ":4: this is not JSON: the file is incomplete"),
    (lambda lines: lines + [lines[1]], "there is more after the end"),
    (lambda lines: [lines[0].replace('"format":1', '"format":2')] + lines[1:], "written by a newer einion"),
    (lambda lines: lines[:1] + ['{"set":"agents","doc":{}}'] + lines[2:], ":2: this is not a document"),
    (lambda lines: [], "the end is missing"),
    (lambda lines: lines[:1] + [lines[1].replace('"_id":"', '"_id":"~', 1)] + lines[2:], "what is above is not what was written"),
    (lambda lines: [lines[0].replace('"version":"', '"version":"~')] + lines[1:], "what is above is not what was written"),
    (lambda lines: lines[:1] + lines[2:3] + lines[1:2] + lines[3:], "what is above is not what was written"),
])  # fmt: skip
def test_a_file_that_is_not_whole_is_not_begun(place, exported, tmp_path, spoil, words):
    here, out = place("sqlite"), tmp_path / "out.jsonl"
    out.write_text("".join(line + "\n" for line in spoil(exported)))
    assert words in here.fails("import", str(out))
    here.run("export", str(tmp_path / "left.jsonl"))
    assert '"agents"' not in (tmp_path / "left.jsonl").read_text()


def test_a_file_that_was_changed_on_purpose_is_brought_without_its_sum(place, exported, tmp_path):
    here, out = place("sqlite"), tmp_path / "out.jsonl"
    end = json.loads(exported[-1])
    assert len(end.pop("sum")) == 16
    changed = [line.replace("local-dev-user", "somebody") for line in exported[:-1]]
    out.write_text("".join(line + "\n" for line in [*changed, json.dumps(end)]))
    assert " brought, 0 here already" in here.run("import", str(out))


def test_an_import_has_the_store_to_itself(place, folder):
    here = place("sqlite")
    here.start()
    port, here.server.port = here.server.port, None
    assert "one server at a time may own it" in here.fails("import", str(folder))
    here.server.port = port
    assert here.server.get("/agents").json == []
    here.stop()
