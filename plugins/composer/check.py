# SPDX-License-Identifier: Apache-2.0
"""Reads an agent's code without running it: does it compile, is run() there, is each name known, and
does it call only what was declared?  Runs as an agent itself, in the sandbox; what cannot be told from
the text is left to the rehearsal."""
import ast
import builtins
import importlib.util
import re
import sys
import warnings

FAULTS_MAX = 20
HOLE = "\0"  # what is not known of a text

GIVEN = {"asyncio", "re", "json", "httpx", "http_client", "gofannon_client", "data_store", "RemoteMCPClient",
         "call_llm", "get_context_window", "count_tokens", "count_message_tokens", "__name__", "__file__"}
HIDING = {"eval", "exec", "compile", "__import__", "globals", "breakpoint"}
INSTEAD = {
    "http_client": {"requests", "aiohttp", "urllib3", "urllib.request", "http.client", "socket", "ssl", "ftplib",
                    "smtplib", "websocket", "websockets"},
    "call_llm()": {"openai", "anthropic", "google.generativeai", "litellm", "boto3", "ollama"},
    "RemoteMCPClient": {"mcp", "fastmcp"},
    "what it is given": {"subprocess", "multiprocessing", "ctypes", "importlib", "pty", "agent_rt", "channel", "given",
                         "model_call", "remote_http", "remote_mcp"},
}
PROVIDED = {"agent_factory", "services"}
HTTP_METHODS = {"get", "post", "put", "patch", "delete", "head", "options"}


class Fault(Exception):
    pass


def within(function):
    """All that belongs to it, and not to a function in it."""
    inner = list(function.body)
    while inner:
        node = inner.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            inner.extend(ast.iter_child_nodes(node))


def is_installed(name):
    top = name.split(".")[0]
    if top in sys.modules or top in PROVIDED or top in getattr(sys, "stdlib_module_names", ()):
        return True
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def dotted(node):
    """"http_client.get" of such an expression; "" of another."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


class Texts:
    """What is known of texts: constants, names that are given one once, and what is put together of them."""

    def __init__(self, tree):
        self.named, self.depth = {}, 0
        for node in ast.walk(tree):
            for name, value in self._given(node):
                self.named.setdefault(name, []).append(value)

    @staticmethod
    def _given(node):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for inner in ast.walk(target):
                    if isinstance(inner, ast.Name):
                        yield inner.id, node.value if inner is target else None
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and isinstance(node.target, ast.Name):
            yield node.target.id, node.value
        elif isinstance(node, (ast.AugAssign, ast.For, ast.AsyncFor, ast.comprehension)):
            for inner in ast.walk(node.target):
                if isinstance(inner, ast.Name):
                    yield inner.id, None
        elif isinstance(node, ast.arg):
            yield node.arg, None

    def value(self, name):
        """What a name was given, if that was once."""
        given = self.named.get(name, ())
        return given[0] if len(given) == 1 else None

    def of(self, node):
        """The text, with a HOLE for each part that is not known."""
        if self.depth > 20:
            return HOLE
        self.depth += 1
        try:
            return self._of(node)
        finally:
            self.depth -= 1

    def _of(self, node):
        if isinstance(node, ast.Constant):
            return str(node.value)
        if isinstance(node, ast.JoinedStr):
            return "".join(self.of(part.value if isinstance(part, ast.FormattedValue) else part) for part in node.values)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self.of(node.left) + self.of(node.right)
        if isinstance(node, ast.Name) and self.value(node.id) is not None:
            return self.of(self.value(node.id))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("strip", "rstrip"):
            text = self.of(node.func.value)
            return text.rstrip("/") if HOLE not in text else text
        return HOLE


class Reader:
    def __init__(self, code, declared):
        self.declared, self.faults = declared, []
        self.tree = ast.parse(code)
        self.texts = Texts(self.tree)
        self.servers = {server["url"]: server["tools"] for server in declared["servers"]}
        self.operations = [operation for spec in declared["specs"] for operation in spec["operations"]]

    def fault(self, node, text):
        fault = f"line {node.lineno}: {text}"
        if fault not in self.faults:
            self.faults.append(fault)

    def read(self):
        self.check_run()
        self.check_names()
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self.check_import(node)
            elif isinstance(node, ast.Call):
                self.check_call(node)
        return sorted(self.faults, key=line_of)

    # -- the whole

    def check_run(self):
        run = [node for node in self.tree.body if isinstance(node, ast.AsyncFunctionDef) and node.name == "run"]
        if not run:
            self.faults.append("There is no 'async def run(input_dict, tools)' at the top level.")
        elif not any(isinstance(node, ast.Return) and node.value is not None for node in within(run[-1])):
            self.fault(run[-1], "run() returns nothing.")

    def _bound(self):
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                yield node.id
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield node.name
            elif isinstance(node, ast.arg):
                yield node.arg
            elif isinstance(node, ast.alias):
                yield (node.asname or node.name).split(".")[0]
            elif isinstance(node, ast.ExceptHandler) and node.name:
                yield node.name
            elif isinstance(node, (ast.Global, ast.Nonlocal)):
                yield from node.names
            elif type(node).__name__ in ("MatchAs", "MatchStar") and node.name:
                yield node.name
            elif type(node).__name__ == "MatchMapping" and node.rest:
                yield node.rest

    def check_names(self):
        bound = set(self._bound())
        if "*" in bound:
            return
        known = bound | GIVEN | set(dir(builtins))
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
                continue
            if node.id in HIDING and node.id not in bound:
                self.fault(node, f"{node.id}() hides what is called; do without it.")
            elif node.id not in known:
                self.fault(node, f"the name '{node.id}' is not defined.")

    def check_import(self, node):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        if isinstance(node, ast.ImportFrom) and not node.level:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            instead = next((what for what, modules in INSTEAD.items()
                            if any(name == one or name.startswith(one + ".") for one in modules)), None)
            if instead:
                self.fault(node, f"an agent has no module '{name}': use {instead}.")
            elif not is_installed(name):
                self.fault(node, f"there is no module '{name}' in the sandbox.")

    # -- calls

    def check_call(self, node):
        name = dotted(node.func)
        first = node.args[0] if node.args else None
        try:
            if name == "call_llm" or name.endswith(".call_llm"):
                self.check_model(node)
            elif name == "RemoteMCPClient" or name.endswith(".RemoteMCPClient"):
                self.server_of(node)
            elif name == "gofannon_client.call":
                self.check_agent(self.argument(node, 0, "agent_name"), self.argument(node, 1, "input_dict"))
            elif name == "data_store.use_namespace" and first is not None:
                self.check_namespace(self.texts.of(first))
            elif isinstance(node.func, ast.Attribute):
                self.check_method(node)
        except Fault as fault:
            self.fault(node, str(fault))

    @staticmethod
    def argument(node, position, name):
        for keyword in node.keywords:
            if keyword.arg == name:
                return keyword.value
        if len(node.args) > position and not any(isinstance(one, ast.Starred) for one in node.args):
            return node.args[position]
        return None

    def text(self, node):
        """Known wholly, or None."""
        text = HOLE if node is None else self.texts.of(node)
        return None if HOLE in text else text

    def check_model(self, node):
        models = self.declared["models"]
        provider, model = self.text(self.argument(node, 0, "provider")), self.text(self.argument(node, 1, "model"))
        if not models:
            raise Fault("call_llm() is called, and no model may be: none is among the invokable models.")
        if provider and model and not any((one["provider"], one["model"]) == (provider, model) for one in models):
            raise Fault(f"the model '{provider}/{model}' is not among the invokable models: "
                        + ", ".join(f"{one['provider']}/{one['model']}" for one in models) + ".")

    def server_of(self, node):
        """The tools of the server that RemoteMCPClient(...) names; None where it cannot be told."""
        if not self.servers:
            raise Fault("RemoteMCPClient is used, and no MCP server is declared.")
        url = self.text(self.argument(node, 0, "remote_url"))
        if url is not None and url not in self.servers:
            raise Fault(f"the MCP server '{url}' is not declared; those that are: {', '.join(self.servers)}.")
        return self.servers.get(url)

    def check_tool(self, tools, node):
        """client.call("tool", ...)"""
        name = self.text(node.args[0] if node.args else self.argument(node, 0, "tool_name"))
        if name is None or not tools:
            return
        tool = next((tool for tool in tools if tool["name"] == name), None)
        if tool is None:
            raise Fault(f"the MCP server has no tool '{name}'; its tools: {', '.join(one['name'] for one in tools)}.")
        schema = tool.get("inputSchema") or {}
        given = {keyword.arg for keyword in node.keywords if keyword.arg and keyword.arg != "tool_name"}
        known = set(schema.get("properties") or {})
        if known and not schema.get("additionalProperties") and given - known:
            raise Fault(f"the tool '{name}' has no argument '{sorted(given - known)[0]}'; "
                        f"it has {', '.join(sorted(known))}.")
        missing = set(schema.get("required") or ()) - given
        if missing and all(keyword.arg for keyword in node.keywords):
            raise Fault(f"the tool '{name}' needs the argument '{sorted(missing)[0]}'.")

    def check_agent(self, name, given):
        agents = {agent["name"]: agent for agent in self.declared["agents"]}
        name = self.text(name)
        if not agents:
            raise Fault("gofannon_client is used, and no agent is declared.")
        if name is None:
            return
        if name not in agents:
            raise Fault(f"the agent '{name}' is not declared; those that are: {', '.join(agents)}.")
        if not isinstance(given, ast.Dict) or None in given.keys:
            return
        keys = {self.text(key) for key in given.keys}
        missing = set(agents[name].get("inputSchema") or {}) - keys
        if missing and None not in keys:
            raise Fault(f"the agent '{name}' needs the input '{sorted(missing)[0]}'.")

    def check_namespace(self, name):
        namespaces = self.declared["namespaces"]
        if namespaces is None or HOLE in name:
            return
        if not any(is_namespace(one["namespace"], name) for one in namespaces):
            raise Fault(f"the data store's namespace '{name}' is not declared.")

    # -- methods of clients

    def made_by(self, node):
        """The call that made the client that `node` names."""
        if isinstance(node, ast.Await):
            node = node.value
        if isinstance(node, ast.Name):
            node = self.texts.value(node.id) or self.with_value(node.id)
        return node if isinstance(node, ast.Call) else None

    def with_value(self, name):
        for node in ast.walk(self.tree):
            for item in node.items if isinstance(node, (ast.With, ast.AsyncWith)) else ():
                if isinstance(item.optional_vars, ast.Name) and item.optional_vars.id == name:
                    return item.context_expr
        return None

    def check_method(self, node):
        owner, method = node.func.value, node.func.attr
        made = self.made_by(owner)
        maker = dotted(made.func) if made else ""
        if method == "call" and maker.split(".")[-1] == "RemoteMCPClient":
            self.check_tool(self.server_of(made), node)
        elif dotted(owner) in ("http_client", "httpx") or maker in ("httpx.AsyncClient", "httpx.Client", "AsyncClient"):
            base = self.argument(made, 99, "base_url") if maker else None
            self.check_http(node, method, self.texts.of(base) if base is not None else "")

    def check_http(self, node, method, base):
        if method in HTTP_METHODS:
            url = self.argument(node, 0, "url")
        elif method in ("request", "stream"):
            url, method = self.argument(node, 1, "url"), self.text(self.argument(node, 0, "method"))
        else:
            return
        if not self.operations and not self.declared["hosts"]:
            raise Fault("an HTTP request is made, and no API is declared.")
        if url is not None:
            self.check_url(method, base.rstrip("/") + self.texts.of(url) if base else self.texts.of(url))

    def check_url(self, method, url):
        url = re.split(r"[?#]", url)[0]
        if url.startswith(HOLE) or not url:
            return
        known = url.split(HOLE)[0]
        place = re.match(r"https?://([^/:]+|\[[^]/]*\])(:\d+)?/", known + ("" if HOLE in url else "/"))
        if place and any(fits_host(place[1], place[2], pattern) for pattern in self.declared["hosts"]):
            return
        if not any(fits(operation, method, url) for operation in self.operations):
            raise Fault(f"{(method or 'a request to').upper()} {url.replace(HOLE, '{...}')} is no operation of the declared APIs.")


def line_of(fault):
    number = re.match(r"line (\d+):", fault)
    return int(number[1]) if number else 0


def is_namespace(pattern, name):
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def fits_host(host, port, pattern):
    name, with_port, number = re.fullmatch(r"(.*?)(:(\d+))?", pattern).groups()
    if with_port and (port or with_port) != with_port:
        return False
    pattern = name
    if pattern.startswith("*."):
        return host.lower().endswith(pattern[1:].lower())
    return pattern == "*" or host.lower() == pattern.lower()


def fits(operation, method, url):
    """A part that is not known stands for anything."""
    if method and method.upper() != operation["method"]:
        return False
    server = (operation["server"] or "").rstrip("/")
    path = re.sub(r"\\\{[^}]*\\\}", r"[^/]+", re.escape(operation["path"]))
    pattern = (re.escape(server) if server else r"https?://[^/]+(/.*)?") + path + "/?"
    if re.fullmatch(pattern, url.replace(HOLE, "x")):
        return True
    if HOLE not in url:
        return False
    known, whole = url.split(HOLE)[0], server + operation["path"]
    return not server or whole.startswith(known) or known.startswith(server + "/")


def faults_of(code, declared):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(code, "<agent>", "exec", dont_inherit=True)
        return Reader(code, declared).read()[:FAULTS_MAX]
    except SyntaxError as error:
        line = (error.text or "").strip()
        return [f"line {error.lineno}: it does not compile: {error.msg}" + (f": {line[:120]}" if line else "")]
    except (RecursionError, MemoryError, ValueError) as error:
        return [f"It does not compile: {type(error).__name__}."]


async def run(input_dict, tools):
    return {"faults": faults_of(input_dict["code"], input_dict["declared"])}
