/*
 * Proofs of pgtls.h that do not belong to the handshake they are given for, startup exchanges and logins. Each case gives a machine
 * something and prints one line: name|status|action|pgtls_machine_error. The test beside this file has the expected lines.
 *
 *     proofs FOLDER
 *
 * With the name of a certificate it prints no more than the verdict on that.
 */
#define _POSIX_C_SOURCE 200809L

#include "pgtls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_CHAIN = 4, MAX_FILE = 1 << 16, DAY = 24 * 60 * 60 };

static const char *folder;

static void must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        exit(1);
    }
}

/* The whole file, for the caller to free. */
static uint8_t *contents(const char *name, const char *extension, size_t *length)
{
    char path[512];
    FILE *file;
    uint8_t *bytes = malloc(MAX_FILE);

    snprintf(path, sizeof path, "%s/%s.%s", folder, name, extension);
    file = fopen(path, "rb");
    must(file != NULL && bytes != NULL, path);
    *length = fread(bytes, 1, MAX_FILE, file);
    fclose(file);
    return bytes;
}

/* Parameters of host db.test with the root file "root"; `%s` in `format` is the folder. */
static pgtls_params *params(const char *format)
{
    char conninfo[1024];
    pgtls_params *made = NULL;
    char *error = NULL;

    snprintf(conninfo, sizeof conninfo, format, folder, folder);
    must(pgtls_params_new(conninfo, &made, &error) == PGTLS_OK, conninfo);
    return made;
}

#define USUAL "host=db.test user=u sslmode=verify-full sslrootcert=%s/root.crt"

static pgtls_trust *trust_of(const pgtls_params *of)
{
    pgtls_trust *made = NULL;

    must(pgtls_trust_of_params(of, &made) == PGTLS_OK, "trust");
    return made;
}

static pgtls_trust *trust_from_memory(const char *name)
{
    size_t length;
    uint8_t *pem = contents(name, "crt", &length);
    pgtls_trust *made = NULL;

    must(pgtls_trust_of_pem(pem, length, NULL, 0, &made, NULL) == PGTLS_OK, name);
    free(pem);
    return made;
}

/* Verifies NAME.0.der and, if it exists, NAME.1.der; the status, and the error on a line of its own. */
static pgtls_status verify(const char *name, const pgtls_trust *trust, uint64_t at, uint32_t purpose, pgtls_proof **proof)
{
    uint8_t *chain[MAX_CHAIN];
    size_t lengths[MAX_CHAIN], count = 0;
    char part[128], path[512], *error = NULL;
    pgtls_status status;

    for (; count < MAX_CHAIN; count++) {
        FILE *there;
        snprintf(part, sizeof part, "%s.%zu", name, count);
        snprintf(path, sizeof path, "%s/%s.der", folder, part);
        there = fopen(path, "rb");
        if (there == NULL)
            break;
        fclose(there);
        chain[count] = contents(part, "der", &lengths[count]);
    }
    status = pgtls_verify(trust, (const uint8_t *const *)chain, lengths, count, at, purpose, proof, &error);
    if (error != NULL)
        printf("verify %s|%d||%s\n", name, (int)status, error);
    pgtls_string_free(error);
    while (count > 0)
        free(chain[--count]);
    return status;
}

static pgtls_proof *proof_of(const char *name, const pgtls_trust *trust)
{
    pgtls_proof *proof = NULL;

    must(verify(name, trust, (uint64_t)time(NULL), PGTLS_PURPOSE_SERVER, &proof) == PGTLS_OK, name);
    return proof;
}

static pgtls_proof *matched(const char *name, const pgtls_trust *trust, const char *host)
{
    pgtls_proof *proof = proof_of(name, trust);

    must(pgtls_proof_match_host(proof, host, NULL, NULL) == PGTLS_OK, host);
    return proof;
}

static pgtls_machine *machine_of(const pgtls_params *of)
{
    pgtls_machine *made = NULL;

    must(pgtls_machine_new(of, &made) == PGTLS_OK, "machine");
    return made;
}

static pgtls_action action_of(pgtls_machine *machine)
{
    pgtls_action action;

    must(pgtls_machine_action(machine, 0, &action) == PGTLS_OK, "action");
    return action;
}

/* To an action of this kind, or to the end: resolved, opened, SSLRequest, `S`, and the trust. */
static pgtls_status advance(pgtls_machine *machine, const pgtls_trust *trust, pgtls_action_kind to)
{
    static const char *const addresses[] = {"127.0.0.1"};
    pgtls_status status = PGTLS_OK;

    for (;;) {
        pgtls_action action = action_of(machine);
        if (status != PGTLS_OK || action.kind == to || action.kind >= PGTLS_DONE)
            return status;
        if (action.kind == PGTLS_RESOLVE)
            status = pgtls_machine_resolved(machine, addresses, 1);
        else if (action.kind == PGTLS_OPEN)
            status = pgtls_machine_opened(machine);
        else if (action.kind == PGTLS_SEND)
            status = pgtls_machine_sent(machine, action.bytes, action.length);
        else if (action.kind == PGTLS_RECEIVE)
            status = pgtls_machine_received(machine, (const uint8_t *)"S", 1);
        else if (action.kind == PGTLS_LOAD_TRUST)
            status = pgtls_machine_trust(machine, trust);
        else
            must(false, "an action that does not come before TLS");
    }
}

static void print(const char *name, pgtls_machine *machine, pgtls_status status)
{
    static const char *const kinds[] = {"resolve", "open",       "check-peer", "send", "receive",     "load-trust", "start-tls",
                                        "startup", "query-role", "derive",     "done", "established", "failed"};
    /* The machine's own exchange fails when the next action is written. */
    pgtls_action_kind kind = action_of(machine).kind;
    char *error = pgtls_machine_error(machine);

    for (char *at = error; at != NULL && *at != '\0'; at++)
        if (*at == '\n')
            *at = ' ';
    printf("%s|%d|%s|%s\n", name, (int)status, kinds[kind], error != NULL ? error : "");
    pgtls_string_free(error);
}

static pgtls_status established(pgtls_machine *machine, const pgtls_proof *proof)
{
    return pgtls_machine_tls_established(machine, (const uint8_t *)"postgresql", 10, proof);
}

/* A handshake of this machine, which is freed. */
static void finish(const char *name, pgtls_machine *machine, const pgtls_trust *trust, const pgtls_proof *proof)
{
    pgtls_status status = advance(machine, trust, PGTLS_START_TLS);

    if (status == PGTLS_OK)
        status = established(machine, proof);
    print(name, machine, status);
    pgtls_machine_free(machine);
}

static void handshake(const char *name, const pgtls_params *of, const pgtls_trust *trust, const pgtls_proof *proof)
{
    finish(name, machine_of(of), trust, proof);
}

/* The same with new parameters, and with trust and proof of them that the handshake deserves. */
static void honest(const char *name, const char *format, const char *certificate, const char *host)
{
    pgtls_params *p = params(format);
    pgtls_trust *t = trust_of(p);
    pgtls_proof *proof = host != NULL ? matched(certificate, t, host) : proof_of(certificate, t);

    handshake(name, p, t, proof);
    pgtls_proof_free(proof);
    pgtls_trust_free(t);
    pgtls_params_free(p);
}

static void last_match(void)
{
    pgtls_params *p = params(USUAL);
    pgtls_trust *t = trust_of(p);
    pgtls_proof *proof = proof_of("good", t);

    handshake("no match", p, t, proof);
    pgtls_proof_free(proof);
    proof = matched("good", t, "db.test");
    must(pgtls_proof_match_host(proof, "bank.example", NULL, NULL) == PGTLS_UNVERIFIED, "another host");
    handshake("refused after a match", p, t, proof);
    pgtls_proof_free(proof);
    proof = matched("good", t, "db.test");
    must(pgtls_proof_match_host(proof, NULL, NULL, NULL) == PGTLS_ARGUMENT, "NULL is no host");
    handshake("NULL after a match", p, t, proof);
    pgtls_proof_free(proof);
    proof = proof_of("good", t);
    must(pgtls_proof_match_host(proof, "bank.example", NULL, NULL) == PGTLS_UNVERIFIED, "another host");
    must(pgtls_proof_match_host(proof, "DB.test", NULL, NULL) == PGTLS_OK, "the host");
    handshake("a match after a refusal", p, t, proof);
    handshake("used twice", p, t, proof);
    must(pgtls_proof_match_host(proof, "db.test", NULL, NULL) == PGTLS_OK, "the host");
    handshake("used twice, matched anew", p, t, proof);
    pgtls_proof_free(proof);
    handshake("none", p, t, NULL);
    pgtls_trust_free(t);
    pgtls_params_free(p);
    honest("of another host, no match", USUAL, "wrong-host", NULL);
}

static void purposes(void)
{
    pgtls_params *p = params(USUAL);
    pgtls_trust *t = trust_of(p);
    pgtls_proof *proof = NULL;
    uint64_t now = (uint64_t)time(NULL);

    must(verify("eku-client", t, now, PGTLS_PURPOSE_SERVER, &proof) == PGTLS_UNVERIFIED, "not for servers");
    must(proof == NULL, "no proof of a refusal");
    must(verify("eku-client", t, now, PGTLS_PURPOSE_CLIENT, &proof) == PGTLS_OK, "for clients");
    must(pgtls_proof_match_host(proof, "db.test", NULL, NULL) == PGTLS_MISUSE, "a client has no host");
    handshake("a client's certificate", p, t, proof);
    pgtls_proof_free(proof);
    pgtls_trust_free(t);
    pgtls_params_free(p);
}

static void times(void)
{
    pgtls_params *p = params(USUAL);
    pgtls_trust *t = trust_of(p);
    pgtls_proof *proof = NULL;
    uint64_t now = (uint64_t)time(NULL);

    must(verify("expired", t, now - 5 * DAY, PGTLS_PURPOSE_SERVER, &proof) == PGTLS_OK, "it was good");
    must(pgtls_proof_match_host(proof, "db.test", NULL, NULL) == PGTLS_OK, "the host");
    handshake("of the past", p, t, proof);
    pgtls_proof_free(proof);
    must(verify("notyet", t, now + 60 * DAY, PGTLS_PURPOSE_SERVER, &proof) == PGTLS_OK, "it will be good");
    must(pgtls_proof_match_host(proof, "db.test", NULL, NULL) == PGTLS_OK, "the host");
    handshake("of the future", p, t, proof);
    pgtls_proof_free(proof);
    must(verify("good", t, now - DAY, PGTLS_PURPOSE_SERVER, &proof) == PGTLS_OK, "good yesterday");
    must(pgtls_proof_match_host(proof, "db.test", NULL, NULL) == PGTLS_OK, "the host");
    handshake("of yesterday, good today", p, t, proof);
    pgtls_proof_free(proof);
    pgtls_trust_free(t);
    pgtls_params_free(p);
}

static void trusts(void)
{
    pgtls_params *p = params(USUAL), *same = params(USUAL), *unset = params("host=db.test user=u sslmode=verify-full");
    pgtls_params *other = params("host=db.test user=u sslmode=verify-full sslrootcert=%s/selfsigned-ca.crt");
    pgtls_params *revoking = params(USUAL " sslcrl=%s/root.crl");
    pgtls_trust *t = trust_of(p), *again = trust_of(p), *others = trust_of(other), *gone = trust_of(p);
    pgtls_trust *memory = trust_from_memory("root"), *evil = trust_from_memory("selfsigned-ca");
    pgtls_proof *proof = matched("selfsigned-ca", evil, "db.test");
    pgtls_machine *machine = machine_of(p);

    handshake("proof of other roots", p, t, proof);
    handshake("trust and proof of other roots", p, evil, proof);
    pgtls_proof_free(proof);
    proof = matched("selfsigned-ca", others, "db.test");
    handshake("trust and proof of other parameters", p, others, proof);
    pgtls_proof_free(proof);
    proof = matched("good", again, "db.test");
    must(advance(machine, t, PGTLS_START_TLS) == PGTLS_OK, "TLS");
    print("another trust of the same parameters", machine, established(machine, proof));
    print("misuse is the end", machine, established(machine, proof));
    pgtls_machine_free(machine);
    handshake("its own trust", p, again, proof);
    pgtls_proof_free(proof);
    /* Memory that is used again makes no other trust of it. */
    proof = matched("good", gone, "db.test");
    pgtls_trust_free(gone);
    gone = trust_of(p);
    handshake("a trust that was freed", p, gone, proof);
    pgtls_proof_free(proof);
    proof = matched("good", t, "db.test");
    handshake("equal parameters", same, t, proof);
    pgtls_proof_free(proof);
    proof = matched("good", memory, "db.test");
    handshake("memory in the place of sslrootcert", p, memory, proof);
    handshake("memory in the place of sslcrl", revoking, memory, proof);
    handshake("memory in the place of the home directory", unset, memory, proof);
    pgtls_proof_free(proof);
    must(pgtls_params_harden(same, "no_empty_labels") == PGTLS_OK, "a hardening");
    proof = matched("good", t, "db.test");
    handshake("hardened after the trust", same, t, proof);
    pgtls_proof_free(proof);
    pgtls_trust_free(t);
    pgtls_trust_free(again);
    pgtls_trust_free(others);
    pgtls_trust_free(gone);
    pgtls_trust_free(memory);
    pgtls_trust_free(evil);
    pgtls_params_free(p);
    pgtls_params_free(same);
    pgtls_params_free(unset);
    pgtls_params_free(other);
    pgtls_params_free(revoking);
}

static void hosts(void)
{
    pgtls_params *p = params(USUAL), *bank = params("host=bank.example user=u sslmode=verify-full sslrootcert=%s/root.crt");
    pgtls_params *address = params(USUAL " hostaddr=127.0.0.1");
    pgtls_params *nameless = params("hostaddr=127.0.0.1 user=u sslmode=verify-full sslrootcert=%s/root.crt");
    pgtls_params *two = params("host=other.test,db.test user=u sslmode=verify-full sslrootcert=%s/root.crt");
    pgtls_params *twice = params("host=db.test,db.test port=1,2 user=u sslmode=verify-full sslrootcert=%s/root.crt");
    pgtls_trust *t = trust_of(p);
    pgtls_proof *proof = matched("dns-and-ip", t, "127.0.0.1");
    pgtls_machine *machine;

    handshake("the address in the place of the host", address, t, proof);
    handshake("no host", nameless, t, proof);
    pgtls_proof_free(proof);
    proof = proof_of("dns-and-ip", t);
    handshake("no host, no match", nameless, t, proof);
    pgtls_proof_free(proof);
    proof = matched("good", t, "db.test");
    handshake("a machine of another host", bank, t, proof);
    handshake("the first of two hosts", two, t, proof);
    machine = machine_of(two);
    must(advance(machine, t, PGTLS_OPEN) == PGTLS_OK, "the first");
    must(pgtls_machine_failed(machine, "Connection refused") == PGTLS_OK, "the second");
    finish("the second of two hosts", machine, t, proof);
    pgtls_proof_free(proof);
    proof = proof_of("good", t);
    must(pgtls_machine_to(two, "bank.example", PGTLS_TCP, PGTLS_AIM_SESSION, &machine) == PGTLS_OK, "machine");
    finish("a host of the program's", machine, t, proof);
    pgtls_proof_free(proof);
    proof = matched("good", t, "db.test");
    handshake("two of the same host", twice, t, proof);
    pgtls_proof_free(proof);
    pgtls_trust_free(t);
    pgtls_params_free(p);
    pgtls_params_free(bank);
    pgtls_params_free(address);
    pgtls_params_free(nameless);
    pgtls_params_free(two);
    pgtls_params_free(twice);
}

static void modes(void)
{
    pgtls_params *ca = params("host=db.test user=u sslmode=verify-ca sslrootcert=%s/root.crt");
    pgtls_params *require = params("host=db.test user=u sslmode=require sslrootcert=%s/root.crt");
    pgtls_params *prefer = params("host=db.test user=u sslmode=prefer sslrootcert=%s/root.crt");
    pgtls_params *rootless = params("host=db.test user=u sslmode=require sslrootcert=%s/missing.crt");
    pgtls_trust *t = trust_of(ca), *none = trust_of(rootless), *evil = trust_from_memory("selfsigned-ca");
    pgtls_proof *proof = proof_of("wrong-host", t);
    pgtls_machine *machine = machine_of(ca);

    must(pgtls_machine_trust(machine, t) == PGTLS_OK, "a trust before it is needed");
    must(pgtls_proof_match_host(proof, "db.test", NULL, NULL) == PGTLS_UNVERIFIED, "another host's");
    handshake("verify-ca without", ca, t, NULL);
    handshake("verify-ca, whatever the host", ca, t, proof);
    pgtls_proof_free(proof);
    proof = proof_of("good", t);
    print("before the handshake", machine, established(machine, proof));
    pgtls_machine_free(machine);
    machine = machine_of(ca);
    must(advance(machine, NULL, PGTLS_LOAD_TRUST) == PGTLS_OK, "TLS");
    print("without trust", machine, established(machine, proof));
    pgtls_machine_free(machine);
    handshake("verify-ca", ca, t, proof);
    pgtls_proof_free(proof);
    handshake("require with roots, without", require, t, NULL);
    handshake("require without roots", rootless, none, NULL);
    handshake("require with roots, told that there are none", require, none, NULL);
    proof = proof_of("selfsigned-ca", evil);
    handshake("prefer, proof of other roots", prefer, t, proof);
    pgtls_proof_free(proof);
    handshake("prefer without", prefer, t, NULL);
    pgtls_trust_free(t);
    pgtls_trust_free(none);
    pgtls_trust_free(evil);
    pgtls_params_free(ca);
    pgtls_params_free(require);
    pgtls_params_free(prefer);
    pgtls_params_free(rootless);
}

/* Certificates with trusted chains that no connection with these parameters accepts. */
static void keys(void)
{
    pgtls_params *p = params(USUAL " ssl_max_protocol_version=TLSv1.2");
    pgtls_trust *t = trust_of(p);
    pgtls_proof *proof = NULL;
    uint64_t now = (uint64_t)time(NULL);
    size_t length;
    uint8_t *good = contents("good.0", "der", &length);
    char *error = NULL;

    honest("a key that signs in TLS 1.3", USUAL, "ku-encipher", "db.test");
    must(verify("ku-encipher", t, now, PGTLS_PURPOSE_SERVER, &proof) == PGTLS_UNVERIFIED, "not in TLS 1.2");
    must(verify("ku-encipher", t, now, PGTLS_PURPOSE_CLIENT, &proof) == PGTLS_UNVERIFIED, "nor for clients");
    must(pgtls_match_host(good, length, "db.test", NULL, NULL) == PGTLS_OK, "it matches");
    must(pgtls_match_host(good, length - 1, "db.test", NULL, &error) == PGTLS_UNVERIFIED, "it is cut off");
    printf("match, cut off|4||%s\n", error);
    pgtls_string_free(error);
    free(good);
    pgtls_trust_free(t);
    pgtls_params_free(p);
}

/* Messages of a server: authentication is complete, ReadyForQuery, and a request for a password. */
#define AUTHENTICATED "R\0\0\0\x08\0\0\0\0"
#define READY "Z\0\0\0\5I"
#define PASSWORD "R\0\0\0\x08\0\0\0\3"
#define REFUSED "E\0\0\0\x1dSFATAL\0C28000\0Mno entry\0\0"

static void receive(pgtls_machine *machine, const char *bytes, size_t length)
{
    must(pgtls_machine_received(machine, (const uint8_t *)bytes, length) == PGTLS_OK, "received");
}

/* A machine without TLS that has sent its startup packet. */
static pgtls_machine *starting(const pgtls_params *of, pgtls_aim aim)
{
    pgtls_machine *machine = NULL;
    uint8_t *packet = NULL;
    size_t length = 0;
    pgtls_action_kind kind = aim == PGTLS_AIM_TLS ? PGTLS_ESTABLISHED : PGTLS_STARTUP;

    must(pgtls_machine_to(of, "db.test", PGTLS_TCP, aim, &machine) == PGTLS_OK, "machine");
    must(advance(machine, NULL, kind) == PGTLS_OK && action_of(machine).kind == kind, "startup");
    must(pgtls_params_startup(of, &packet, &length) == PGTLS_OK, "packet");
    must(pgtls_machine_sent(machine, packet, length) == PGTLS_OK, "sent");
    pgtls_bytes_free(packet, length);
    return machine;
}

static void exchanges(void)
{
    pgtls_params *p = params("host=db.test user=u sslmode=disable hostaddr=127.0.0.1 port=5433 connect_timeout=7");
    pgtls_params *scram = params("host=db.test user=u sslmode=disable require_auth=scram-sha-256");
    pgtls_params *standby = params("host=db.test user=u sslmode=disable target_session_attrs=standby");
    pgtls_machine *machine = machine_of(p), *canceller = NULL;
    pgtls_action action = action_of(machine);
    pgtls_peer peer;
    size_t connections = 0, attempt = 1;
    char *event;

    must(action.deadline == 7000 && action.peer.port == 5433 && action.peer.keepalives, "the first server");
    must(strcmp(action.peer.host, "db.test") == 0 && strcmp(action.peer.address, "127.0.0.1") == 0, "its address");
    must(pgtls_machine_cancel(p, machine, &canceller) == PGTLS_OK, "a machine that is connecting has a server");
    print("cancel", canceller, PGTLS_OK);
    pgtls_machine_free(canceller);
    print("a timeout", machine, pgtls_machine_timed_out(machine));
    must(pgtls_machine_attempt(machine, 0, &peer, &connections) == PGTLS_OK && connections == 0, "one attempt");
    must(pgtls_machine_attempt(machine, 1, NULL, NULL) == PGTLS_ARGUMENT, "no other attempt");
    must(pgtls_machine_cancel(p, machine, &canceller) == PGTLS_ARGUMENT && canceller == NULL, "no server");
    pgtls_machine_free(machine);

    machine = starting(p, PGTLS_AIM_SESSION);
    receive(machine, AUTHENTICATED READY, sizeof AUTHENTICATED READY - 1);
    print("a session", machine, PGTLS_OK);
    event = pgtls_machine_event(machine, &attempt);
    must(event != NULL && strcmp(event, "connect") == 0 && attempt == 0, "an event");
    pgtls_string_free(event);
    print("bytes after the end", machine, pgtls_machine_received(machine, (const uint8_t *)"N", 1));
    pgtls_machine_free(machine);
    machine = starting(p, PGTLS_AIM_SESSION);
    receive(machine, PASSWORD, sizeof PASSWORD - 1);
    must(action_of(machine).authentication == 3, "a password is requested");
    print("no password", machine, pgtls_machine_no_password(machine));
    pgtls_machine_free(machine);
    machine = starting(p, PGTLS_AIM_SESSION);
    action_of(machine);
    print("a driver that fails", machine, pgtls_machine_failed(machine, "out of memory"));
    pgtls_machine_free(machine);
    machine = starting(p, PGTLS_AIM_SESSION);
    receive(machine, REFUSED, sizeof REFUSED - 1);
    print("an error of the server", machine, PGTLS_OK);
    pgtls_machine_free(machine);
    machine = starting(p, PGTLS_AIM_SESSION);
    print("the end", machine, pgtls_machine_closed(machine, true, NULL));
    pgtls_machine_free(machine);
    machine = starting(scram, PGTLS_AIM_SESSION);
    receive(machine, AUTHENTICATED, sizeof AUTHENTICATED - 1);
    print("require_auth", machine, PGTLS_OK);
    pgtls_machine_free(machine);

    for (int value = 't'; value != 0; value = value == 't' ? 'f' : value == 'f' ? 'x' : 0) {
        uint8_t byte = (uint8_t)value;
        machine = starting(standby, PGTLS_AIM_SESSION);
        receive(machine, AUTHENTICATED READY, sizeof AUTHENTICATED READY - 1);
        action = action_of(machine);
        must(action.kind == PGTLS_QUERY_ROLE && action.query != NULL, "the role is not known");
        print(value == 't' ? "a standby" : value == 'f' ? "no standby" : "no answer", machine,
              value == 'x' ? pgtls_machine_role(machine, NULL, 0) : pgtls_machine_role(machine, &byte, 1));
        pgtls_machine_free(machine);
    }
    machine = starting(standby, PGTLS_AIM_SESSION);
    print("an answer without a question", machine, pgtls_machine_role(machine, (const uint8_t *)"t", 1));
    pgtls_machine_free(machine);

    machine = starting(p, PGTLS_AIM_TLS);
    receive(machine, AUTHENTICATED READY, sizeof AUTHENTICATED READY - 1);
    receive(machine, "T", 1);
    print("another driver", machine, PGTLS_OK);
    pgtls_machine_free(machine);
    machine = starting(scram, PGTLS_AIM_TLS);
    receive(machine, AUTHENTICATED, sizeof AUTHENTICATED - 1);
    print("another driver, require_auth", machine, PGTLS_OK);
    pgtls_machine_free(machine);
    pgtls_params_free(p);
    pgtls_params_free(scram);
    pgtls_params_free(standby);
}

#define SASL "R\0\0\0\x17\0\0\0\x0a" "SCRAM-SHA-256\0"
#define STATUS "S\0\0\0\x18" "server_version\0" "18.1"
#define KEY "K\0\0\0\x0c\0\0\0\7" "key!"
#define ROW "D\0\0\0\x0b\0\1\0\0\0\1"
/* Literals with their last zero, and without it. */
#define RECEIVE_WITH_ZERO(machine, bytes) receive(machine, bytes, sizeof(bytes))
#define RECEIVE(machine, bytes) receive(machine, bytes, sizeof(bytes) - 1)
#define PLAIN "host=db.test hostaddr=127.0.0.1 port=5433 user=u sslmode=disable "

typedef struct {
    const char *password;
    int calls;
} prompt;

static const char *prompted(void *context, const pgtls_peer *peer)
{
    prompt *asked = context;

    must(strcmp(peer->host, "db.test") == 0 && peer->port == 5433, "the server that the password is for");
    asked->calls++;
    return asked->password;
}

/* A machine without TLS that logs in and is to send its startup packet. */
static pgtls_machine *logging_in(const pgtls_params *of, prompt *asked)
{
    pgtls_machine *machine = machine_of(of);

    must(pgtls_machine_login(machine, prompted, asked, NULL) == PGTLS_OK, "login");
    must(advance(machine, NULL, PGTLS_SEND) == PGTLS_OK, "startup packet");
    return machine;
}

/* Sends the bytes of the action one by one, and returns the number of them. */
static size_t send_all(pgtls_machine *machine)
{
    size_t count = 0;

    for (pgtls_action action; (action = action_of(machine)).kind == PGTLS_SEND; count++)
        must(pgtls_machine_sent(machine, action.bytes, 1) == PGTLS_OK, "sent");
    return count;
}

static void a_session(const pgtls_params *of)
{
    prompt asked = {NULL, 0};
    pgtls_machine *machine = logging_in(of, &asked), *canceller = NULL;
    pgtls_action action;
    char *name, *value;
    uint8_t *key = NULL;
    size_t length = 0;
    uint32_t process_id = 0;

    must(send_all(machine) > 20 && pgtls_machine_parameter(machine, "server_version") == NULL, "no session yet");
    must(pgtls_machine_cancel_key(machine, &process_id, &key, &length) == PGTLS_ARGUMENT && key == NULL, "no key yet");
    RECEIVE_WITH_ZERO(machine, AUTHENTICATED STATUS);
    must(action_of(machine).kind == PGTLS_RECEIVE && action_of(machine).at_most > 1000, "more is to come");
    RECEIVE(machine, KEY READY "first");
    print("a login", machine, PGTLS_OK);
    action = action_of(machine);
    must(action.length == 5 && memcmp(action.bytes, "first", 5) == 0, "the first bytes of the session");
    name = pgtls_machine_parameter_name(machine, 0);
    value = pgtls_machine_parameter(machine, name);
    must(strcmp(name, "server_version") == 0 && strcmp(value, "18.1") == 0, "a parameter");
    pgtls_string_free(name);
    pgtls_string_free(value);
    must(pgtls_machine_parameter_name(machine, 1) == NULL, "and no other");
    must(pgtls_machine_cancel_key(machine, &process_id, &key, &length) == PGTLS_OK, "a key");
    must(process_id == 7 && length == 4 && memcmp(key, "key!", 4) == 0 && asked.calls == 0, "the key");
    pgtls_bytes_free(key, length);

    must(pgtls_machine_cancel(of, machine, &canceller) == PGTLS_OK, "a canceller");
    must(advance(canceller, NULL, PGTLS_SEND) == PGTLS_OK, "its request");
    action = action_of(canceller);
    must(action.length == 16 && memcmp(action.bytes + 8, "\0\0\0\7key!", 8) == 0, "the request names the session");
    must(send_all(canceller) == 16 && action_of(canceller).kind == PGTLS_RECEIVE, "the end is awaited");
    print("the end of a cancel request", canceller, pgtls_machine_closed(canceller, true, NULL));
    pgtls_machine_free(canceller);
    must(pgtls_machine_closed(machine, true, NULL) == PGTLS_MISUSE, "the session is the program's");
    must(pgtls_machine_parameter(machine, "server_version") == NULL, "and is gone after misuse");
    pgtls_machine_free(machine);
}

static void passwords(const pgtls_params *plain, const pgtls_params *guarded)
{
    static const char *const refused[] = {NULL, "", "\xff"};
    prompt asked = {"secret", 0};
    pgtls_machine *machine = logging_in(plain, &asked);
    pgtls_action action;

    send_all(machine);
    RECEIVE(machine, PASSWORD);
    action = action_of(machine);
    must(action.kind == PGTLS_SEND && action.length == 12 && memcmp(action.bytes, "p\0\0\0\x0bsecret", 12) == 0, "it is sent");
    send_all(machine);
    RECEIVE(machine, AUTHENTICATED READY);
    print("a password of the callback", machine, PGTLS_OK);
    must(asked.calls == 1, "it is requested once");
    pgtls_machine_free(machine);
    machine = logging_in(plain, &asked);
    send_all(machine);
    RECEIVE(machine, PASSWORD);
    send_all(machine);
    RECEIVE(machine, REFUSED);
    print("a wrong password", machine, PGTLS_OK);
    pgtls_machine_free(machine);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        asked.password = refused[i];
        machine = logging_in(plain, &asked);
        send_all(machine);
        RECEIVE(machine, PASSWORD);
        print(i == 0 ? "NULL of the callback" : i == 1 ? "an empty password" : "no UTF-8", machine, PGTLS_OK);
        pgtls_machine_free(machine);
    }
    asked = (prompt){"secret", 0};
    machine = logging_in(guarded, &asked);
    send_all(machine);
    RECEIVE(machine, PASSWORD);
    print("require_auth before the password", machine, PGTLS_OK);
    must(asked.calls == 0, "no password is requested");
    pgtls_machine_free(machine);
}

static void roles(const pgtls_params *standby)
{
    static const char answers[] = {'t', 'f'};
    prompt asked = {NULL, 0};

    for (size_t i = 0; i < sizeof answers; i++) {
        pgtls_machine *machine = logging_in(standby, &asked);
        char row[sizeof ROW + sizeof READY] = ROW;

        send_all(machine);
        RECEIVE(machine, AUTHENTICATED READY);
        must(action_of(machine).bytes[0] == 'Q' && send_all(machine) > 10, "the role is queried");
        row[sizeof ROW - 1] = answers[i];
        memcpy(row + sizeof ROW, READY, sizeof READY);
        receive(machine, row, sizeof row - 1);
        print(i == 0 ? "a login on a standby" : "a login on no standby", machine, PGTLS_OK);
        pgtls_machine_free(machine);
    }
}

/* A server whose iterations would take an hour. */
static void endless(const pgtls_params *of)
{
    prompt asked = {"secret", 0};
    pgtls_machine *machine = logging_in(of, &asked);
    pgtls_action action;
    char first[256] = "R\0\0\0\0\0\0\0\x0b";
    size_t length = 9, nonce;

    send_all(machine);
    RECEIVE_WITH_ZERO(machine, SASL);
    action = action_of(machine);
    for (nonce = action.length; nonce > 1 && memcmp(action.bytes + nonce - 2, "r=", 2) != 0;)
        nonce--;
    nonce -= 2;
    memcpy(first + length, action.bytes + nonce, action.length - nonce);
    length += action.length - nonce;
    length += (size_t)snprintf(first + length, sizeof first - length, "more,s=c2FsdA==,i=2147483647");
    first[4] = (char)(length - 1);
    send_all(machine);
    receive(machine, first, length);
    for (int i = 0; i < 3; i++)
        must(action_of(machine).kind == PGTLS_DERIVE && pgtls_machine_derive(machine) == PGTLS_OK, "a slice");
    print("a derivation without end", machine, PGTLS_OK);
    print("its deadline", machine, pgtls_machine_timed_out(machine));
    pgtls_machine_free(machine);
}

static void misused(const pgtls_params *of)
{
    static const char *const names[] = {
        "received before it is sent", "more sent than there is", "nothing sent",      "a role in a login",
        "no password in a login",     "derive without a derivation",      "a login too late", "nothing received",
    };
    prompt asked = {NULL, 0};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        pgtls_machine *machine = logging_in(of, &asked);
        pgtls_action action = action_of(machine);
        pgtls_status status = PGTLS_OK;

        if (i == 7)
            send_all(machine);
        switch (i) {
        case 0: status = pgtls_machine_received(machine, (const uint8_t *)"R", 1); break;
        case 1: status = pgtls_machine_sent(machine, (const uint8_t *)names, action.length + 1); break;
        case 2: status = pgtls_machine_sent(machine, NULL, 0); break;
        case 3: status = pgtls_machine_role(machine, (const uint8_t *)"t", 1); break;
        case 4: status = pgtls_machine_no_password(machine); break;
        case 5: status = pgtls_machine_derive(machine); break;
        case 6: status = pgtls_machine_login(machine, NULL, NULL, NULL); break;
        default: status = pgtls_machine_received(machine, NULL, 0); break;
        }
        print(names[i], machine, status);
        pgtls_machine_free(machine);
    }
}

/* Channel binding needs the server's certificate. */
static void bound(void)
{
    pgtls_params *p = params("host=db.test user=u sslmode=require sslrootcert=%s/none.crt");
    pgtls_trust *t = trust_of(p);
    pgtls_machine *machine;
    size_t length;
    uint8_t *leaf = contents("good.0", "der", &length);

    for (int i = 0; i < 2; i++) {
        machine = machine_of(p);
        must(pgtls_machine_login(machine, NULL, NULL, NULL) == PGTLS_OK, "login");
        must(advance(machine, t, PGTLS_START_TLS) == PGTLS_OK, "TLS");
        must(i == 0 || pgtls_machine_server_certificate(machine, leaf, length) == PGTLS_OK, "the certificate");
        print(i == 0 ? "a login without the certificate" : "a login with the certificate", machine,
              established(machine, NULL));
        pgtls_machine_free(machine);
    }
    free(leaf);
    pgtls_trust_free(t);
    pgtls_params_free(p);
}

/* Files of the client, without a connection. */
static void identities(void)
{
    pgtls_params *none = params("host=db.test user=u sslcertmode=disable sslcert=%s/root.crt");
    pgtls_params *no_key = params("host=db.test user=u sslcert=%s/root.crt sslkey=%s/missing.key");
    pgtls_identity *identity = NULL;
    const uint8_t *bytes = NULL;
    size_t length = 0;
    char *error = NULL;

    must(pgtls_identity_of_params(none, &identity, &error) == PGTLS_OK && error == NULL, "no identity is demanded");
    must(pgtls_identity_certificate(identity, 0, &bytes, &length) == PGTLS_ARGUMENT, "no certificate");
    must(pgtls_identity_key(identity, &bytes, &length) == PGTLS_ARGUMENT && bytes == NULL, "no key");
    pgtls_identity_free(identity);
    must(pgtls_identity_of_params(no_key, &identity, &error) == PGTLS_FILE && identity == NULL, "the key is missing");
    must(strstr(error, "certificate present, but its private key file") != NULL, error);
    pgtls_string_free(error);
    must(pgtls_identity_of_params(no_key, NULL, NULL) == PGTLS_FILE, "the error is not wanted");
    must(pgtls_identity_of_params(none, NULL, NULL) == PGTLS_ARGUMENT, "no place for the identity");
    pgtls_params_free(none);
    pgtls_params_free(no_key);
}

static void logins(void)
{
    pgtls_params *plain = params(PLAIN "connect_timeout=7"), *scram = params(PLAIN "require_auth=scram-sha-256");
    pgtls_params *standby = params(PLAIN "target_session_attrs=standby");
    pgtls_machine *machine = NULL;

    a_session(plain);
    passwords(plain, scram);
    roles(standby);
    endless(plain);
    misused(plain);
    bound();
    must(pgtls_machine_to(plain, NULL, PGTLS_TCP, PGTLS_AIM_TLS, &machine) == PGTLS_OK, "machine");
    must(pgtls_machine_login(machine, NULL, NULL, NULL) == PGTLS_ARGUMENT, "the exchange is another driver's");
    pgtls_machine_free(machine);
    pgtls_params_free(plain);
    pgtls_params_free(scram);
    pgtls_params_free(standby);
}

static void only(const char *certificate)
{
    pgtls_params *p = params(USUAL);
    pgtls_trust *t = trust_of(p);
    pgtls_proof *proof = NULL;

    if (verify(certificate, t, (uint64_t)time(NULL), PGTLS_PURPOSE_SERVER, &proof) == PGTLS_OK)
        printf("verify %s|0||\n", certificate);
    pgtls_proof_free(proof);
    pgtls_trust_free(t);
    pgtls_params_free(p);
}

int main(int argc, char **argv)
{
    must(argc == 2 || argc == 3, "usage: proofs FOLDER [CERTIFICATE]");
    folder = argv[1];
    if (argc == 3) {
        only(argv[2]);
        return 0;
    }
    honest("honest", USUAL, "good", "db.test");
    last_match();
    purposes();
    times();
    trusts();
    hosts();
    modes();
    keys();
    exchanges();
    logins();
    identities();
    return 0;
}
