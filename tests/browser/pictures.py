# SPDX-License-Identifier: Apache-2.0
"""Takes the README's pictures: tests/browser/pictures.py FOLDER, with EIN_BUILD naming the build."""

import json
import pathlib
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "http"), str(TESTS / "support")]

import ten_minutes  # noqa: E402
from browser import Browser  # noqa: E402
from support import Server, wait_until  # noqa: E402

SIZE = (1000, 700)


def has(browser, script):
    wait_until(lambda: browser.run(f"return {script}"), 20, script)


def take_docs(browser, url):
    """The list of routes, with the one that composes opened."""
    browser.open(url + "/docs")
    has(browser, "document.querySelector('#routes section') !== null")
    browser.run("const f = document.getElementById('filter'); f.value = 'generate-code'; f.dispatchEvent(new Event('input'))")
    browser.click("details.route:not([hidden]) > summary")
    has(browser, "document.querySelector('details.route form') !== null")
    return browser.shot()


def take_demo(browser, url, demo):
    """The page of the demo, once it has called its agent."""
    browser.open(url + f"/demos/{demo['_id']}/app")
    browser.enter("#frame")
    browser.click("button")
    has(browser, "document.querySelectorAll('li').length > 0")
    browser.leave()
    return browser.shot()


def take(folder, profile):
    """The pictures, by their names in `folder`."""
    with ten_minutes.model() as vendor:
        server, browser = Server(env=ten_minutes.env(vendor)).start(ready=True), Browser(profile, SIZE)
        try:
            ten_minutes.walk(server, profile)
            url = f"http://127.0.0.1:{server.port}"
            demo = json.loads((profile / "demo.json").read_text())
            (folder / "docs.png").write_bytes(take_docs(browser, url))
            (folder / "demo.png").write_bytes(take_demo(browser, url, demo))
        finally:
            browser.close()
            server.stop()
            server.clean()


if __name__ == "__main__":
    take(pathlib.Path(sys.argv[1]), pathlib.Path(tempfile.mkdtemp()))
