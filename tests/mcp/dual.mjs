// SPDX-License-Identifier: Apache-2.0
// A server of both eras at one address, by the official SDK: dual.mjs PORT [TOKEN].
// Two tools on a page; with a token, nobody else is let in.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.EIN_MODULES}/package.json`);
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const { createMcpHandler, Server } = await load('@modelcontextprotocol/server');
const { toNodeHandler } = await load('@modelcontextprotocol/node');

const [port, token] = process.argv.slice(2);
const page = 2;
const text = (said) => ({ content: [{ type: 'text', text: said }] });
const object = (properties, required = []) => ({ type: 'object', properties, required });
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const wrong = (code, message) => Object.assign(new Error(message), { code });

const tools = {
    greet: {
        description: 'Says hello', inputSchema: object({ name: { type: 'string' } }, ['name']),
        call: ({ name }) => text(`Hello, ${name}`),
    },
    add: {
        description: 'Adds two numbers',
        inputSchema: object({ a: { type: 'number' }, b: { type: 'number' } }, ['a', 'b']),
        outputSchema: object({ sum: { type: 'number' } }, ['sum']),
        call: ({ a, b }) => ({ ...text(`${a + b}`), structuredContent: { sum: a + b } }),
    },
    place: {
        description: 'Where it runs is told in a header',
        inputSchema: object({ where: { type: 'string', 'x-mcp-header': 'Where' }, what: { type: 'string' } }),
        call: ({ where, what }) => text(`${what} in ${where}`),
    },
    steps: {
        description: 'Tells its progress', inputSchema: object({ count: { type: 'integer' } }),
        async call({ count }, context, mark) {
            for (let step = 1; step <= count; step++) {
                await sleep(20);
                if (context.mcpReq.signal.aborted) {
                    console.log('steps: nobody wants them any more');
                    return text('stopped');
                }
                if (mark === undefined) continue;
                await context.mcpReq.notify({
                    method: 'notifications/progress',
                    params: { progressToken: mark, progress: step, total: count, message: `step ${step}` },
                });
            }
            return text('all steps');
        },
    },
    broken: { description: 'Fails', inputSchema: object({}), call: () => ({ ...text('no luck'), isError: true }) },
};

function build() {
    const server = new Server({ name: 'dual', version: '1.0.0' }, { capabilities: { tools: {} } });
    const listed = Object.entries(tools).map(([name, { call, ...tool }]) => ({ name, ...tool }));

    server.setRequestHandler('tools/list', (request) => {
        const at = Number(request.params?.cursor ?? 0);
        const next = at + page < listed.length ? { nextCursor: String(at + page) } : {};
        return { tools: listed.slice(at, at + page), ttlMs: 60000, cacheScope: 'private', ...next };
    });
    server.setRequestHandler('tools/call', (request, context) => {
        const { name, arguments: given = {}, _meta } = request.params;
        if (!tools[name]) throw wrong(-32602, `There is no tool ${name}`);
        return tools[name].call(given, context, _meta?.progressToken);
    });
    return server;
}

const handle = toNodeHandler(createMcpHandler(build));

createServer((request, response) => {
    console.log(request.method, request.headers['mcp-method'] ?? '-', request.headers['mcp-param-where'] ?? '-');
    if (token && request.headers.authorization !== `Bearer ${token}`) {
        response.writeHead(401, { 'WWW-Authenticate': 'Bearer error="invalid_token"' });
        return response.end();
    }
    return handle(request, response);
}).listen(Number(port), '127.0.0.1');
