# SPDX-License-Identifier: Apache-2.0
"""Reads an OpenAPI document of 3 MB, as JSON and as YAML (tests/bench/specs.c): milliseconds of CPU, and how often the
time that jansson alone takes to parse the same text."""
import json
import pathlib
import random
import subprocess
import tempfile

SCHEMAS, PATHS = 900, 1200


def schema(number, chance):
    """A thing that has a dozen fields and two other things."""
    fields = {f"field_{i}": {"type": chance.choice(["string", "integer", "boolean"]), "example": "x",
                             "description": f"What field {i} of thing {number} means to whoever reads it."}
              for i in range(12)}
    other = [{"$ref": f"#/components/schemas/Thing{chance.randrange(SCHEMAS)}"} for _ in range(2)]
    return {"type": "object", "description": f"A thing of kind {number} that has members, some of which are things again.",
            "required": ["field_0"], "properties": {**fields, "next": other[0], "list": {"type": "array", "items": other[1]}}}


def path(number):
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/Thing{number % SCHEMAS}"}}}
    ok = {"200": {"description": "ok", "content": content}}
    return {"get": {"operationId": f"get{number}", "summary": "One thing", "responses": ok,
                    "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]},
            "put": {"operationId": f"put{number}", "requestBody": {"content": content}, "responses": ok}}


def document():
    chance = random.Random(1)
    return {"openapi": "3.0.3", "info": {"title": "Things", "version": "1"}, "servers": [{"url": "https://things.example"}],
            "paths": {f"/things{i}/{{id}}": path(i) for i in range(PATHS)},
            "components": {"schemas": {f"Thing{i}": schema(i, chance) for i in range(SCHEMAS)}}}


def as_yaml(value, indent=0):
    """Block style, the way documents are written by hand; texts are quoted."""
    margin = "\n" + " " * indent
    if isinstance(value, dict) and value:
        return "".join(f"{margin}{json.dumps(name)}: {as_yaml(one, indent + 2)}" for name, one in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{margin}- {as_yaml(one, indent + 2)}" for one in value)
    return json.dumps(value)


def bench(run):
    program = run.OPTIONS.build / "tests" / "bench" / "bench_specs"
    things = document()
    with tempfile.TemporaryDirectory() as folder:
        for kind, text in [("JSON", json.dumps(things, indent=1)), ("YAML", as_yaml(things))]:
            file = pathlib.Path(folder) / kind
            file.write_text(text)
            found = json.loads(subprocess.run([program, file, "11"], capture_output=True, check=True, text=True).stdout)
            base = f", jansson alone {found['jansson_ms']:.0f} ms" if kind == "JSON" else ""
            run.show(f"specs: {len(text) / 1e6:.1f} MB of {kind}",
                     f"{found['read_ms']:.0f} ms for {found['operations']} operations{base}")
