// SPDX-License-Identifier: Apache-2.0
// AWS's own client of Bedrock. As a program it sends what it makes of requests: converse.mjs MODULES URL
// REQUESTS, an array of {"modelId", members of the body in JSON}. It leaves out what it does not know.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

export async function converse(load, url) {
    const { BedrockRuntimeClient } = await load('@aws-sdk/client-bedrock-runtime');
    const { NodeHttpHandler } = await load('@smithy/node-http-handler');
    return new BedrockRuntimeClient({
        endpoint: url, region: 'us-east-1', maxAttempts: 1, requestHandler: new NodeHttpHandler(),
        credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    });
}

// The client takes bytes where JSON has them in base64.
function unpack(value) {
    if (Array.isArray(value)) return value.map(unpack);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [
        name, ['bytes', 'redactedContent'].includes(name) ? Buffer.from(member, 'base64') : unpack(member),
    ]));
}

async function main(modules, url, requests) {
    const require = createRequire(`${modules}/package.json`);
    const load = async (name) => import(pathToFileURL(require.resolve(name)));
    const { ConverseStreamCommand } = await load('@aws-sdk/client-bedrock-runtime');
    const client = await converse(load, url);
    for (const request of JSON.parse(requests)) {
        const { stream } = await client.send(new ConverseStreamCommand(unpack(request)));
        for await (const event of stream) void event;
    }
    console.log('[]');
}

if (process.argv[1].endsWith('converse.mjs')) await main(...process.argv.slice(2));
