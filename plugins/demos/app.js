
"use strict";
// The page round a demo.  The demo is in a frame without an origin that reaches nothing but this
// page, by messages; this page calls the demo's APIs for it, with a token that opens only these.

const frame = () => document.getElementById("frame");
const say = (text) => { document.getElementById("said").textContent = String(text).slice(0, 500); };

// A token lives for minutes; who is still logged in gets another.
const renew = async () => {
  const reply = await fetch(document.body.dataset.renew, { method: "POST", credentials: "same-origin" });
  if (!reply.ok)
    throw new Error("You are no longer logged in: load this page again.");
  document.body.dataset.token = (await reply.json()).token;
};

const send = (name, body, accept) => fetch(`/rest/${encodeURIComponent(name)}`, {
  method: "POST", credentials: "omit", cache: "no-store", redirect: "error", body,
  headers: { "Accept": accept, "Authorization": `Bearer ${document.body.dataset.token}`, "Content-Type": "application/json" },
});

const call = async (name, body, accept) => {
  let reply = await send(name, body, accept);
  if (reply.status === 401) {
    await renew();
    reply = await send(name, body, accept);
  }
  return { status: reply.status, type: reply.headers.get("Content-Type") || "", text: await reply.text() };
};

const answer = async ({ name, body, accept }) => {
  if (!JSON.parse(document.body.dataset.apis).includes(name) || typeof body !== "string")
    return { failed: "This demo may not call that." };
  try {
    return await call(name, body, typeof accept === "string" ? accept : "*/*");
  } catch (error) {
    say(error.message);
    return { failed: error.message };
  }
};

// One that cannot be read says nothing.
const silence = "The demo's script does not run: the browser's console says why.";
let isReady = false;
const ready = () => {
  isReady = true;
  if (document.getElementById("said").textContent === silence)
    say("");
};
addEventListener("load", () => setTimeout(() => isReady || say(silence), 1000));

addEventListener("message", async ({ source, origin, data }) => {
  if (source !== frame().contentWindow || origin !== "null" || data === null || typeof data !== "object")
    return;
  if (data.einion === "ready")
    ready();
  if (data.einion === "said")
    say(data.text);
  if (data.einion === "call")
    source.postMessage({ einion: "answer", id: data.id, ...await answer(data) }, "*");
});
