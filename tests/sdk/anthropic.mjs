// SPDX-License-Identifier: Apache-2.0
// node anthropic.mjs FOLDER URL: the official client, unchanged, does what each line of its input says,
// {"what", "key"}, and answers with a line of JSON.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, baseURL] = process.argv.slice(2);
const load = createRequire(`${folder}/`).resolve;
const sdk = await import(pathToFileURL(load("@anthropic-ai/sdk")));
let client;
const model = "anthropic/claude-opus-4-6";
const weather = {
  name: "get_weather",
  description: "d",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const hello = { model, max_tokens: 4096, system: "Be brief.", messages: [{ role: "user", content: "Hello" }] };

async function loop(request) {
  const messages = [{ role: "user", content: "Weather in Paris?" }];
  const turns = [];
  for (;;) {
    const stream = client.messages.stream({ ...request, messages, tools: [weather] });
    const turn = await stream.finalMessage();
    turns.push(turn);
    if (turn.stop_reason !== "tool_use") return turns;
    const results = turn.content.filter((block) => block.type === "tool_use").map((block) => ({
      type: "tool_result", tool_use_id: block.id, content: `rain in ${block.input.city}`,
    }));
    messages.push({ role: "assistant", content: turn.content }, { role: "user", content: results });
  }
}

const tasks = {
  async conversation() {
    const first = await client.messages.create(hello);
    const messages = [...hello.messages, { role: "assistant", content: first.content }, { role: "user", content: "Now?" }];
    return { first, second: await client.messages.create({ ...hello, messages }), requestId: first._request_id };
  },
  async stream() {
    const events = [];
    for await (const event of await client.messages.create({ ...hello, stream: true })) events.push(event.type);
    const stream = client.messages.stream(hello);
    let text = "";
    stream.on("text", (delta) => { text += delta; });
    const final = await stream.finalMessage();
    return { events, text, final };
  },
  tools: () => loop({ model, max_tokens: 4096 }),
  thinking: () => loop({ model, max_tokens: 4096, thinking: { type: "enabled", budget_tokens: 1024 } }),
  gpt: () => loop({ model: "openai/gpt-5-mini", max_tokens: 4096 }),
  structured: () => client.messages.create({ ...hello, output_config: { format: { type: "json_schema", schema: {
    type: "object", properties: { a: { type: "integer" } }, required: ["a"], additionalProperties: false } } } }),
  image: () => client.messages.create({ ...hello, messages: [{ role: "user", content: [
    { type: "text", text: "What is it?" },
    { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" } }] }] }),
  search: () => client.messages.stream({
    ...hello, tools: [{ type: "web_search_20250305", name: "web_search", max_uses: 2 }] }).finalMessage(),
  count: () => client.messages.countTokens({ model, messages: hello.messages }),
  async models() {
    const ids = [];
    for await (const entry of client.models.list({ limit: 50 })) ids.push(entry.id);
    return { ids, one: await client.models.retrieve(model) };
  },
  async abort() {
    const stream = await client.messages.create({ ...hello, stream: true });
    for await (const event of stream) {
      if (event.type === "content_block_delta") {
        stream.controller.abort();
        break;
      }
    }
    return "aborted";
  },
  async broken() {
    let text = "";
    try {
      for await (const event of await client.messages.create({ ...hello, stream: true })) text += event.delta?.text ?? "";
    } catch (error) {
      return { text, error: error.message, is: error instanceof sdk.APIError };
    }
    return { text };
  },
  unknown: () => client.messages.create({ ...hello, model: "anthropic/claude-none" }),
  bad: () => client.messages.create({ ...hello, messages: [{ role: "user", content: [{ type: "hologram" }] }] }),
  call: () => client.messages.create(hello),
};

async function answer({ what, key }) {
  client = new sdk.Anthropic({ apiKey: key, baseURL, maxRetries: 0 });
  try {
    return await tasks[what]();
  } catch (error) {
    const { status, message, requestID } = error;
    return { class: error.constructor.name, status, message, requestID, type: error.error?.error?.type,
             retryAfter: error.headers?.get?.("retry-after") };
  }
}

for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await answer(JSON.parse(line))));
