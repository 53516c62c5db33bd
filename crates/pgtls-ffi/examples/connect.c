/*
 * A session with PostgreSQL in C: pgtls decides and logs in, OpenSSL is the TLS engine, this program has the sockets.
 *
 *     cargo build --release --package pgtls-ffi
 *     cc connect.c -I../include -L../../../target/release -lpgtls_ffi -lssl -lcrypto -o connect
 *     export LD_LIBRARY_PATH=../../../target/release
 *     APP_PASSWORD=secret ./connect "host=db1,db2 user=me sslmode=verify-full sslrootcert=root.crt sslcert=me.crt sslkey=me.key"
 *
 * It prints the protection of the session and the server's answer to SELECT 1. The password is that of the parameters or the
 * password file, else APP_PASSWORD.
 */
#define _GNU_SOURCE

#include "pgtls.h"

#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ADDRESSES = 64, MAX_CHAIN = 32 };

typedef struct {
    int fd;
    SSL *ssl;
    uint64_t deadline;
    const pgtls_params *params;
    pgtls_trust *trust;
    pgtls_proof *proof;
    char *refusal;
} wire;

static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* Lets no operation of the socket take longer than the deadline allows. A time of 0 would be no limit. */
static void set_limit(wire *w)
{
    uint64_t time = now(), left = w->deadline > time ? w->deadline - time : 1;
    struct timeval limit = {.tv_sec = (time_t)(left / 1000), .tv_usec = (suseconds_t)(left % 1000 * 1000)};

    if (w->deadline == PGTLS_NO_DEADLINE)
        limit = (struct timeval){0};
    setsockopt(w->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(w->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    ERR_clear_error();
    errno = 0;
}

static long receive(wire *w, uint8_t *bytes, size_t length)
{
    set_limit(w);
    return w->ssl != NULL ? SSL_read(w->ssl, bytes, (int)length) : recv(w->fd, bytes, length, 0);
}

static bool send_all(wire *w, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        set_limit(w);
        long count = w->ssl != NULL ? SSL_write(w->ssl, bytes, (int)length) : send(w->fd, bytes, length, 0);
        if (count <= 0)
            return false;
        bytes += count;
        length -= (size_t)count;
    }
    return true;
}

static const char *reason(void)
{
    const char *tls = ERR_reason_error_string(ERR_peek_last_error());
    return tls != NULL ? tls : errno != 0 ? strerror(errno) : NULL;
}

/* Reports an operation that has returned `count`, which is not positive. */
static pgtls_status lost(pgtls_machine *machine, wire *w, long count)
{
    if (now() >= w->deadline)
        return pgtls_machine_timed_out(machine);
    bool in_order = w->ssl != NULL ? SSL_get_error(w->ssl, (int)count) == SSL_ERROR_ZERO_RETURN : count == 0;
    return pgtls_machine_closed(machine, in_order, reason());
}

static void hang_up(wire *w)
{
    SSL_free(w->ssl);
    w->ssl = NULL;
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

static pgtls_status resolve(pgtls_machine *machine, const char *name)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char texts[MAX_ADDRESSES][INET6_ADDRSTRLEN + IF_NAMESIZE];
    const char *addresses[MAX_ADDRESSES];
    size_t count = 0;
    int error = getaddrinfo(name, NULL, &hints, &found);

    if (error != 0)
        return pgtls_machine_failed(machine, gai_strerror(error));
    for (struct addrinfo *each = found; each != NULL && count < MAX_ADDRESSES; each = each->ai_next)
        if (getnameinfo(each->ai_addr, each->ai_addrlen, texts[count], sizeof texts[0], NULL, 0, NI_NUMERICHOST) == 0) {
            addresses[count] = texts[count];
            count++;
        }
    freeaddrinfo(found);
    return pgtls_machine_resolved(machine, addresses, count);
}

static pgtls_status open_connection(pgtls_machine *machine, wire *w, const pgtls_peer *peer)
{
    const struct sockaddr *address = peer->sockaddr;
    const int options[][3] = {
        {SOL_SOCKET, SO_KEEPALIVE, peer->keepalives},
        {IPPROTO_TCP, TCP_NODELAY, peer->transport == PGTLS_TCP},
        {IPPROTO_TCP, TCP_KEEPIDLE, (int)peer->keepalives_idle},
        {IPPROTO_TCP, TCP_KEEPINTVL, (int)peer->keepalives_interval},
        {IPPROTO_TCP, TCP_KEEPCNT, (int)peer->keepalives_count},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, (int)peer->tcp_user_timeout},
    };

    hang_up(w);
    if (address == NULL)
        return pgtls_machine_failed(machine, "the path of the unix socket is too long");
    w->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (options[i][2] > 0)
            setsockopt(w->fd, options[i][0], options[i][1], &options[i][2], sizeof options[i][2]);
    set_limit(w);
    if (connect(w->fd, address, (socklen_t)peer->sockaddr_length) == 0)
        return pgtls_machine_opened(machine);
    return now() >= w->deadline ? pgtls_machine_timed_out(machine) : pgtls_machine_failed(machine, strerror(errno));
}

static pgtls_status check_peer(pgtls_machine *machine, wire *w)
{
    struct ucred user;
    socklen_t size = sizeof user;
    struct passwd *entry = NULL;

    if (getsockopt(w->fd, SOL_SOCKET, SO_PEERCRED, &user, &size) == 0)
        entry = getpwuid(user.uid);
    return entry != NULL ? pgtls_machine_peer_user(machine, entry->pw_name)
                         : pgtls_machine_failed(machine, "could not look up the user of the peer");
}

/* Called by OpenSSL in the handshake: the chain that the server has sent is judged by pgtls. */
static int verify(X509_STORE_CTX *store, void *argument)
{
    wire *w = argument;
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);
    unsigned char *certificates[MAX_CHAIN];
    size_t lengths[MAX_CHAIN], count = 0;
    pgtls_status status;

    for (int i = 0; i < sk_X509_num(sent) && count < MAX_CHAIN; i++) {
        certificates[count] = NULL;
        lengths[count] = (size_t)i2d_X509(sk_X509_value(sent, i), &certificates[count]);
        count++;
    }
    status = pgtls_verify(w->trust, (const uint8_t *const *)certificates, lengths, count, (uint64_t)time(NULL),
                          PGTLS_PURPOSE_SERVER, &w->proof, &w->refusal);
    while (count > 0)
        OPENSSL_free(certificates[--count]);
    X509_STORE_CTX_set_error(store, status == PGTLS_OK ? X509_V_OK : X509_V_ERR_CERT_UNTRUSTED);
    return status == PGTLS_OK;
}

/* Gives the client's certificates and key to OpenSSL. */
static bool use_identity(SSL_CTX *context, const pgtls_identity *identity)
{
    const uint8_t *bytes = NULL;
    size_t length = 0;
    bool done = true;

    for (size_t i = 0; done && pgtls_identity_certificate(identity, i, &bytes, &length) == PGTLS_OK; i++) {
        X509 *certificate = d2i_X509(NULL, &bytes, (long)length);
        done = i == 0 ? SSL_CTX_use_certificate(context, certificate) : SSL_CTX_add1_chain_cert(context, certificate);
        X509_free(certificate);
    }
    if (done && pgtls_identity_key(identity, &bytes, &length) == PGTLS_OK) {
        EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &bytes, (long)length);
        done = SSL_CTX_use_PrivateKey(context, key);
        EVP_PKEY_free(key);
    }
    return done;
}

/* The client's certificate is requested: whether it is sent, OpenSSL decides by the context. */
static int requested(SSL *ssl, void *argument)
{
    (void)ssl;
    *(bool *)argument = true;
    return 1;
}

static pgtls_status start_tls(pgtls_machine *machine, wire *w, const pgtls_action *action)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    pgtls_identity *identity = NULL;
    const unsigned char *selected = NULL;
    unsigned char *leaf = NULL;
    unsigned int length = 0;
    bool is_requested = false, has_identity;
    pgtls_status status = pgtls_identity_of_params(w->params, &identity, &w->refusal);

    if (action->verification != PGTLS_VERIFY_NONE) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_cert_verify_callback(context, verify, w);
    }
    if (action->tls_min != 0)
        SSL_CTX_set_min_proto_version(context, action->tls_min);
    if (action->tls_max != 0)
        SSL_CTX_set_max_proto_version(context, action->tls_max);
    SSL_CTX_set_alpn_protos(context, action->bytes, (unsigned int)action->length);
    SSL_CTX_set_cert_cb(context, requested, &is_requested);
    ERR_clear_error();
    if (status == PGTLS_OK && use_identity(context, identity))
        w->ssl = SSL_new(context);
    has_identity = SSL_CTX_get0_certificate(context) != NULL;
    SSL_CTX_free(context);
    pgtls_identity_free(identity);
    if (w->ssl == NULL || !SSL_set_fd(w->ssl, w->fd) ||
        (action->name != NULL && !SSL_set_tlsext_host_name(w->ssl, action->name))) {
        status = pgtls_machine_tls_failed(machine, PGTLS_TLS_SETUP, w->refusal != NULL ? w->refusal : reason());
        pgtls_string_free(w->refusal);
        w->refusal = NULL;
        return status;
    }
    set_limit(w);
    int done = SSL_connect(w->ssl);
    status = pgtls_machine_client_certificate(machine, is_requested, is_requested && has_identity);
    if (status == PGTLS_OK && done == 1) {
        int size = i2d_X509(SSL_get0_peer_certificate(w->ssl), &leaf);
        SSL_get0_alpn_selected(w->ssl, &selected, &length);
        status = pgtls_machine_server_certificate(machine, leaf, size > 0 ? (size_t)size : 0);
        if (status == PGTLS_OK)
            status = pgtls_machine_tls_established(machine, selected, length, w->proof);
        OPENSSL_free(leaf);
    } else if (status != PGTLS_OK) {
        /* The machine has failed. */
    } else if (now() < w->deadline && ERR_peek_last_error() != 0) {
        status = pgtls_machine_tls_failed(machine, PGTLS_TLS_HANDSHAKE, w->refusal != NULL ? w->refusal : reason());
    } else {
        status = lost(machine, w, -1);
    }
    pgtls_proof_free(w->proof);
    pgtls_string_free(w->refusal);
    w->proof = NULL;
    w->refusal = NULL;
    return status;
}

static pgtls_status perform(pgtls_machine *machine, wire *w, const pgtls_action *action)
{
    uint8_t bytes[16384];
    long count;

    switch (action->kind) {
    case PGTLS_RESOLVE:
        return resolve(machine, action->name);
    case PGTLS_OPEN:
        return open_connection(machine, w, &action->peer);
    case PGTLS_CHECK_PEER:
        return check_peer(machine, w);
    case PGTLS_SEND:
        return send_all(w, action->bytes, action->length) ? pgtls_machine_sent(machine, action->bytes, action->length)
                                                          : lost(machine, w, -1);
    case PGTLS_RECEIVE:
        count = receive(w, bytes, action->at_most < sizeof bytes ? action->at_most : sizeof bytes);
        return count > 0 ? pgtls_machine_received(machine, bytes, (size_t)count) : lost(machine, w, count);
    case PGTLS_LOAD_TRUST:
        pgtls_trust_free(w->trust);
        pgtls_trust_of_params(w->params, &w->trust);
        return pgtls_machine_trust(machine, w->trust);
    case PGTLS_START_TLS:
        return start_tls(machine, w, action);
    default: /* PGTLS_DERIVE: the others come only to programs that run the startup exchange themselves */
        return now() >= w->deadline ? pgtls_machine_timed_out(machine) : pgtls_machine_derive(machine);
    }
}

/* The password of a server, if neither the parameters nor the password file have one. A program would prompt for it here. */
static const char *password(void *context, const pgtls_peer *peer)
{
    (void)peer;
    return context;
}

/* Sends SELECT 1 and returns the digit in its one row: the last byte of the DataRow, which follows a RowDescription. */
static int select_one(wire *w)
{
    uint8_t answer[4096];
    size_t have = 0, at = 0;

    if (!send_all(w, (const uint8_t *)"Q\0\0\0\x0dSELECT 1", 14))
        return -1;
    while (have < 6 || memcmp(answer + have - 6, "Z\0\0\0\5", 5) != 0) {
        long count = receive(w, answer + have, sizeof answer - have);
        if (count <= 0)
            return -1;
        have += (size_t)count;
    }
    while (at + 12 <= have && answer[at] != 'D')
        at += 1 + ((size_t)answer[at + 3] << 8) + answer[at + 4];
    return at + 12 <= have ? answer[at + 11] - '0' : -1;
}

static bool run(pgtls_machine *machine, wire *w)
{
    static const char *const words[] = {"plain", "ssl", "gss"};
    pgtls_action action;
    int one = -1;

    while (pgtls_machine_action(machine, now(), &action) == PGTLS_OK && action.kind < PGTLS_DONE) {
        w->deadline = action.deadline;
        if (perform(machine, w, &action) != PGTLS_OK)
            break;
    }
    w->deadline = PGTLS_NO_DEADLINE;
    if (action.kind == PGTLS_DONE && (one = select_one(w)) >= 0) {
        printf("%s: SELECT 1 is %d\n", words[action.encryption], one);
        send_all(w, (const uint8_t *)"X\0\0\0\4", 5);
    } else {
        char *error = pgtls_machine_error(machine);
        fprintf(stderr, "%s\n", error != NULL ? error : "no connection");
        pgtls_string_free(error);
    }
    return one >= 0;
}

int main(int argc, char **argv)
{
    pgtls_params *params = NULL;
    pgtls_machine *machine = NULL;
    wire w = {.fd = -1};
    char *error = NULL;
    bool done = false;

    signal(SIGPIPE, SIG_IGN);
    if (argc != 2)
        fprintf(stderr, "usage: connect CONNINFO\n");
    else if (pgtls_params_new(argv[1], &params, &error) != PGTLS_OK)
        fprintf(stderr, "%s\n", error != NULL ? error : "the connection string is not UTF-8");
    else if (pgtls_machine_new(params, &machine) == PGTLS_OK &&
             pgtls_machine_login(machine, password, getenv("APP_PASSWORD"), &error) == PGTLS_OK) {
        if (error != NULL)
            fprintf(stderr, "warning: %s\n", error);
        w.params = params;
        done = run(machine, &w);
    }

    hang_up(&w);
    pgtls_string_free(error);
    pgtls_machine_free(machine);
    pgtls_trust_free(w.trust);
    pgtls_params_free(params);
    return done ? 0 : 2;
}
