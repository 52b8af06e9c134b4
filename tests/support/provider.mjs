// SPDX-License-Identifier: Apache-2.0
// oidc-provider, which the OpenID Foundation has certified, on a free port of this machine:
// node provider.mjs FOLDER-OF-NODE_MODULES REDIRECT_URI.  It prints its address, and ends with its input.
// For a resource (RFC 8707) it gives JWTs as access tokens; clients may register themselves.
import { createRequire } from "node:module";
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { pathToFileURL } from "node:url";

const [folder, redirectUri] = process.argv.slice(2);
const require = createRequire(folder + "/");
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));

function key(kid, alg, type, options) {
  const jwk = generateKeyPairSync(type, options).privateKey.export({ format: "jwk" });
  return { ...jwk, kid, alg, use: "sig" };
}

function client(id, more) {
  return {
    client_id: id, client_secret: "secret", redirect_uris: [redirectUri], response_types: ["code"],
    grant_types: ["authorization_code", "refresh_token"], ...more,
  };
}

const groups = { alice: ["engineering", "sales"], bob: [] };

function findAccount(ctx, id) {
  const claims = { sub: id, email: `${id}@acme.com`, email_verified: true, name: id.toUpperCase(), groups: groups[id] };
  return { accountId: id, claims: async () => claims };
}

const resourceScopes = ["deployments:run", "deployments", "models:read"];

function resourceServer(ctx, resource) {
  return {
    audience: resource, scope: resourceScopes.join(" "), accessTokenTTL: 300, accessTokenFormat: "jwt",
    jwt: { sign: { alg: "RS256" } },
  };
}

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      client("basic", {}),
      client("post", { token_endpoint_auth_method: "client_secret_post" }),
      client("elliptic", { id_token_signed_response_alg: "ES256" }),
    ],
    jwks: { keys: [key("rsa", "RS256", "rsa", { modulusLength: 2048 }), key("ec", "ES256", "ec", { namedCurve: "P-256" })] },
    cookies: { keys: ["for-tests"] },
    pkce: { required: () => true, methods: ["S256"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
    scopes: ["openid", "offline_access", ...resourceScopes],
    features: {
      devInteractions: { enabled: true }, revocation: { enabled: true }, registration: { enabled: true },
      resourceIndicators: { enabled: true, getResourceServerInfo: resourceServer },
    },
    extraTokenClaims: (ctx, token) => ({ groups: groups[token.accountId] }),
    issueRefreshToken: (ctx, client, code) => code.scopes.has("offline_access") || Boolean(code.resource),
    findAccount,
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
process.stdin.resume().on("end", () => process.exit(0));
