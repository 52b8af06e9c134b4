// SPDX-License-Identifier: Apache-2.0
// The official SDK's clients log in by themselves, and call an agent:
// oauth.mjs MODULES 1|2-legacy|2-modern URL REDIRECT_URI TOOL
// Prints where its user has to go, reads the URL that they come back to, and prints what it saw as JSON.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [modules, which, url, redirectUrl, tool] = process.argv.slice(2);
const require = createRequire(`${modules}/package.json`);
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const sdk = which === '1' ? await load('@modelcontextprotocol/sdk/client/index.js') : await load('@modelcontextprotocol/client');
const transports = which === '1' ? await load('@modelcontextprotocol/sdk/client/streamableHttp.js') : sdk;
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const kept = {};
const seen = { registered: 0, sent: 0, tokens: 0 };

const authProvider = {
    redirectUrl,
    clientMetadata: {
        client_name: 'official', redirect_uris: [redirectUrl], token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
        scope: 'openid', // where the server names none; the provider lets nobody in for nothing
    },
    state: () => 'a-state',
    clientInformation: () => kept.client,
    saveClientInformation: (client) => { kept.client = client; seen.registered++; },
    tokens: () => kept.tokens,
    saveTokens: (tokens) => { kept.tokens = tokens; seen.tokens++; },
    redirectToAuthorization: (target) => { kept.target = target; seen.sent++; },
    saveCodeVerifier: (verifier) => { kept.verifier = verifier; },
    codeVerifier: () => kept.verifier,
};

function make() {
    const options = which === '2-modern' ? { versionNegotiation: { mode: 'auto' } } : {};
    return [new sdk.Client({ name: 'official', version: '1.0.0' }, options),
        new transports.StreamableHTTPClientTransport(new URL(url), { authProvider })];
}

const call = async (client) =>
    (await client.callTool({ name: tool, arguments: { inputText: 'hello' } })).structuredContent;

let [client, transport] = make();
seen.refused = await client.connect(transport).then(() => null, (error) => error.constructor.name);
console.log(String(kept.target));
const back = new URL((await input.next()).value).searchParams;
await transport.finishAuth(...(which === '1' ? [back.get('code')] : [back]));
[client, transport] = make();
await client.connect(transport);
seen.tools = (await client.listTools()).tools.map((one) => one.name);
seen.answer = await call(client);
seen.target = String(kept.target);
seen.access = kept.tokens.access_token;
kept.tokens.access_token += 'x'; // it is not good any more: the client gets another one for itself
seen.again = await call(client);
seen.renewed = kept.tokens.access_token !== seen.access;
await client.close();
console.log(JSON.stringify(seen));
process.exit(0);
