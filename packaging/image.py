#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""image.py VERSION ARCHITECTURE LAYER.tar OUT.tar: an image of one layer, in the layout of OCI, with
the manifest.json by which older versions of docker load it."""

import gzip
import hashlib
import io
import json
import os
import sys
import tarfile
import time

OCI = "application/vnd.oci.image."
PORT = 8000
ALIVE = f"import urllib.request as u; u.urlopen('http://127.0.0.1:{PORT}/livez', timeout=4)"
RUNS = {
    "User": "10001:10001",
    "WorkingDir": "/var/lib/einion",
    "Volumes": {"/var/lib/einion": {}},
    "ExposedPorts": {f"{PORT}/tcp": {}},
    # All addresses of the container; where no login is configured the server does not start on them.
    "Entrypoint": ["/usr/bin/einion", "--config", "/etc/einion/einion.yaml", "--set", "listen.address=0.0.0.0"],
    "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/var/lib/einion", "EINION_STATE_DIR=/var/lib/einion"],
    # OCI does not have it: docker minds it, podman wants it on its command line.
    "Healthcheck": {"Test": ["CMD", "/usr/bin/python3", "-IS", "-c", ALIVE],
                    "Interval": 30 * 10**9, "Timeout": 5 * 10**9, "StartPeriod": 20 * 10**9},
    "StopSignal": "SIGTERM",
}  # fmt: skip


def to_json(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


class Image:
    """The files of an image, by name."""

    def __init__(self):
        self.files = {}

    def add(self, kind, data):
        """What refers to a file that is called by what is in it."""
        name = hashlib.sha256(data).hexdigest()
        self.files[f"blobs/sha256/{name}"] = data
        return {"mediaType": OCI + kind, "digest": f"sha256:{name}", "size": len(data)}


def path_of(reference):
    return "blobs/" + reference["digest"].replace(":", "/")


def made(version, architecture, layer, when):
    image = Image()
    labels = {"org.opencontainers.image.title": "einion", "org.opencontainers.image.version": version,
              "org.opencontainers.image.description": "server to build, run and share AI agents",
              "org.opencontainers.image.licenses": "Apache-2.0", "org.opencontainers.image.created": when}  # fmt: skip
    packed = image.add("layer.v1.tar+gzip", gzip.compress(layer, 9, mtime=0))
    config = image.add("config.v1+json", to_json({
        "created": when, "architecture": architecture, "os": "linux", "config": RUNS | {"Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created": when, "created_by": "packaging/image.sh"}]}))  # fmt: skip
    manifest = image.add("manifest.v1+json", to_json({
        "schemaVersion": 2, "mediaType": f"{OCI}manifest.v1+json", "config": config, "layers": [packed],
        "annotations": labels}))  # fmt: skip
    named = {"org.opencontainers.image.ref.name": version, "io.containerd.image.name": f"docker.io/library/einion:{version}"}
    return image.files | {
        "oci-layout": to_json({"imageLayoutVersion": "1.0.0"}),
        "index.json": to_json({"schemaVersion": 2, "mediaType": f"{OCI}index.v1+json",
                               "manifests": [manifest | {"annotations": named}]}),
        "manifest.json": to_json([{"Config": path_of(config), "RepoTags": [f"einion:{version}"], "Layers": [path_of(packed)]}]),
    }  # fmt: skip


def main(version, architecture, layer, out):
    when = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
    with open(layer, "rb") as file, tarfile.open(out, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in sorted(made(version, architecture, file.read(), stamp).items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(data), when
            tar.addfile(entry, io.BytesIO(data))


if __name__ == "__main__":
    main(*sys.argv[1:])
