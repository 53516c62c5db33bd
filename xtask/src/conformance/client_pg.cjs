// node pg as a client of the conformance kit: client_pg.cjs NODE_MODULES CONNINFO
//
// pg takes URIs, and has no hostaddr: a connection string is made a URI, and names are resolved to what hostaddr says.
"use strict";
const dns = require("node:dns");
const { createRequire } = require("node:module");
const [, , modules, conninfo] = process.argv;
const { Client } = createRequire(modules + "/")("pg");

function settings(text) {
  const found = {};
  for (const [, name, quoted, bare] of text.matchAll(/\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S*))/g)) {
    found[name] = (quoted ?? bare).replace(/\\(.)/g, "$1");
  }
  return found;
}

function uri(values) {
  const { host = "", port = "", user = "", dbname = "", password, ...rest } = values;
  const part = encodeURIComponent;
  const secret = password === undefined ? "" : ":" + part(password);
  return `postgresql://${part(user)}${secret}@${host}:${port}/${part(dbname)}?${new URLSearchParams(rest)}`;
}

function fail(error) {
  console.log(JSON.stringify({ outcome: "fail", error: String(error) }));
  process.exit(2);
}

let connectionString = conninfo;
if (!/^postgres(ql)?:\/\//.test(conninfo)) {
  const { hostaddr, ...values } = settings(conninfo);
  if (hostaddr !== undefined) {
    values.host ??= hostaddr;
    const lookup = dns.lookup;
    dns.lookup = (name, ...more) => lookup(name === values.host ? hostaddr : name, ...more);
  }
  connectionString = uri(values);
}
(async () => {
  const client = new Client({ connectionString });
  client.on("error", fail);
  await client.connect();
  await client.end();
  console.log(JSON.stringify({ outcome: "connected" }));
})().catch(fail);
