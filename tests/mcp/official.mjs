// SPDX-License-Identifier: Apache-2.0
// The official SDK's clients at einion's /mcp:
// official.mjs MODULES 1|2-legacy|2-modern URL HEADERS ECHO FAILING FOREVER
// Says what it saw as JSON.  FOREVER prints a line and never ends.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [modules, which, url, headers, echo, failing, forever] = process.argv.slice(2);
const require = createRequire(`${modules}/package.json`);
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const seen = { progress: [], changes: 0 };

async function connect() {
    const options = { listChanged: { tools: { autoRefresh: false, onChanged: () => { seen.changes++; } } } };
    const requestInit = { headers: JSON.parse(headers) };
    let sdk, transports;

    if (which === '1') {
        sdk = await load('@modelcontextprotocol/sdk/client/index.js');
        transports = await load('@modelcontextprotocol/sdk/client/streamableHttp.js');
    } else {
        sdk = transports = await load('@modelcontextprotocol/client');
        if (which === '2-modern') options.versionNegotiation = { mode: 'auto' };
    }
    const client = new sdk.Client({ name: 'official', version: '1.0.0' }, options);
    const transport = new transports.StreamableHTTPClientTransport(new URL(url), { requestInit });
    await client.connect(transport);
    seen.session = Boolean(transport.sessionId);
    return [client, transport];
}

// Both SDKs let a schema of the result stand before the options; the newer one has none.
const call = (client, name, args, options) =>
    which === '1' ? client.callTool({ name, arguments: args }, undefined, options)
        : client.callTool({ name, arguments: args }, options);
const fails = async (promise) => promise.then(() => null, (error) => String(error.message ?? error));

const [client, transport] = await connect();
seen.server = client.getServerVersion()?.name;
const { tools } = await client.listTools();
seen.tool = tools.find((tool) => tool.name === echo);
seen.echo = await call(client, echo, { inputText: 'hello' }, {
    onprogress: (step) => seen.progress.push(step.message),
});
seen.failing = await call(client, failing, {});
try {
    const unknown = await call(client, 'nobody-has-this', {});
    seen.unknown = unknown.content[0].text;
} catch (error) {
    seen.unknown = error.message;
}
const abort = new AbortController();
seen.cancelled = await fails(call(client, forever, {}, {
    signal: abort.signal, onprogress: (step) => { if (step.message === 'it runs') abort.abort('enough'); },
}));
console.error('cancelled');
for (let tries = 0; tries < 1000 && seen.changes === 0; tries++) // whoever started us deploys another one now
    await new Promise((done) => setTimeout(done, 20));
if (which !== '2-modern') await transport.terminateSession();
await client.close();
console.log(JSON.stringify(seen));
process.exit(0); // some keep a stream open
