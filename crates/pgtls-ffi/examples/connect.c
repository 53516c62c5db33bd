/*
 * A connection to PostgreSQL in C: pgtls decides, OpenSSL speaks TLS, this program has the socket.
 *
 *     cargo build --release --package pgtls-ffi
 *     cc connect.c -I../include -L../../../target/release -lpgtls_ffi -lssl -lcrypto -o connect
 *     LD_LIBRARY_PATH=../../../target/release ./connect "host=localhost user=me sslmode=verify-full sslrootcert=root.crt"
 *
 * It prints how the session is protected and what the server answers to SELECT 1. One address, and no passwords.
 */
#define _POSIX_C_SOURCE 200809L

#include "pgtls.h"

#include <netdb.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 30, MAX_CHAIN = 16, MAX_MESSAGE = 1 << 16 };

/* Where bytes go and come from: a socket, under TLS or not. */
typedef struct {
    int fd;
    SSL_CTX *context;
    SSL *ssl;
} wire;

static void wire_close(wire *w)
{
    SSL_free(w->ssl);
    SSL_CTX_free(w->context);
    w->ssl = NULL;
    w->context = NULL;
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

static bool wire_open(wire *w, const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};

    wire_close(w);
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return false;
    w->fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (w->fd >= 0) {
        setsockopt(w->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(w->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        if (connect(w->fd, found->ai_addr, found->ai_addrlen) != 0)
            wire_close(w);
    }
    freeaddrinfo(found);
    return w->fd >= 0;
}

static long wire_read(wire *w, uint8_t *bytes, size_t length)
{
    if (w->ssl != NULL)
        return SSL_read(w->ssl, bytes, (int)length);
    return recv(w->fd, bytes, length, 0);
}

static bool wire_write(wire *w, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        long taken = w->ssl != NULL ? SSL_write(w->ssl, bytes, (int)length) : send(w->fd, bytes, length, MSG_NOSIGNAL);
        if (taken <= 0)
            return false;
        bytes += taken;
        length -= (size_t)taken;
    }
    return true;
}

static void complain(const char *what, char *error)
{
    fprintf(stderr, "%s: %s\n", what, error != NULL ? error : "no more is known");
    pgtls_string_free(error);
}

/* The chain that the server has sent, judged by pgtls. NULL if it does not hold. */
static pgtls_proof *prove(SSL *ssl, const pgtls_trust *trust, pgtls_verification wanted, const char *host)
{
    STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl);
    const uint8_t *certificates[MAX_CHAIN];
    size_t lengths[MAX_CHAIN], count = 0;
    pgtls_proof *proof = NULL;
    char *error = NULL;

    for (int i = 0; i < sk_X509_num(sent) && count < MAX_CHAIN; i++) {
        unsigned char *der = NULL;
        int length = i2d_X509(sk_X509_value(sent, i), &der);
        if (length <= 0)
            break;
        certificates[count] = der;
        lengths[count++] = (size_t)length;
    }
    if (pgtls_verify(trust, certificates, lengths, count, (uint64_t)time(NULL), PGTLS_PURPOSE_SERVER, &proof, &error) !=
        PGTLS_OK)
        complain("certificate", error);
    else if (wanted == PGTLS_VERIFY_FULL && pgtls_proof_match_host(proof, host, NULL, &error) != PGTLS_OK)
        complain("host name", error);
    for (size_t i = 0; i < count; i++)
        OPENSSL_free((void *)certificates[i]);
    return proof;
}

/* Runs the handshake and tells the machine what came of it. */
static pgtls_status start_tls(pgtls_machine *machine, wire *w, const pgtls_params *params, const pgtls_trust *trust,
                              const char *host)
{
    static const unsigned char protocol[] = "\x0apostgresql";
    const unsigned char *selected = NULL;
    unsigned int selected_length = 0;
    pgtls_verification wanted = PGTLS_VERIFY_FULL;
    pgtls_proof *proof = NULL;
    pgtls_alpn alpn = PGTLS_ALPN_ABSENT;
    pgtls_status status;
    char *text = NULL, *error = NULL;

    if (pgtls_machine_verification(machine, trust, &wanted, &error) != PGTLS_OK) {
        complain("roots", error);
        return pgtls_machine_tls_failed(machine, PGTLS_TLS_SETUP);
    }
    w->context = SSL_CTX_new(TLS_client_method());
    w->ssl = w->context != NULL ? SSL_new(w->context) : NULL;
    if (w->ssl == NULL)
        return pgtls_machine_tls_failed(machine, PGTLS_TLS_SETUP);
    /* OpenSSL checks the signature over the handshake in any case; the chain is judged below. */
    SSL_set_verify(w->ssl, SSL_VERIFY_NONE, NULL);
    SSL_set_min_proto_version(w->ssl, TLS1_2_VERSION);
    SSL_set_alpn_protos(w->ssl, protocol, sizeof protocol - 1);
    if (pgtls_params_server_name(params, host, &text, &error) != PGTLS_OK) {
        complain("server name", error);
        return pgtls_machine_tls_failed(machine, PGTLS_TLS_SETUP);
    }
    if (text != NULL)
        SSL_set_tlsext_host_name(w->ssl, text);
    pgtls_string_free(text);
    SSL_set_fd(w->ssl, w->fd);
    if (SSL_connect(w->ssl) != 1)
        return pgtls_machine_tls_failed(machine, PGTLS_TLS_HANDSHAKE);

    if (wanted != PGTLS_VERIFY_NONE) {
        proof = prove(w->ssl, trust, wanted, host);
        if (proof == NULL)
            return pgtls_machine_tls_failed(machine, PGTLS_TLS_HANDSHAKE);
    }
    SSL_get0_alpn_selected(w->ssl, &selected, &selected_length);
    if (selected_length == sizeof protocol - 2 && memcmp(selected, protocol + 1, selected_length) == 0)
        alpn = PGTLS_ALPN_POSTGRESQL;
    else if (selected_length > 0)
        alpn = PGTLS_ALPN_OTHER;
    /* If the name is wanted and was not matched, the machine refuses the session. */
    status = pgtls_machine_tls_established(machine, alpn, trust, proof);
    pgtls_proof_free(proof);
    return status;
}

/* The driver's part: sends the startup packet; the machine sees when the session is up. */
static pgtls_status start_up(pgtls_machine *machine, wire *w, const pgtls_params *params, pgtls_action *action)
{
    uint8_t buffer[4096], *packet = NULL;
    size_t length = 0;
    pgtls_status status = pgtls_params_startup(params, &packet, &length);

    if (status == PGTLS_OK && wire_write(w, packet, length))
        status = pgtls_machine_sent(machine, packet, length);
    pgtls_bytes_free(packet, length);
    while (status == PGTLS_OK && action->kind == PGTLS_STARTUP) {
        long count = wire_read(w, buffer, sizeof buffer);
        if (count > 0)
            status = pgtls_machine_received(machine, buffer, (size_t)count);
        else
            status = pgtls_machine_closed(
                machine, w->ssl != NULL ? SSL_get_shutdown(w->ssl) == SSL_RECEIVED_SHUTDOWN : count == 0);
        /* A request for a password, which this program has not. */
        if (status == PGTLS_OK && count >= 9 && buffer[0] == 'R' && memcmp(buffer + 5, "\0\0\0\0", 4) != 0)
            status = pgtls_machine_gave_up(machine);
        if (status == PGTLS_OK)
            status = pgtls_machine_action(machine, action);
    }
    return status;
}

/* Sends SELECT 1 and copies the first column of the first row. */
static bool ask(wire *w, char *value, size_t room)
{
    static const uint8_t query[] = "Q\0\0\0\x0dSELECT 1";
    static uint8_t message[MAX_MESSAGE];
    bool answered = false;

    if (!wire_write(w, query, sizeof query))
        return false;
    for (;;) {
        size_t have = 0, want = 5, length;
        while (have < want) {
            long count = wire_read(w, message + have, want - have);
            if (count <= 0)
                return false;
            have += (size_t)count;
            if (have == 5 && want == 5) {
                want = 1 + ((size_t)message[1] << 24 | (size_t)message[2] << 16 | (size_t)message[3] << 8 | message[4]);
                if (want < 5 || want > sizeof message)
                    return false;
            }
        }
        if (message[0] == 'Z')
            return answered;
        if (message[0] == 'D' && want >= 12) {
            length = message[10];
            if (length < room && want >= 11 + length) {
                memcpy(value, message + 11, length);
                value[length] = '\0';
                answered = true;
            }
        }
    }
}

static bool run(pgtls_machine *machine, const pgtls_params *params, const pgtls_trust *trust, wire *w)
{
    static const char *const words[] = {"plain", "ssl", "gss"};
    char *host = pgtls_params_value(params, "host");
    char *hostaddr = pgtls_params_value(params, "hostaddr");
    char *port = pgtls_params_value(params, "port");
    char value[64];
    uint8_t reply[2];
    pgtls_action action;
    pgtls_status status = PGTLS_OK;
    bool done = false;

    while (status == PGTLS_OK && (status = pgtls_machine_action(machine, &action)) == PGTLS_OK) {
        if (action.kind == PGTLS_CONNECT || action.kind == PGTLS_RECONNECT) {
            if (wire_open(w, hostaddr != NULL ? hostaddr : host, port))
                status = pgtls_machine_connected(machine);
            else
                status = pgtls_machine_connect_failed(machine);
        } else if (action.kind == PGTLS_SEND) {
            if (wire_write(w, action.bytes, action.length))
                status = pgtls_machine_sent(machine, action.bytes, action.length);
            else
                status = pgtls_machine_closed(machine, false);
        } else if (action.kind == PGTLS_RECEIVE) {
            long count = wire_read(w, reply, action.at_most);
            if (count >= 0)
                status = pgtls_machine_received(machine, reply, (size_t)count);
            else
                status = pgtls_machine_closed(machine, false);
        } else if (action.kind == PGTLS_START_TLS) {
            status = start_tls(machine, w, params, trust, host);
        } else if (action.kind == PGTLS_STARTUP) {
            status = start_up(machine, w, params, &action);
        } else if (action.kind == PGTLS_DONE) {
            done = ask(w, value, sizeof value);
            if (done)
                printf("%s: SELECT 1 is %s\n", words[action.encryption], value);
            wire_write(w, (const uint8_t *)"X\0\0\0\4", 5);
            break;
        } else {
            complain("no connection", pgtls_machine_error(machine));
            break;
        }
    }
    if (status != PGTLS_OK)
        fprintf(stderr, "pgtls says %d\n", (int)status);
    pgtls_string_free(host);
    pgtls_string_free(hostaddr);
    pgtls_string_free(port);
    return done;
}

int main(int argc, char **argv)
{
    pgtls_params *params = NULL;
    pgtls_trust *trust = NULL;
    pgtls_machine *machine = NULL;
    wire w = {.fd = -1};
    char *error = NULL;
    bool done = false;

    if (argc != 2) {
        fprintf(stderr, "usage: connect CONNINFO\n");
        return 64;
    }
    if (pgtls_params_new(argv[1], &params, &error) != PGTLS_OK ||
        pgtls_machine_new(params, PGTLS_TCP, PGTLS_PAYLOAD_STARTUP, &machine, &error) != PGTLS_OK)
        complain("parameters", error);
    else if (pgtls_trust_of_params(params, &trust) == PGTLS_OK)
        done = run(machine, params, trust, &w);

    wire_close(&w);
    pgtls_machine_free(machine);
    pgtls_trust_free(trust);
    pgtls_params_free(params);
    return done ? 0 : 2;
}
