#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes einion.yaml.5 from the schemas of the settings.

usage: packaging/man/settings.py BUILD-FOLDER > packaging/man/einion.yaml.5
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

HEAD = r""".\" SPDX-License-Identifier: Apache-2.0
.\" Written by packaging/man/settings.py
.Dd November 23, 2026
.Dt EINION.YAML 5
.Os einion 0.1.0
.Sh NAME
.Nm einion.yaml
.Nd configuration of the einion server
.Sh DESCRIPTION
A YAML file, given to
.Xr einion 8
with
.Fl -config .
Without one the server runs with the file it was built with,
.Pa config/einion.yaml
of its source, which names every setting with its default.
.Pp
A value may name the environment:
.Cm ${NAME} ,
or
.Cm ${NAME:-otherwise} ;
.Cm $$
is a dollar sign.
Secrets are never values: a plugin asks for one by its name, and the server looks for
it in the environment, in the file that
.Ev NAME_FILE
names, and in
.Pa $CREDENTIALS_DIRECTORY/NAME .
.Pp
.Ql einion --set limits.workers=8
overrides one setting,
.Ql einion check
tells every fault of a configuration with file, line and key.
An unknown key is a fault.
Sections marked
.Dq at start
take effect when the server starts, all others also with SIGHUP.
.Sh SECTIONS OF THE SERVER
"""

PLUGINS = r""".Sh PLUGINS
The section
.Cm plugins
is a map from the name of an instance to its settings.
.Cm plugin
is the file,
.Pa NAME.so ,
where it differs from the name of the instance, so that one plugin can run twice.
.Cm enabled: false
switches one off.
A file names here what differs from the plugins that ship, and what it adds to them; what
it names is on unless it says otherwise.
With
.Cm shipped_plugins: false
there is what it lists, and nothing else.
All other keys are the plugin's own:
"""

TAIL = r""".Sh EXAMPLES
.Bd -literal -offset indent
listen:
  port: 8080
log:
  format: json
plugins:
  service:
  storage-sqlite:
    path: /var/lib/einion/einion.db
  vault:
    key_file: /var/lib/einion/vault.key
  audit:
  users:
    monthly_allowance: 20
    time_zone: Europe/Berlin
  data-store:
  sessions:
  runtime-python:
    timeout_ms: 60000
  agents:
  deployments:
.Ed
.Sh SEE ALSO
.Xr einion-plugin 3 ,
.Xr einion 8
"""

AT_START = {"listen", "storage", "workers", "jobs", "connections", "connections_per_ip", "header_bytes", "stack_bytes",
            "wrong_login_addresses"}


def plugin_schemas(build):
    for path in sorted((build / "plugins").glob("*/*.so")):
        if path.stem != path.parent.name:
            continue
        command = [build / "core" / "einion", "plugin-info", path]
        told = subprocess.run(command, capture_output=True, text=True, check=True)
        told = dict(re.findall(r"^(name|summary|settings) +(.*)$", told.stdout, re.M))
        yield told["name"], told["summary"], {} if told["settings"] == "none" else json.loads(told["settings"])


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def value_range(schema):
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    kind = schema.get("type", "")
    if isinstance(kind, list):
        kind = " or ".join(kind)
    if "minimum" in schema and "maximum" in schema:
        return f"{kind}, {schema['minimum']} to {schema['maximum']}"
    return {"string": "text", "object": "map", "array": "list"}.get(kind, kind)


def setting(name, schema, required):
    text = schema["description"].replace(". ", ".\n")
    after = "required" if name in required else "default " + json.dumps(schema.get("default"))
    start = "\nAt start." if name in AT_START else ""
    return f".It Cm {escape(name)} Pq {escape(value_range(schema))}\n{escape(text)}{start}\n({escape(after)})\n"


def settings(schema):
    members = schema.get("properties", {})
    if not members:
        return "It has no settings.\n"
    required = schema.get("required", [])
    return ".Bl -tag -width Ds\n" + "".join(setting(name, members[name], required) for name in members) + ".El\n"


def write(build, out):
    server = json.loads((ROOT / "core/base/config_schema.json").read_text())
    plain = {}
    out.write(HEAD)
    for name, section in server["properties"].items():
        if name == "plugins":
            continue
        if "properties" not in section:
            plain[name] = section
            continue
        out.write(f".Ss {name}{' (at start)' if name in AT_START else ''}\n{settings(section)}")
    out.write(".Ss Other keys\n" + settings({"properties": plain}))
    out.write(PLUGINS)
    for name, summary, schema in plugin_schemas(build):
        out.write(f".Ss {escape(name)}\n{escape(summary)}.\n{settings(schema)}")
    out.write(TAIL)


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]).resolve(), sys.stdout)
