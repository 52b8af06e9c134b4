# SPDX-License-Identifier: Apache-2.0
"""MCP servers as agents know them: tools and results are objects with attributes."""

current = None  # the channel of this child


class ToolError(Exception):
    """The tool says that it has failed."""


class Members(dict):
    """A JSON object whose members are attributes too; those that may be there are None where they are not."""

    OPTIONAL = {"annotations", "description", "icons", "meta", "outputSchema", "title"}

    def __getattr__(self, name):
        if name in self:
            return self[name]
        if name in self.OPTIONAL:
            return None
        raise AttributeError(name)


def _members(value):
    """With all that is inside."""
    if isinstance(value, dict):
        return Members((name, _members(item)) for name, item in value.items())
    return [_members(item) for item in value] if isinstance(value, list) else value


def _tool(said):
    """Its schemas are what they are: plain JSON."""
    return Members(said)


def _result(said):
    structured = said.get("structuredContent")
    data = structured["result"] if isinstance(structured, dict) and set(structured) == {"result"} else structured
    return Members(content=_members(said.get("content") or []), structured_content=structured, structuredContent=structured,
                   data=_members(data), is_error=bool(said.get("isError")), isError=bool(said.get("isError")),
                   meta=said.get("_meta"))


def _words_of(result):
    words = [part["text"] for part in result.content if isinstance(part.get("text"), str)]
    return words[0] if words else "The tool failed without giving a reason."


def _line(name, about, required):
    kind = about.get("type", "any") if isinstance(about, dict) else "any"
    text = about.get("description") or "" if isinstance(about, dict) else ""
    return f"- `{name}` ({kind}, {'required' if name in required else 'optional'}): {text}".rstrip(": ")


class RemoteMCPClient:
    def __init__(self, remote_url, auth_token=None):
        self.remote_url = remote_url
        self._auth_token = auth_token
        self._tools = []

    async def _ask(self, method, **more):
        params = {"url": self.remote_url, "token": self._auth_token, **more}
        return (await current.acall(method, params))[0]

    async def list_tools(self):
        self._tools = [_tool(said) for said in await self._ask("mcp.list")]
        return self._tools

    async def _is_missing(self, tool_name):
        try:
            return tool_name not in [tool.name for tool in self._tools or await self.list_tools()]
        except Exception:
            return False

    async def call(self, tool_name, **params):
        """What the tool answers: content, data, structured_content.  One that fails is a ToolError."""
        try:
            result = _result(await self._ask("mcp.call", tool=tool_name, args=params))
        except (PermissionError, TimeoutError):
            raise
        except Exception:
            if await self._is_missing(tool_name):
                raise ValueError(f"Tool '{tool_name}' not found on the server.") from None
            raise
        if not result.is_error:
            return result
        if await self._is_missing(tool_name):
            raise ValueError(f"Tool '{tool_name}' not found on the server.")
        raise ToolError(_words_of(result))

    def get_tool_doc(self, tool_name):
        """How to call a tool of those that were listed, in Markdown; None: it is none of them."""
        tool = next((tool for tool in self._tools if tool.name == tool_name), None)
        if tool is None:
            return None
        schema = tool.get("inputSchema") or {}
        parameters = schema.get("properties") or {}
        lines = [_line(name, about, schema.get("required") or ()) for name, about in parameters.items()]
        arguments = "".join(f", {name}=..." for name in parameters)
        return "\n".join([f"### Tool: `{tool_name}`", tool.description or "", "", "Parameters:", *(lines or ["none"]), "",
                          f"result = await mcpc['{self.remote_url}'].call('{tool_name}'{arguments})"])
