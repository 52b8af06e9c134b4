// SPDX-License-Identifier: Apache-2.0
// The vendors' own clients hear what an upstream of the tests says:
// official.mjs MODULES genai|ollama|openai|responses|anthropic|bedrock URL
// prints {"text", "thought", "tools": [[name, arguments]], "stop", "input", "output"}.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { converse } from './converse.mjs';

const [modules, client, url] = process.argv.slice(2);
const require = createRequire(`${modules}/package.json`);
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const messages = [{ role: 'user', content: 'Hi' }];
const heard = { text: '', thought: '', tools: [] };

const clients = {
    async genai() {
        const { GoogleGenAI } = await load('@google/genai');
        const google = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: url } });
        const stream = await google.models.generateContentStream({ model: 'gemini-2.5-flash', contents: 'Hi' });
        for await (const chunk of stream) {
            const [candidate] = chunk.candidates;
            for (const part of candidate.content.parts) {
                if (part.functionCall) heard.tools.push([part.functionCall.name, part.functionCall.args]);
                else heard[part.thought ? 'thought' : 'text'] += part.text;
            }
            heard.stop = candidate.finishReason;
            heard.input = chunk.usageMetadata.promptTokenCount;
            heard.output = chunk.usageMetadata.candidatesTokenCount + (chunk.usageMetadata.thoughtsTokenCount ?? 0);
        }
    },
    async ollama() {
        const { Ollama } = await load('ollama');
        for await (const line of await new Ollama({ host: url }).chat({ model: 'm', messages, stream: true })) {
            heard.text += line.message.content;
            heard.thought += line.message.thinking ?? '';
            for (const call of line.message.tool_calls ?? []) heard.tools.push([call.function.name, call.function.arguments]);
            Object.assign(heard, { stop: line.done_reason, input: line.prompt_eval_count, output: line.eval_count });
        }
    },
    async openai() {
        const { OpenAI } = await load('openai');
        const stream = new OpenAI({ apiKey: 'k', baseURL: `${url}/v1`, maxRetries: 0 }).chat.completions.stream({
            model: 'm', messages, stream_options: { include_usage: true },
        });
        for await (const chunk of stream) heard.thought += chunk.choices[0]?.delta.reasoning_content ?? '';
        const { choices: [{ message, finish_reason: stop }], usage } = await stream.finalChatCompletion();
        for (const call of message.tool_calls ?? []) heard.tools.push([call.function.name, JSON.parse(call.function.arguments)]);
        Object.assign(heard, { text: message.content ?? '', stop, input: usage.prompt_tokens, output: usage.completion_tokens });
    },
    async responses() {
        const { OpenAI } = await load('openai');
        const stream = new OpenAI({ apiKey: 'k', baseURL: `${url}/v1`, maxRetries: 0 }).responses.stream({ model: 'm', input: 'Hi' });
        stream.on('response.reasoning_summary_text.delta', (event) => { heard.thought += event.delta; });
        const response = await stream.finalResponse();
        for (const item of response.output)
            if (item.type === 'function_call') heard.tools.push([item.name, JSON.parse(item.arguments)]);
        const { input_tokens: input, output_tokens: output } = response.usage;
        Object.assign(heard, { text: response.output_text, stop: response.status, input, output });
    },
    async anthropic() {
        const { Anthropic } = await load('@anthropic-ai/sdk');
        const stream = new Anthropic({ apiKey: 'k', baseURL: url, maxRetries: 0 }).messages.stream({ model: 'm', max_tokens: 9, messages });
        const message = await stream.finalMessage();
        for (const block of message.content) {
            if (block.type === 'tool_use') heard.tools.push([block.name, block.input]);
            else heard[block.type === 'text' ? 'text' : 'thought'] += block.text ?? block.thinking;
        }
        const { input_tokens: input, output_tokens: output } = message.usage;
        Object.assign(heard, { stop: message.stop_reason, input, output });
    },
    async bedrock() {
        const { ConverseStreamCommand } = await load('@aws-sdk/client-bedrock-runtime');
        const { stream } = await (await converse(load, url)).send(new ConverseStreamCommand({
            modelId: 'm', messages: [{ role: 'user', content: [{ text: 'Hi' }] }],
        }));
        let call = null;
        for await (const event of stream) {
            const { toolUse: begun } = event.contentBlockStart?.start ?? {};
            const { text, reasoningContent: thought, toolUse: piece } = event.contentBlockDelta?.delta ?? {};
            if (begun) call = [begun.name, ''];
            if (piece) call[1] += piece.input;
            if (event.contentBlockStop && call) heard.tools.push([call[0], JSON.parse(call[1])]), (call = null);
            heard.text += text ?? '';
            heard.thought += thought?.text ?? '';
            if (event.messageStop) heard.stop = event.messageStop.stopReason;
            if (event.metadata) Object.assign(heard, { input: event.metadata.usage.inputTokens, output: event.metadata.usage.outputTokens });
        }
    },
};

await clients[client]();
console.log(JSON.stringify(heard));
