/*
 * A session with PostgreSQL from Node, whose sockets never block: pgtls decides and logs in, Node's tls is the TLS engine. Node has
 * no way to call C by itself; this uses the package koffi (version 3).
 *
 *     npm install koffi@3
 *     APP_PASSWORD=secret node connect.js libpgtls_ffi.so "host=db1,db2 user=me sslmode=verify-full sslrootcert=root.crt"
 *
 * It prints the protection of the session and the server's answer to SELECT 1. The password is that of the parameters or the
 * password file, else APP_PASSWORD. Node does not show the user at the other end of a unix socket, nor whether the server requested
 * a certificate: requirepeer and sslcertmode=require are refused. Of the keepalive parameters it has keepalives and keepalives_idle.
 */
'use strict';

const dns = require('node:dns/promises');
const koffi = require('koffi');
const net = require('node:net');
const tls = require('node:tls');

const OK = 0, UNIX = 1, VERIFY_NONE = 0, TLS_SETUP = 0, TLS_CLOSED = 1, TLS_HANDSHAKE = 2;
const RESOLVE = 0, OPEN = 1, CHECK_PEER = 2, SEND = 3, RECEIVE = 4, LOAD_TRUST = 5, START_TLS = 6, DERIVE = 9, DONE = 10;
const VERSIONS = { 0x0301: 'TLSv1', 0x0302: 'TLSv1.1', 0x0303: 'TLSv1.2', 0x0304: 'TLSv1.3' };

koffi.struct('Peer', {
    host_index: 'size_t', host: 'const char *', address: 'const char *', port: 'uint16_t', transport: 'int',
    keepalives: 'bool', keepalives_idle: 'uint32_t', keepalives_interval: 'uint32_t', keepalives_count: 'uint32_t',
    tcp_user_timeout: 'uint32_t', sockaddr: 'void *', sockaddr_length: 'uint32_t',
});
koffi.struct('Action', {
    kind: 'int', deadline: 'uint64_t', peer: 'Peer', name: 'const char *', query: 'const char *', bytes: 'void *',
    length: 'size_t', at_most: 'size_t', direct: 'bool', verification: 'int', tls_min: 'uint16_t', tls_max: 'uint16_t',
    authentication: 'uint32_t', encryption: 'int', then: 'int',
});
const Password = koffi.pointer(koffi.proto('const char *Password(void *context, Peer *peer)'));

/* The functions of pgtls.h, as far as they are needed here. */
const c = {};
function load(path) {
    const library = koffi.load(path);
    const free = library.func('void pgtls_string_free(void *text)');
    koffi.disposable('Text', 'const char *', free);
    const functions = {
        params_new: 'int f(const char *conninfo, _Out_ void **params, _Out_ Text *error)',
        params_free: 'void f(void *params)',
        trust_of_params: 'int f(void *params, _Out_ void **trust)',
        trust_free: 'void f(void *trust)',
        identity_of_params: 'int f(void *params, _Out_ void **identity, _Out_ Text *error)',
        identity_certificate: 'int f(void *identity, size_t index, _Out_ void **bytes, _Out_ size_t *length)',
        identity_key: 'int f(void *identity, _Out_ void **bytes, _Out_ size_t *length)',
        identity_free: 'void f(void *identity)',
        verify: 'int f(void *trust, const uint8_t **certificates, const size_t *lengths, size_t count, uint64_t time, '
            + 'uint32_t purpose, _Out_ void **proof, _Out_ Text *error)',
        proof_free: 'void f(void *proof)',
        machine_new: 'int f(void *params, _Out_ void **machine)',
        machine_action: 'int f(void *machine, uint64_t now, _Out_ Action *action)',
        machine_error: 'Text f(void *machine)',
        machine_resolved: 'int f(void *machine, const char **addresses, size_t count)',
        machine_opened: 'int f(void *machine)',
        machine_sent: 'int f(void *machine, void *bytes, size_t length)',
        machine_received: 'int f(void *machine, const uint8_t *bytes, size_t length)',
        machine_closed: 'int f(void *machine, bool in_order, const char *reason)',
        machine_trust: 'int f(void *machine, void *trust)',
        machine_server_certificate: 'int f(void *machine, const uint8_t *bytes, size_t length)',
        machine_tls_established: 'int f(void *machine, const uint8_t *alpn, size_t length, void *proof)',
        machine_tls_failed: 'int f(void *machine, uint32_t failure, const char *reason)',
        machine_derive: 'int f(void *machine)',
        machine_failed: 'int f(void *machine, const char *reason)',
        machine_timed_out: 'int f(void *machine)',
        machine_free: 'void f(void *machine)',
    };
    for (const [name, prototype] of Object.entries(functions))
        c[name] = library.func(prototype.replace(' f(', ` pgtls_${name}(`));
    c.machine_login = library.func('pgtls_machine_login', 'int',
        ['void *', Password, 'void *', koffi.out(koffi.pointer('Text'))]);
}

class Failure extends Error {} // of pgtls
class Deadline extends Error {} // of the action

/* A handle of a function whose last places are for it and for an error. */
function make(name, ...values) {
    const handle = [null], error = [null];
    if (c[name](...values, handle, error) !== OK)
        throw new Failure(error[0] ?? name);
    return handle[0];
}

/* Bytes of a handle; null if there are none. */
function bytesOf(name, ...values) {
    const pointer = [null], length = [0];
    return c[name](...values, pointer, length) === OK ? copy(pointer[0], Number(length[0])) : null;
}

function copy(pointer, length) {
    return length === 0 ? Buffer.alloc(0) : Buffer.from(koffi.decode(pointer, 'uint8_t', length));
}

function pem(label, der) {
    return `-----BEGIN ${label}-----\n${der.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`;
}

/* A socket or a TLS session, for reads and writes that are awaited. */
class Wire {
    constructor(stream) {
        this.stream = stream;
        this.error = null;
        stream.on('error', (error) => { this.error ??= error; });
    }

    /* Waits for one of these events, for an error, or for the deadline in milliseconds. */
    async event(deadline, ...names) {
        names.push('error', 'close');
        let timer, listener;
        const passed = await new Promise((resolve) => {
            listener = () => resolve(false);
            names.forEach((name) => this.stream.once(name, listener));
            if (deadline !== Infinity)
                timer = setTimeout(() => resolve(true), Math.max(deadline - performance.now(), 1));
        });
        clearTimeout(timer);
        names.forEach((name) => this.stream.removeListener(name, listener));
        if (passed)
            throw new Deadline();
    }

    /* Bytes; null at the end. */
    async read(atMost, deadline) {
        for (;;) {
            const available = this.stream.readableLength;
            if (available > 0)
                return this.stream.read(Math.min(atMost, available));
            if (this.error !== null)
                throw this.error;
            if (this.stream.readableEnded || this.stream.destroyed)
                return null;
            await this.event(deadline, 'readable', 'end');
        }
    }

    async write(bytes, deadline) {
        if (!this.stream.write(bytes))
            await this.event(deadline, 'drain');
        if (this.error !== null)
            throw this.error;
    }
}

class Connection {
    constructor(conninfo) {
        this.deadline = Infinity;
        this.params = make('params_new', conninfo);
        this.machine = make('machine_new', this.params);
        // The machine calls it as long as it lives.
        this.password = koffi.register(() => process.env.APP_PASSWORD ?? null, Password);
        const warning = [null];
        this.tell('login', this.password, null, warning);
        if (warning[0] !== null)
            console.error(`warning: ${warning[0]}`);
    }

    close() {
        this.wire?.stream.destroy();
        c.machine_free(this.machine);
        koffi.unregister(this.password);
        c.trust_free(this.trust ?? null);
        c.params_free(this.params);
    }

    /* Reports a result to the machine. */
    tell(name, ...values) {
        if (c[`machine_${name}`](this.machine, ...values) !== OK)
            throw new Failure(c.machine_error(this.machine) ?? `pgtls_machine_${name} refuses its arguments`);
    }

    action() {
        const action = {};
        if (c.machine_action(this.machine, Math.floor(performance.now()), action) !== OK)
            throw new Failure('a bug in pgtls');
        this.deadline = Number(action.deadline) >= 2 ** 64 ? Infinity : Number(action.deadline);
        return action;
    }

    /* Performs the actions until there is a session, and returns its protection. */
    async run() {
        const perform = {
            [RESOLVE]: this.resolve, [OPEN]: this.open, [CHECK_PEER]: this.checkPeer, [SEND]: this.send,
            [RECEIVE]: this.receive, [LOAD_TRUST]: this.loadTrust, [START_TLS]: this.startTls, [DERIVE]: this.derive,
        };
        let action;
        while ((action = this.action()).kind in perform) {
            try {
                await perform[action.kind].call(this, action);
            } catch (error) {
                if (error instanceof Failure)
                    throw error;
                if (error instanceof Deadline)
                    this.tell('timed_out');
                else if (action.kind === SEND || action.kind === RECEIVE)
                    this.tell('closed', false, error.message);
                else
                    this.tell('failed', error.message);
            }
        }
        if (action.kind !== DONE)
            throw new Failure(c.machine_error(this.machine));
        this.deadline = Infinity;
        return ['plain', 'ssl', 'gss'][action.encryption];
    }

    async resolve(action) {
        const found = await dns.lookup(action.name, { all: true, verbatim: true });
        this.tell('resolved', found.map(({ address }) => address), found.length);
    }

    async open({ peer }) {
        this.wire?.stream.destroy();
        const path = peer.transport === UNIX ? peer.address.replace(/^@/, '\0') : undefined;
        const socket = net.connect(path !== undefined ? { path } : { host: peer.address, port: peer.port, noDelay: true });
        this.wire = new Wire(socket);
        await this.wire.event(this.deadline, 'connect');
        if (this.wire.error !== null)
            throw this.wire.error;
        if (path === undefined)
            socket.setKeepAlive(peer.keepalives, peer.keepalives_idle * 1000);
        this.tell('opened');
    }

    async checkPeer() {
        throw new Error('requirepeer parameter is not supported on this platform');
    }

    async send(action) {
        await this.wire.write(copy(action.bytes, Number(action.length)), this.deadline);
        this.tell('sent', action.bytes, action.length);
    }

    async receive(action) {
        const bytes = await this.wire.read(Number(action.at_most), this.deadline);
        if (bytes !== null)
            this.tell('received', bytes, bytes.length);
        else // Node does not show whether TLS was closed in order.
            this.tell('closed', !this.wire.stream.encrypted, null);
    }

    async derive() {
        if (performance.now() >= this.deadline)
            throw new Deadline();
        this.tell('derive');
        await new Promise(setImmediate);
    }

    async loadTrust() {
        c.trust_free(this.trust ?? null);
        this.trust = make('trust_of_params', this.params);
        this.tell('trust', this.trust);
    }

    options(action) {
        const identity = make('identity_of_params', this.params);
        const chain = [];
        for (let der; (der = bytesOf('identity_certificate', identity, chain.length)) !== null;)
            chain.push(pem('CERTIFICATE', der));
        const key = bytesOf('identity_key', identity);
        c.identity_free(identity);
        return {
            socket: this.wire.stream,
            servername: action.name ?? '',
            ALPNProtocols: ['postgresql'],
            // OpenSSL checks the signature over the handshake in any case; pgtls judges the certificate.
            secureContext: tls.createSecureContext({
                ca: [],
                ...(action.tls_min !== 0 && { minVersion: VERSIONS[action.tls_min] }),
                ...(action.tls_max !== 0 && { maxVersion: VERSIONS[action.tls_max] }),
                ...(key !== null && { cert: chain.join(''), key: pem('PRIVATE KEY', key) }),
            }),
            rejectUnauthorized: false,
        };
    }

    async startTls(action) {
        let stream;
        try {
            this.wire.stream.removeAllListeners('readable');
            stream = tls.connect(this.options(action));
        } catch (error) {
            return this.tell('tls_failed', TLS_SETUP, error.message);
        }
        this.wire = new Wire(stream);
        await this.wire.event(this.deadline, 'secureConnect');
        const error = this.wire.error;
        if (error !== null || stream.destroyed) {
            const failure = error?.library !== undefined ? TLS_HANDSHAKE : TLS_CLOSED;
            return this.tell('tls_failed', failure, error?.reason ?? error?.message ?? 'the connection has ended');
        }
        let proof = null;
        try {
            const chain = [];
            for (let at = stream.getPeerCertificate(true); at?.raw && !chain.some((one) => one.equals(at.raw));)
                [at] = [at.issuerCertificate, chain.push(at.raw)];
            if (action.verification !== VERIFY_NONE) {
                const now = Math.floor(Date.now() / 1000);
                proof = make('verify', this.trust, chain, chain.map((one) => one.length), chain.length, now, 0);
            }
            this.tell('server_certificate', chain[0], chain[0].length);
        } catch (error) {
            return this.tell('tls_failed', TLS_HANDSHAKE, error.message);
        }
        const alpn = Buffer.from(stream.alpnProtocol || '');
        try {
            this.tell('tls_established', alpn, alpn.length, proof);
        } finally {
            c.proof_free(proof);
        }
    }

    /* The first column of the last row. */
    async ask(sql) {
        const query = Buffer.from(`Q    ${sql}\0`);
        query.writeUInt32BE(query.length - 1, 1);
        await this.wire.write(query, this.deadline);
        let bytes = Buffer.alloc(0), value = null;
        for (;;) {
            while (bytes.length < 5 || bytes.length <= bytes.readUInt32BE(1)) {
                const more = await this.wire.read(4096, this.deadline);
                if (more === null)
                    throw new Failure('the server has closed the connection');
                bytes = Buffer.concat([bytes, more]);
            }
            const [kind, body] = [bytes[0], bytes.subarray(5, bytes.readUInt32BE(1) + 1)];
            bytes = bytes.subarray(body.length + 5);
            if (kind === 0x5a) // ReadyForQuery
                return value;
            if (kind === 0x44) // DataRow
                value = body.toString('utf8', 6, 6 + body.readInt32BE(2));
        }
    }
}

async function main(path, conninfo) {
    let connection;
    try {
        load(path);
        connection = new Connection(conninfo);
        const protection = await connection.run();
        console.log(`${protection}: SELECT 1 is ${await connection.ask('SELECT 1')}`);
        await connection.wire.write(Buffer.from('X\0\0\0\x04'), Infinity);
    } catch (error) {
        console.error(error.message);
        process.exitCode = 2;
    } finally {
        connection?.close();
    }
}

main(...process.argv.slice(2));
