// SPDX-License-Identifier: Apache-2.0
// A server of CouchDB's protocol, in memory, that lets everybody in: node couch.mjs FOLDER-OF-NODE_MODULES
// Prints its port.
import { createRequire } from "node:module";

const require = createRequire(process.argv[2] + "/");
const PouchDB = require("pouchdb-core").plugin(require("pouchdb-adapter-memory")).defaults({ adapter: "memory" });
const app = require("express")();

app.use("/", require("express-pouchdb")(PouchDB, {
  mode: "custom", inMemoryConfig: true,
  overrideMode: { include: ["root", "all-dbs", "db", "documents", "bulk-docs", "all-docs", "404"].map((name) => `routes/${name}`) },
}));
const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume(); // whoever has started it has gone
