# SPDX-License-Identifier: Apache-2.0
"""A certified OpenID Connect provider, and a browser without a screen that logs in there."""

import http.cookiejar
import pathlib
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent


class CertifiedProvider:
    """Clients basic, post and elliptic, with the secret "secret"; people alice and bob."""

    def __init__(self, redirect_uri):
        folder = HERE.parent.parent / "build" / "npm"
        subprocess.run([HERE / "npm.sh", folder, "provider"], check=True)
        modules = folder / "provider"
        self.process = subprocess.Popen(["node", HERE / "provider.mjs", modules, redirect_uri], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), "the provider did not start"

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    """Follows redirects as long as they stay at one place."""

    def __init__(self):
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(NoRedirect, urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, url, form=None):
        """(status, URL it redirects to, text)."""
        data = urllib.parse.urlencode(form).encode() if form else None
        try:
            reply = self.opener.open(urllib.request.Request(url, data))
        except urllib.error.HTTPError as error:
            reply = error
        target = reply.headers["Location"]
        return reply.status, target and urllib.parse.urljoin(url, target), reply.read().decode()

    def log_in(self, url, user, redirect_uri):
        """From the authorization URL, through the provider's pages, to the URL it sends back to."""
        for _ in range(20):
            if url.startswith(redirect_uri):
                return url
            status, target, text = self.get(url)
            if target:
                url = target
                continue
            prompt = re.search(r'name="prompt" value="(\w+)"', text)
            assert prompt, (status, text)
            form = {"prompt": prompt[1]} | ({"login": user, "password": "any"} if prompt[1] == "login" else {})
            action = re.search(r'<form[^>]*action="([^"]+)"', text)[1]
            status, url, text = self.get(urllib.parse.urljoin(url, action), form)
            assert url, (status, text)
        raise AssertionError("the provider sends us round and round")
