#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a bill of materials (CycloneDX 1.5, JSON) on standard output:

  sbom.py VERSION TREE [PACKAGE...]     the server's files below TREE, and the packages named, and
                                        all they need, as this machine has them
  sbom.py --image VERSION TREE          the same with every package that TREE has installed

Nothing in it but what it is made of: the same input gives the same bytes."""

import hashlib
import json
import os
import pathlib
import re
import sys
import time
import urllib.parse
import uuid

OURS = "einion"
SPDX = {"Apache-2.0": "Apache-2.0", "Expat": "MIT", "MIT": "MIT", "ISC": "ISC", "Zlib": "Zlib", "zlib": "Zlib", "curl": "curl",
        "BSD-2-clause": "BSD-2-Clause", "BSD-3-clause": "BSD-3-Clause", "PSF-2": "PSF-2.0", "Artistic": "Artistic-1.0-Perl",
        "CC0-1.0": "CC0-1.0", "CC0": "CC0-1.0", "MPL-2.0": "MPL-2.0", "Unicode": "Unicode-DFS-2016"}  # fmt: skip
GNU = re.compile(r"(A?GPL|LGPL|GFDL)-(\d)(?:\.(\d))?(\+?)")


def installed(root):
    """name -> fields, of what dpkg says is installed below ROOT."""
    packages = {}
    for paragraph in (root / "var/lib/dpkg/status").read_text().split("\n\n"):
        fields = dict(re.findall(r"^([\w-]+): (.*)$", paragraph, re.M))
        if fields.get("Status", "").endswith(" installed"):
            packages.setdefault(fields["Package"], fields)
    return packages


def needs(fields, packages, providers):
    """The installed packages that one needs; of alternatives, the first."""
    wanted = ", ".join(fields[key] for key in ("Depends", "Pre-Depends") if key in fields)
    for choice in filter(None, wanted.split(", ")):
        for name in (re.split(r"[ :(]", text, maxsplit=1)[0] for text in choice.split(" | ")):
            name = name if name in packages else providers.get(name)
            if name:
                yield name
                break


def licences(root, name):
    """As the package's copyright file has them: identifiers of SPDX where they are known."""
    path = root / "usr/share/doc" / name / "copyright"
    text = path.read_text(errors="replace") if path.is_file() else ""
    found = re.findall(r"^License: *(\S.*)$", text, re.M) if "copyright-format" in text else []
    found = found or re.findall(r"/usr/share/common-licenses/([\w.+-]*\w\+?)", text)
    parts = {part for words in found for part in re.split(r",? (?:and|or|and/or) | *[,|] *", words.strip()) if part}
    known = {json.dumps(licence(part)) for part in parts}
    return [{"license": json.loads(text)} for text in sorted(known)]


def licence(short):
    gnu = GNU.fullmatch(short)
    if gnu and (gnu[1] != "GFDL" or gnu[3]):
        return {"id": f"{gnu[1]}-{gnu[2]}.{gnu[3] or 0}-{'or-later' if gnu[4] else 'only'}"}
    return {"id": SPDX[short]} if short in SPDX else {"name": short}


def package(root, fields):
    name, version = fields["Package"], fields["Version"]
    purl = f"pkg:deb/debian/{urllib.parse.quote(name)}@{urllib.parse.quote(version)}?arch={fields['Architecture']}"
    component = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    known = licences(root, name)
    return component | ({"licenses": known} if known else {})


def files(tree):
    """What of ours runs, and what it reads: programs, plugins, Python, models and settings."""
    for path in sorted(path for top in ("usr/bin", "usr/lib", "usr/share/einion", "etc/einion") for path in (tree / top).rglob("*")):
        name = str(path.relative_to(tree))
        if path.is_file() and not path.is_symlink() and OURS in name:
            hashed = hashlib.sha256(path.read_bytes()).hexdigest()
            yield {"type": "file", "bom-ref": f"file:/{name}", "name": f"/{name}", "hashes": [{"alg": "SHA-256", "content": hashed}]}


def bill(version, tree, root, wanted, is_image):
    packages = installed(root)
    packages.pop(OURS, None)
    providers = {name.split(" ")[0]: fields["Package"] for fields in packages.values() for name in fields.get("Provides", "").split(", ")}
    direct = sorted(set(needs({"Depends": ", ".join(wanted)}, packages, providers)))
    graph, waiting = {}, sorted(packages) if is_image else list(direct)
    while waiting:
        name = waiting.pop()
        if name not in graph:
            graph[name] = sorted(set(needs(packages[name], packages, providers)))
            waiting += graph[name]
    listed = {name: package(root, packages[name]) for name in sorted(graph)}
    refs = lambda names: [listed[name]["bom-ref"] for name in names]  # noqa: E731
    purl = f"pkg:{'oci' if is_image else 'generic'}/{OURS}@{version}"
    about = {"type": "container" if is_image else "application", "bom-ref": purl, "name": OURS, "version": version, "purl": purl,
             "licenses": [{"license": {"id": "Apache-2.0"}}]}  # fmt: skip
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "metadata": {"component": about},
            "components": [*files(tree), *listed.values()],
            "dependencies": [{"ref": purl, "dependsOn": refs(listed if is_image else direct)},
                             *({"ref": listed[name]["bom-ref"], "dependsOn": refs(graph[name])} for name in listed)]}  # fmt: skip


def main(arguments):
    is_image = arguments[:1] == ["--image"]
    version, tree, *wanted = arguments[is_image:]
    tree = pathlib.Path(tree)
    made = bill(version, tree, tree if is_image else pathlib.Path("/"), wanted, is_image)
    if os.environ.get("SOURCE_DATE_EPOCH"):
        made["metadata"]["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"])))
    made["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(made, sort_keys=True))}"
    print(json.dumps(made, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
