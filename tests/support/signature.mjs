// SPDX-License-Identifier: Apache-2.0
// What AWS's own signer makes of requests: node signature.mjs FOLDER-OF-NODE_MODULES < REQUESTS
// REQUESTS is an array of {"method", "target", "headers", "body": base64, "id", "secret", "token"}; prints
// an array of their Authorization headers.
import { createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(process.argv[2] + "/");
const { SignatureV4 } = await import(pathToFileURL(require.resolve("@smithy/signature-v4")));

class Sha256 {
  constructor(key) {
    this.hash = key ? createHmac("sha256", Buffer.from(key)) : createHash("sha256");
  }
  update(data) {
    this.hash.update(typeof data === "string" ? data : Buffer.from(data));
  }
  async digest() {
    return new Uint8Array(this.hash.digest());
  }
}

const FORM = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d+\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+),/;

async function sign(request) {
  const [, region, service, names] = FORM.exec(request.headers.authorization);
  const signed = names.split(";");
  const date = request.headers["x-amz-date"].replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z");
  const signer = new SignatureV4({
    service, region, sha256: Sha256, applyChecksum: false,
    credentials: { accessKeyId: request.id, secretAccessKey: request.secret, sessionToken: request.token ?? undefined },
  });
  const message = {
    method: request.method, protocol: "http:", hostname: "h", path: request.target, query: {},
    headers: Object.fromEntries(signed.map((name) => [name, request.headers[name]])),
    body: Buffer.from(request.body, "base64"),
  };
  const made = await signer.sign(message, { signingDate: new Date(date), signableHeaders: new Set(signed) });
  return made.headers.authorization;
}

console.log(JSON.stringify(await Promise.all(JSON.parse(readFileSync(0)).map(sign))));
