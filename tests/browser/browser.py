# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, driven over the WebDriver protocol."""

import base64
import json
import shutil
import subprocess
import urllib.error
import urllib.request

from ports import free_port
from support import wait_until

CHROMIUM = shutil.which("chromium")
CHROMEDRIVER = shutil.which("chromedriver")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync"]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of WebDriver's element references


class Browser:
    def __init__(self, folder, size=None):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen([CHROMEDRIVER, f"--port={port}"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_until(self.is_up, 20, "chromedriver")
        options = {"binary": CHROMIUM, "args": [*ARGUMENTS, f"--user-data-dir={folder}"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = f"/session/{session['sessionId']}"
        if size:  # of what is seen
            metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
            self.call("POST", f"{self.session}/goog/cdp/execute",
                      {"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics})  # fmt: skip

    def is_up(self):
        try:
            return self.call("GET", "/status")["ready"]
        except (urllib.error.URLError, ConnectionError):
            return False

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=300) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:  # it has a sentence for what went wrong
            raise AssertionError(json.load(error)["value"]["message"]) from None

    def open(self, url):
        self.call("POST", f"{self.session}/url", {"url": url})

    def run(self, script, *arguments):
        """The value of a JavaScript function body."""
        return self.call("POST", f"{self.session}/execute/sync", {"script": script, "args": list(arguments)})

    def find(self, selector):
        found = self.call("POST", f"{self.session}/element", {"using": "css selector", "value": selector})
        return found[ELEMENT]

    def json(self):
        """The page, which is JSON."""
        return json.loads(self.run("return document.body.textContent"))

    def click(self, selector):
        self.call("POST", f"{self.session}/element/{self.find(selector)}/click", {})

    def enter(self, selector):
        """Into a frame; leave() comes back to the page."""
        self.call("POST", f"{self.session}/frame", {"id": {ELEMENT: self.find(selector)}})

    def leave(self):
        self.call("POST", f"{self.session}/frame", {"id": None})

    def shot(self):
        """What can be seen, as the bytes of a PNG."""
        return base64.b64decode(self.call("GET", f"{self.session}/screenshot"))

    def complaints(self):
        """What the page's console has of warnings and errors."""
        entries = self.call("POST", f"{self.session}/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("WARNING", "SEVERE")]

    def close(self):
        try:
            self.call("DELETE", self.session)
        finally:
            self.process.terminate()
            self.process.wait()
