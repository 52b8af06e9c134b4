
// What a demo's own script finds before it: fetch() that reaches the demo's APIs, through the page
// round it, and no WebRTC, which would reach any host past the policy.
(() => {
  "use strict";
  for (const name of Object.getOwnPropertyNames(window).filter((name) => /^(webkit)?RTC/.test(name)))
    if (!delete window[name])
      throw new Error(`${name} cannot be taken away; the demo is not run.`);

  const page = window.parent, waiting = new Map(), decode = decodeURIComponent;
  const only = "A demo calls the APIs that it was made for, with POST, and nothing else.";
  let last = 0;

  const tell = (text) => page.postMessage({ einion: "said", text: String(text) }, "*");

  addEventListener("message", (event) => {
    const answer = event.data;
    if (event.source !== page || answer === null || typeof answer !== "object" || !waiting.has(answer.id))
      return;
    event.stopImmediatePropagation();
    const { resolve, reject } = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (answer.failed !== undefined)
      reject(new TypeError(answer.failed));
    else
      resolve(new Response([204, 205, 304].includes(answer.status) ? null : answer.text,
        { status: answer.status, headers: { "Content-Type": answer.type } }));
  });
  addEventListener("error", (event) => tell(event.message));
  addEventListener("unhandledrejection", (event) => tell(event.reason?.message ?? event.reason));
  addEventListener("securitypolicyviolation", (event) => tell(`Not allowed here: ${event.violatedDirective} ${event.blockedURI}`));

  // Wherever the code believes its server to be, only the name is asked for.
  const nameOf = (url) => {
    const found = /^\/rest\/([^/]+)$/.exec(new URL(url).pathname);
    return found && decode(found[1]);
  };

  page.postMessage({ einion: "ready" }, "*");

  window.fetch = async (input, init) => {
    const request = new Request(input, init), name = nameOf(request.url);
    if (page === window)
      throw new TypeError("A demo is opened at /demos/ID/app.");
    if (name === null || request.method !== "POST")
      throw new TypeError(only);
    const body = await request.text(), id = ++last;
    return new Promise((resolve, reject) => {
      request.signal.addEventListener("abort", () => { waiting.delete(id); reject(request.signal.reason); });
      if (request.signal.aborted)
        throw request.signal.reason;
      waiting.set(id, { resolve, reject });
      page.postMessage({ einion: "call", id, name, body, accept: request.headers.get("Accept") || "*/*" }, "*");
    });
  };
})();
