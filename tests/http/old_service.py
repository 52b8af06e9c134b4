# SPDX-License-Identifier: Apache-2.0
"""What the original service has kept, as its CouchDB would give it out."""

import base64
import http.server
import json
import threading
import urllib.parse

CODE = "async def run(input_dict, tools):\n    return {'twice': 2 * input_dict['n']}\n"
OPENAI, GEMINI, VARIABLE = "sk-old-0123456789abcdef", "AIza-old-0123456789abcdef", "token-of-an-agent-1234"
TIMES = {"createdAt": "2025-11-02T10:20:30.123456", "updatedAt": "2025-12-24T18:00:00"}


def record(user, namespace, key, value, **members):
    id = f"{user}:{namespace}:{base64.urlsafe_b64encode(key.encode()).decode()}"
    return {"_id": id, "userId": user, "namespace": namespace, "key": key, "value": value, "metadata": {},
            "createdByAgent": "writer", "lastAccessedByAgent": "writer", "accessCount": 3, **TIMES,
            "lastAccessedAt": "2025-12-24T18:00:00", **members}  # fmt: skip


def user(id, allowance=100.0, left=100.0, usage=(), **keys):
    names = ("openaiApiKey", "anthropicApiKey", "geminiApiKey", "perplexityApiKey", "openrouterApiKey")
    return {"_id": id, **TIMES, "basicInfo": {"displayName": f"Name of {id}", "email": None},
            "billingInfo": {"plan": "team", "status": None}, "apiKeys": dict.fromkeys(names) | keys,
            "usageInfo": {"monthlyAllowance": allowance, "allowanceResetDate": 0.0, "spendRemaining": left,
                          "usage": list(usage)}}  # fmt: skip


COLLECTIONS = {
    "users": [
        user("local-dev-user", 50.0, 12.25, openaiApiKey=OPENAI, geminiApiKey=GEMINI, usage=[
            {"timestamp": "2025-12-01T00:00:00.5", "responseCost": 0.1, "metadata": {"model": "gpt-4o"}},
            {"timestamp": "2025-12-02T00:00:00", "responseCost": 0.2, "metadata": None},
            {"timestamp": "yesterday", "responseCost": 1},
        ]),
        user("dev_stub:alice"),
        user("dev_stub:broke", allowance=-5.0),
        {"_id": "_design/by-mail", "views": {}},
    ],
    "agents": [
        {"_id": "a-1", "name": "Twice", "description": "Doubles n", "code": CODE, "docstring": "d", "friendlyName": "twice",
         "tools": {"http://mcp.local/mcp": ["b", "a"]}, "swaggerSpecs": [{"name": "s", "content": "{}"}],
         "inputSchema": {"n": "integer"}, "outputSchema": {"twice": "integer"}, "invokableModels": None,
         "gofannonAgents": ["a-2"], "composerThoughts": {"x": [1]}, "composerModelConfig": None,
         "dataStoreConfig": [{"namespace": "default", "access": "both", "description": None}], **TIMES},
        {"_id": "a-2", "name": "Old", "description": "in the spelling of before", "code": CODE, "friendly_name": "old one",
         "swagger_specs": None, "input_schema": {"n": "integer"}, "created_at": "2024-01-02 03:04:05", "env_vars": {"TOKEN": VARIABLE, "EMPTY": ""}},
        {"_id": "a-3", "name": "No code", "description": "d", "code": None},
        {"_id": "a-4", "name": "Bad tools", "description": "d", "code": CODE, "tools": ["x"]},
        {"_id": "a-5", "name": "Alice's", "description": "d", "code": CODE, "userId": "dev_stub:alice"},
    ],
    "deployments": [{"_id": "twice", "agentId": "a-1"}, {"_id": "gone", "agentId": "a-9"}, {"_id": "nothing"}],
    "demos": [
        {"_id": "d-1", "name": "Demo", "description": None, "selectedApis": [], "userPrompt": "make it",
         "modelConfig": {"provider": "openai", "model": "gpt-4o", "parameters": {}},
         "generatedCode": {"html": "<p>", "css": "", "js": "", "thoughts": None}, "composerThoughts": None,
         "created_at": "2025-11-02T10:20:30", "updated_at": "2025-11-02T10:20:31"},
        {"_id": "d-2", "name": "Half a demo"},
    ],
    "agent_data_store": [
        record("local-dev-user", "default", "n", 7), record("local-dev-user", "notes/2025", "a/b ü", {"text": "é", "list": [1, 2.5, None]}),
        record("local-dev-user", "default", "nothing", None), record("dev_stub:alice", "default", "n", "hers"),
        {**record("local-dev-user", "default", "x", 1), "key": 5}, record("local-dev-user", "n" * 500, "long", 1),
    ],
    "tickets": [{"_id": "t-1", "status": "completed", "result": {"content": "x"}}],
    "sessions": [{"_id": "s-1", "provider_config": {"provider": "openai", "model": "gpt-4o", "parameters": {}}}],
    "user_sessions": [{"_id": "u" * 43, "user_uid": "dev_stub:alice"}],
    "_users": [{"_id": "_design/_auth"}],
    "surprise": [{"_id": "x"}],
}  # fmt: skip

REPORT = """\
users: 2 brought, 0 here already, 1 left out
  left out: dev_stub:broke: its allowance, or what is left of it, is not an amount
  left out: 1 _design documents: einion has its own indexes
agents: 3 brought, 0 here already, 2 left out
  left out: a-3: it has no code
  left out: a-4: its tools is not an object
deployments: 1 brought, 0 here already, 2 left out
  left out: gone: its agent a-9 is not here
  left out: nothing: it has no agentId
demos: 1 brought, 0 here already, 1 left out
  left out: d-2: it has no modelConfig
agent_data_store: 4 brought, 0 here already, 2 left out"""


def all_docs(documents):
    rows = [{"id": doc["_id"], "key": doc["_id"], "value": {"rev": "1-x"}, "doc": {"_rev": "1-x", **doc}} for doc in documents]
    return {"total_rows": len(rows), "offset": 0, "rows": rows}


def write_folder(folder):
    folder.mkdir()
    for name, documents in COLLECTIONS.items():
        (folder / f"{name}.json").write_text(json.dumps(all_docs(documents)))
    (folder / "README.txt").write_text("nothing to see")
    return folder


class CouchDB:
    """CouchDB, as far as it is asked: _all_dbs, and _all_docs in pages, for one user."""

    user, password = "admin", "pä:ss@word"

    def __init__(self):
        couch, self.asked, self.broken = self, [], None

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                couch.asked.append(self.path)
                status, answer = couch.answer(self.path, self.headers.get("Authorization"))
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, authorization):
        path = urllib.parse.urlsplit(path)
        query = dict(urllib.parse.parse_qsl(path.query))
        if authorization != "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode():
            return 401, {"error": "unauthorized", "reason": "Name or password is incorrect."}
        if path.path == "/_all_dbs":
            return 200, sorted(COLLECTIONS)
        name = urllib.parse.unquote(path.path.split("/")[1])
        if name == self.broken:
            return 500, b"<html>oops"
        documents = sorted(COLLECTIONS[name], key=lambda doc: doc["_id"])
        if "startkey" in query:
            documents = [doc for doc in documents if doc["_id"] >= json.loads(query["startkey"])]
        documents = documents[int(query.get("skip", 0)):]
        return 200, all_docs(documents[: int(query["limit"])])

    @property
    def url(self):
        return f"http://{self.user}:{urllib.parse.quote(self.password, safe='')}@{self.host}/"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
