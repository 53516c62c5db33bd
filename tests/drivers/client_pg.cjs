// node pg as a client of the conformance kit: client_pg.cjs NODE_MODULES CONNINFO
//
// pg takes URIs, and has no hostaddr: a connection string is made a URI, and names are resolved to what hostaddr says. It is asked
// to follow libpq where it can be asked that (uselibpqcompat).
"use strict";
const dns = require("node:dns");
const { createRequire } = require("node:module");
const [, , modules, conninfo] = process.argv;
const { Client } = createRequire(modules + "/")("pg");

function settings(text) {
  const found = {};
  const setting = /\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:\\.|[^\s\\'])*))(?=\s|$)/y;
  while (text.slice(setting.lastIndex).trim()) {
    const match = setting.exec(text);
    // How libpq reads odd strings is not for pg to know.
    if (match === null) decline("this string is libpq's to read");
    const [, name, quoted, bare] = match;
    found[name] = (quoted ?? bare).replace(/\\(.)/g, "$1");
  }
  return found;
}

function uri(values) {
  const { host = "", port = "", user = "", dbname = "", password, ...rest } = values;
  const part = encodeURIComponent;
  const secret = password === undefined ? "" : ":" + part(password);
  const place = host.includes(":") ? `[${host}]` : part(host);
  return `postgresql://${part(user)}${secret}@${place}:${port}/${part(dbname)}?${new URLSearchParams(rest)}`;
}

function fail(error) {
  console.log(JSON.stringify({ outcome: "fail", error: String(error) }));
  process.exit(2);
}

function decline(reason) {
  console.error(reason);
  process.exit(77);
}

// What it neither knows nor refuses.
const UNKNOWN = ["sslcertmode", "channel_binding", "require_auth", "sslsni", "sslcrl", "sslcrldir", "requirepeer",
  "ssl_min_protocol_version", "ssl_max_protocol_version", "sslkeylogfile", "min_protocol_version", "max_protocol_version",
  "target_session_attrs", "load_balance_hosts", "passfile", "service", "gssencmode", "sslpassword", "sslcompression"];

let connectionString = conninfo;
if (!/^postgres(ql)?:\/\//.test(conninfo)) {
  const { hostaddr, ...values } = settings(conninfo);
  if (values.gssencmode === "disable") delete values.gssencmode;
  for (const name of Object.keys(values)) if (UNKNOWN.includes(name)) decline(`pg has no ${name}`);
  if ((values.host ?? "").includes(",")) decline("pg takes one host");
  if (values.sslmode !== undefined || values.sslrootcert !== undefined) values.uselibpqcompat = "true";
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
