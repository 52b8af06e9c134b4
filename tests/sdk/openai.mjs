// SPDX-License-Identifier: Apache-2.0
// node openai.mjs FOLDER URL: the official client, unchanged, does what each line of its input says,
// {"what", "key"}, and answers with a line of JSON.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, baseURL] = process.argv.slice(2);
const load = createRequire(`${folder}/`).resolve;
const sdk = await import(pathToFileURL(load("openai")));
const { OpenAI } = sdk;
let client;
const model = "openai/gpt-4-turbo";
const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "d",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const hello = [{ role: "system", content: "Be brief." }, { role: "user", content: "Hello" }];

const tasks = {
  async conversation() {
    const first = await client.chat.completions.create({ model, messages: hello });
    const messages = [...hello, first.choices[0].message, { role: "user", content: "And now?" }];
    const second = await client.chat.completions.create({ model, messages, max_completion_tokens: 64 });
    return { first, second, requestId: second._request_id };
  },
  async stream() {
    const chunks = [];
    const stream = await client.chat.completions.create({
      model, messages: hello, stream: true, stream_options: { include_usage: true },
    });
    for await (const chunk of stream) chunks.push(chunk);
    return { text: chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), last: chunks.at(-1) };
  },
  async helper() {
    const stream = client.chat.completions.stream({ model, messages: hello, stream_options: { include_usage: true } });
    const seen = [];
    stream.on("content", (delta) => seen.push(delta));
    return { final: await stream.finalChatCompletion(), seen: seen.join(""), usage: await stream.totalUsage() };
  },
  async tools() {
    const calls = [];
    const runner = client.chat.completions.runTools({
      model, stream: true, messages: [{ role: "user", content: "Weather in Paris?" }],
      tools: [{
        type: "function",
        function: { ...weather.function, parse: JSON.parse,
          function: (args) => { calls.push(args); return `rain in ${args.city}`; } },
      }],
    });
    return { final: await runner.finalContent(), calls, messages: runner.messages };
  },
  async structured() {
    const schema = { type: "object", properties: { a: { type: "integer" } }, required: ["a"], additionalProperties: false };
    const completion = await client.chat.completions.parse({
      model, messages: hello,
      response_format: { type: "json_schema", json_schema: { name: "n", schema, strict: true } },
    });
    return completion.choices[0].message;
  },
  async image() {
    const url = "data:image/png;base64,iVBORw0KGgo=";
    const content = [{ type: "text", text: "What is it?" }, { type: "image_url", image_url: { url } }];
    return client.chat.completions.create({ model, messages: [{ role: "user", content }] });
  },
  async responses() {
    return client.chat.completions.create({ model: "gpt-5-mini", messages: hello, reasoning_effort: "low" });
  },
  async claude() {
    return client.chat.completions.create({ model: "anthropic/claude-opus-4-6", messages: hello });
  },
  async respond() {
    const input = [{ role: "user", content: "Weather in Paris?" }];
    const tools = [{ type: "function", strict: false, ...weather.function }];
    const turns = [];
    for (;;) {
      const stream = client.responses.stream({ model: "anthropic/claude-opus-4-6", instructions: "Be brief.", input, tools });
      let text = "";
      stream.on("response.output_text.delta", (event) => { text += event.delta; });
      const response = await stream.finalResponse();
      turns.push({ text, response });
      const calls = response.output.filter((item) => item.type === "function_call");
      if (calls.length === 0) return turns;
      input.push(...response.output);
      for (const call of calls) {
        input.push({ type: "function_call_output", call_id: call.call_id, output: `rain in ${JSON.parse(call.arguments).city}` });
      }
    }
  },
  async search() {
    const seen = [];
    const stream = client.responses.stream({ model: "anthropic/claude-opus-4-6", input: "Anvils?", tools: [{ type: "web_search" }] });
    for await (const event of stream)
      if (event.type.startsWith("response.web_search_call.")) seen.push(event.type.split(".")[2]);
    return { seen, ...await stream.finalResponse() };
  },
  async parsed() {
    const schema = { type: "object", properties: { a: { type: "integer" } }, required: ["a"], additionalProperties: false };
    const response = await client.responses.parse({
      model, input: "Hello", text: { format: { type: "json_schema", name: "n", schema, strict: true } },
    });
    return { parsed: response.output_parsed, text: response.output_text, status: response.status };
  },
  async models() {
    const ids = [];
    for await (const entry of client.models.list()) ids.push(entry.id);
    return { ids, one: await client.models.retrieve(model) };
  },
  async embeddings() {
    const input = ["Hello", "World"], embed = "openai/text-embedding-3-small";
    const plain = await client.embeddings.create({ model: embed, input });
    const packed = await client.embeddings.create({ model: embed, input, encoding_format: "base64" });
    const few = await client.embeddings.create({ model: embed, input: "Hello", encoding_format: "float", dimensions: 3 });
    return { plain, packed, few };
  },
  async abort() {
    const stream = await client.chat.completions.create({ model, messages: hello, stream: true });
    for await (const chunk of stream) {
      if (chunk.choices[0].delta.content) {
        stream.controller.abort();
        break;
      }
    }
    return "aborted";
  },
  async broken() {
    const stream = await client.chat.completions.create({ model, messages: hello, stream: true });
    let text = "";
    try {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    } catch (error) {
      return { text, error: error.message, is: error instanceof sdk.APIError };
    }
    return { text };
  },
  unknown: () => client.chat.completions.create({ model: "openai/gpt-none", messages: hello }),
  bad: () => client.chat.completions.create({ model, messages: hello, n: 3 }),
  call: () => client.chat.completions.create({ model, messages: hello }),
};

async function answer({ what, key }) {
  client = new OpenAI({ apiKey: key, baseURL: `${baseURL}/v1`, maxRetries: 0 });
  try {
    return await tasks[what]();
  } catch (error) {
    const { status, code, param, type, message, requestID } = error;
    return { class: error.constructor.name, status, code, param, type, message, requestID,
             retryAfter: error.headers?.get("retry-after") };
  }
}

for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await answer(JSON.parse(line))));
