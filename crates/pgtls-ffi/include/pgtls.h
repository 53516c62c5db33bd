/*
 * pgtls for C, and for languages that call C: a logged-in connection by libpq's rules, on the program's sockets and TLS engine. The
 * header is include/pgtls.h, generated from this crate.
 *
 * The library has no sockets and no TLS engine, and no call of it waits for the network. The program calls pgtls_machine_action,
 * performs the action, reports the result, and repeats that until the action is PGTLS_DONE, PGTLS_ESTABLISHED or PGTLS_FAILED.
 * This fits blocking sockets and event loops.
 *
 * It covers:
 *
 * - **Parameters**: connection strings and URIs, service files, environment and defaults (pgtls_params_new).
 * - **Servers**: the order of hosts and addresses, load_balance_hosts, connect_timeout, keepalives, requirepeer,
 *   target_session_attrs, and cancel requests (pgtls_machine_new, pgtls_machine_cancel).
 * - **TLS**: sslmode with its fallbacks between TLS and plaintext, sslnegotiation, server name indication, ALPN, and the range of
 *   versions (action PGTLS_START_TLS).
 * - **The server's certificate**: roots, CRLs, chains and host names (pgtls_trust_of_params, pgtls_verify); also without a
 *   connection (pgtls_match_host).
 * - **The client's certificate and key**: the files of sslcert and sslkey with libpq's checks (pgtls_identity_of_params).
 * - **The startup exchange**, on request (pgtls_machine_login): passwords of the parameters, of the password file and of a callback;
 *   cleartext, md5 and SCRAM-SHA-256, with channel binding; the parameters of the server and its cancel key. A program that has an
 *   exchange of its own reports its bytes instead, and the machine enforces require_auth, channel_binding, sslcertmode and the
 *   role of the server.
 * - **Errors** in libpq's words (pgtls_machine_error), and the trace of the connection (pgtls_machine_event).
 *
 * It does not cover: sockets, name resolution and the handshake, which the program performs; GSSAPI, SSPI and OAuth; certificates and
 * keys from memory other than trusted roots and CRLs (pgtls_trust_of_pem); keys that cannot leave a device, which the program
 * gives to its TLS engine itself; queries, and everything else after the session has started.
 *
 * Files and environment are read by pgtls_params_new, pgtls_trust_of_params, pgtls_identity_of_params and
 * pgtls_machine_login (the password file), OpenSSL's configuration file by pgtls_trust_of_pem and
 * pgtls_identity_of_params, too, and the clock by pgtls_verify. A numeric IPv6 address with a zone is read by the operating
 * system.
 *
 * cargo build --release --package pgtls-ffi makes libpgtls_ffi, shared and static, in target/release. Whole clients are
 * examples/connect.c with OpenSSL, examples/connect.py with a non-blocking socket, and examples/connect.js for Node.
 *
 * The contract
 *
 * - Handles are opaque. A handle that a function writes belongs to the caller, who gives it to the matching ..._free once.
 *   Freeing NULL has no effect.
 * - Texts that are written to a char ** or returned as a char * belong to the caller and go back unchanged to
 *   pgtls_string_free; bytes go to pgtls_bytes_free, with their length. Pointers in an action belong to the machine and
 *   hold until the next call of pgtls_machine_action is over; those in a pgtls_peer, until the machine is freed. Bytes of a
 *   pgtls_identity belong to it.
 * - Passwords, keys and packets that contain them are overwritten before their memory is freed, those that the caller gets by
 *   pgtls_bytes_free.
 * - Texts that are taken end with NUL and are UTF-8. Bytes are taken with their length; a length of 0 may come with any
 *   pointer. Arguments are copied where they are needed and may be freed after the call.
 * - Where a handle or text is to be written, NULL is written first: after a call that fails there is nothing to free but,
 *   perhaps, an error.
 * - NULL for a required argument is PGTLS_ARGUMENT and is not dereferenced. NULL for a place
 *   means that the value is not wanted.
 * - A handle may move between threads, and is used by one call at a time. The only callback, pgtls_password, runs in
 *   pgtls_machine_action, on the thread of that call, and does not use its machine.
 * - Numbers of the header's enums are checked: an unknown one is PGTLS_ARGUMENT. A call of a machine that returns it has no
 *   other effect.
 * - A call that does not answer the machine's action, or gives it a trust or proof of another connection, is
 *   PGTLS_MISUSE. It ends the connection: the next action is PGTLS_FAILED, and
 *   pgtls_machine_error returns the reason.
 * - A panic would be a bug of this library. It ends as PGTLS_BUG and does not reach C.
 *
 * A proof counts for one handshake: of a machine that was given the trust of the proof, with a server's certificate, at the present
 * time, and under verify-full for the host of the current attempt. The library checks all of this, and that the files of the trust
 * are those of the machine's parameters. A new trust does not take the place of one that was freed, even if it is of the same
 * parameters.
 *
 * The library cannot check the following, which the caller promises:
 *
 * - The certificates that are given to pgtls_verify are those of the handshake that the proof is used for, and the TLS engine
 *   has verified the signature over that handshake. So is the certificate of pgtls_machine_server_certificate.
 * - The state of the client's certificate (pgtls_machine_client_certificate) is that of the handshake.
 * - A callback is NULL, or may be called with its context until its machine is freed; it returns NULL or a text.
 * - The bytes that are reported for a startup exchange are those that were sent and received, all of them and in order.
 * - A handle is NULL, or was written by this library as a handle of its type and has not been freed; no other call has it
 *   before this one has ended.
 * - A text is NULL, or bytes that end with NUL. Bytes, and other values in a row, are NULL, or at least as many as their length
 *   says. They are not changed during the call.
 * - A place for a result is NULL, or good for writing one value of its type, and aligned. It does not overlap another argument.
 *
 * Generated by `cargo xtask generate`.
 */

#ifndef PGTLS_H
#define PGTLS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/**
 * A time without end: there is no deadline.
 */
#define PGTLS_NO_DEADLINE UINT64_MAX

/**
 * How a call ended.
 */
typedef enum pgtls_status {
  /**
   * Well.
   */
  PGTLS_OK = 0,
  /**
   * An argument is NULL, no UTF-8, or a number without a meaning.
   */
  PGTLS_ARGUMENT = 1,
  /**
   * The parameters make no sense; the error says why.
   */
  PGTLS_PARAMETERS = 2,
  /**
   * A file, or what is in it, cannot be used; the error says why.
   */
  PGTLS_FILE = 3,
  /**
   * The chain does not hold, or the name is not the host's; the error says why.
   */
  PGTLS_UNVERIFIED = 4,
  /**
   * The call does not answer the machine's action, or a trust or proof does not belong to it: an error of the program. The
   * connection has failed, the next action is `PGTLS_FAILED`, and `pgtls_machine_error` returns the reason.
   */
  PGTLS_MISUSE = 5,
  /**
   * A bug in this library. Whatever the handle was used for, use it for nothing but to free it.
   */
  PGTLS_BUG = 6,
} pgtls_status;

/**
 * Whether there are trusted roots; decides what is verified.
 */
typedef enum pgtls_root {
  /**
   * The root file exists.
   */
  PGTLS_ROOT_FOUND = 0,
  /**
   * It does not.
   */
  PGTLS_ROOT_MISSING = 1,
  /**
   * The operating system's.
   */
  PGTLS_ROOT_SYSTEM = 2,
} pgtls_root;

/**
 * Kind of action. Each names the calls that answer it; `pgtls_machine_timed_out` answers every action from `PGTLS_OPEN` to
 * `PGTLS_DERIVE`, and `pgtls_machine_failed` every one from `PGTLS_RESOLVE` to `PGTLS_DERIVE`.
 */
typedef enum pgtls_action_kind {
  /**
   * Resolve `name`: `pgtls_machine_resolved`. No deadline covers this, as in libpq.
   */
  PGTLS_RESOLVE = 0,
  /**
   * Close the present connection and open a new one to `peer`: `pgtls_machine_opened`.
   */
  PGTLS_OPEN = 1,
  /**
   * Determine the operating-system user at the other end of the unix socket: `pgtls_machine_peer_user`.
   */
  PGTLS_CHECK_PEER = 2,
  /**
   * Send `bytes`, through TLS if TLS is established: `pgtls_machine_sent` or `pgtls_machine_closed`. After a part of them was
   * sent the program sends the rest, or, in an exchange of the machine's own, reports the part and gets the rest as the next action.
   */
  PGTLS_SEND = 3,
  /**
   * Read once, at most `at_most` bytes, through TLS if TLS is established: `pgtls_machine_received` or `pgtls_machine_closed`.
   */
  PGTLS_RECEIVE = 4,
  /**
   * Load the trusted roots: `pgtls_machine_trust`. It comes before the first TLS handshake, unless the machine has them.
   */
  PGTLS_LOAD_TRUST = 5,
  /**
   * Run a TLS handshake: `pgtls_machine_tls_established`, `pgtls_machine_tls_failed` or `pgtls_machine_closed`. Offer the ALPN
   * protocols in `bytes`, send `name` (SNI) unless it is `NULL`, and keep to the versions `tls_min` and `tls_max`.
   */
  PGTLS_START_TLS = 6,
  /**
   * For a program that runs the exchange itself, without `pgtls_machine_login`: send the startup packet and authenticate, or send
   * the CancelRequest and wait for the end of the connection. Report all bytes, TLS taken off, with `pgtls_machine_sent` and
   * `pgtls_machine_received`, and the end with `pgtls_machine_closed`.
   * `bytes` are the first bytes of the server: they were received, and reported, before. Call `pgtls_machine_action` after
   * each report: once the action is another one, nothing more may be sent for this exchange.
   */
  PGTLS_STARTUP = 7,
  /**
   * For a program that runs the exchange itself: send `query`, which returns one value: `pgtls_machine_role`. The bytes of this
   * exchange are not reported.
   */
  PGTLS_QUERY_ROLE = 8,
  /**
   * Check the deadline and derive a part of SCRAM's key, for a few milliseconds: `pgtls_machine_derive`. The number of
   * iterations that the server demands decides how often this action comes; an event loop runs its other tasks in between.
   */
  PGTLS_DERIVE = 9,
  /**
   * There is a session, protected by `encryption`; or the cancel request was accepted. After a login `bytes` are the first of the
   * session, which were received with the end of the exchange; there are usually none.
   */
  PGTLS_DONE = 10,
  /**
   * The connection is ready for another driver (`PGTLS_AIM_TLS`), protected by `encryption`. The driver's exchange is reported
   * as for `PGTLS_STARTUP` up to ReadyForQuery; the action becomes `PGTLS_FAILED` if the parameters forbid it.
   */
  PGTLS_ESTABLISHED = 11,
  /**
   * Every attempt has failed. `pgtls_machine_error` returns the reasons.
   */
  PGTLS_FAILED = 12,
} pgtls_action_kind;

/**
 * Kind of socket.
 */
typedef enum pgtls_transport {
  /**
   * TCP.
   */
  PGTLS_TCP = 0,
  /**
   * A unix socket, on which `sslmode` means nothing.
   */
  PGTLS_UNIX = 1,
} pgtls_transport;

/**
 * Required proof of a server's identity.
 */
typedef enum pgtls_verification {
  /**
   * Nothing.
   */
  PGTLS_VERIFY_NONE = 0,
  /**
   * The chain.
   */
  PGTLS_VERIFY_CA = 1,
  /**
   * The chain and the host name.
   */
  PGTLS_VERIFY_FULL = 2,
} pgtls_verification;

/**
 * Protection of a session.
 */
typedef enum pgtls_encryption {
  /**
   * Not at all.
   */
  PGTLS_ENCRYPTION_PLAIN = 0,
  /**
   * TLS.
   */
  PGTLS_ENCRYPTION_SSL = 1,
  /**
   * GSSAPI, which is never asked for here.
   */
  PGTLS_ENCRYPTION_GSS = 2,
} pgtls_encryption;

/**
 * Consequence of a failed attempt.
 */
typedef enum pgtls_then {
  /**
   * The next address of the host.
   */
  PGTLS_THEN_NEXT_ADDRESS = 0,
  /**
   * The next host.
   */
  PGTLS_THEN_NEXT_HOST = 1,
  /**
   * Nothing.
   */
  PGTLS_THEN_STOP = 2,
} pgtls_then;

/**
 * Aim of a connection that the program opens itself.
 */
typedef enum pgtls_aim {
  /**
   * A session: the machine ends in `PGTLS_DONE`.
   */
  PGTLS_AIM_SESSION = 0,
  /**
   * A cancel request: the machine ends in `PGTLS_DONE` when the server has closed the connection in order.
   */
  PGTLS_AIM_CANCEL = 1,
  /**
   * A connection on which another driver runs the startup exchange: the machine ends in `PGTLS_ESTABLISHED`.
   */
  PGTLS_AIM_TLS = 2,
} pgtls_aim;

/**
 * Kind of failure of TLS.
 */
typedef enum pgtls_tls_failure {
  /**
   * Before anything was sent: a file or a key of ours.
   */
  PGTLS_TLS_SETUP = 0,
  /**
   * The server has closed the connection.
   */
  PGTLS_TLS_CLOSED = 1,
  /**
   * Anything else: an alert, garbage, the verification.
   */
  PGTLS_TLS_HANDSHAKE = 2,
} pgtls_tls_failure;

/**
 * What a certificate is to be used for.
 */
typedef enum pgtls_purpose {
  /**
   * TLS server.
   */
  PGTLS_PURPOSE_SERVER = 0,
  /**
   * TLS client.
   */
  PGTLS_PURPOSE_CLIENT = 1,
} pgtls_purpose;

/**
 * The client's certificates and private key, as they are given to a TLS engine.
 */
typedef struct pgtls_identity pgtls_identity;

/**
 * One connection, from parameters to a session.
 */
typedef struct pgtls_machine pgtls_machine;

/**
 * The parameters of a connection.
 */
typedef struct pgtls_params pgtls_params;

/**
 * The proof that one certificate was verified, and perhaps that it is for a host.
 */
typedef struct pgtls_proof pgtls_proof;

/**
 * Trusted roots, and the CRLs in force.
 */
typedef struct pgtls_trust pgtls_trust;

/**
 * The server of an attempt. Its texts belong to the machine and hold until the machine is freed.
 */
typedef struct pgtls_peer {
  /**
   * Index of the host in the list `host` of the parameters.
   */
  size_t host_index;
  /**
   * The host that certificates are compared with; `NULL` if there is only an address.
   */
  const char *host;
  /**
   * A numeric address (`192.0.2.1`, `2001:db8::1`, `fe80::1%2` with a numeric zone), or the path of a unix socket, where
   * a leading `@` stands for an abstract name. `NULL` if the program opens connections itself (`pgtls_machine_to`), and
   * if no server is being tried.
   */
  const char *address;
  /**
   * The port; 0 for a unix socket.
   */
  uint16_t port;
  /**
   * The kind of socket.
   */
  enum pgtls_transport transport;
  /**
   * Set `SO_KEEPALIVE` and the four options below. Not set for unix sockets. `TCP_NODELAY` is set on every TCP socket.
   */
  bool keepalives;
  /**
   * `TCP_KEEPIDLE`, in seconds; 0 keeps the operating system's default.
   */
  uint32_t keepalives_idle;
  /**
   * `TCP_KEEPINTVL`, in seconds; 0 keeps the operating system's default.
   */
  uint32_t keepalives_interval;
  /**
   * `TCP_KEEPCNT`; 0 keeps the operating system's default.
   */
  uint32_t keepalives_count;
  /**
   * `TCP_USER_TIMEOUT`, in milliseconds; 0 keeps the operating system's default.
   */
  uint32_t tcp_user_timeout;
  /**
   * Address and port as a `struct sockaddr` of this machine, for `connect`. `NULL` without an address, and if the path of
   * a unix socket is too long for it.
   */
  const void *sockaddr;
  /**
   * Length of `sockaddr`.
   */
  uint32_t sockaddr_length;
} pgtls_peer;

/**
 * The next action. What its pointers refer to belongs to the machine and holds until the next call of `pgtls_machine_action` is
 * over.
 */
typedef struct pgtls_action {
  /**
   * The kind.
   */
  enum pgtls_action_kind kind;
  /**
   * The time at which `pgtls_machine_timed_out` is to be called, in milliseconds on the clock of `pgtls_machine_action`;
   * `PGTLS_NO_DEADLINE` if there is no limit.
   */
  uint64_t deadline;
  /**
   * The server of the present attempt or of the session.
   */
  struct pgtls_peer peer;
  /**
   * For `PGTLS_RESOLVE` the name to resolve, for `PGTLS_START_TLS` the server name to send, else `NULL`.
   */
  const char *name;
  /**
   * For `PGTLS_QUERY_ROLE`.
   */
  const char *query;
  /**
   * For `PGTLS_SEND`, `PGTLS_START_TLS`, `PGTLS_STARTUP`, `PGTLS_ESTABLISHED` and `PGTLS_DONE`.
   */
  const uint8_t *bytes;
  /**
   * Length of `bytes`.
   */
  size_t length;
  /**
   * For `PGTLS_RECEIVE`: greatest length of the read, up to 16,384. All bytes that have arrived should be read at once.
   */
  size_t at_most;
  /**
   * For `PGTLS_START_TLS`: the handshake begins without an SSLRequest.
   */
  bool direct;
  /**
   * For `PGTLS_START_TLS`: the proof that `pgtls_machine_tls_established` needs.
   */
  enum pgtls_verification verification;
  /**
   * For `PGTLS_START_TLS`: `ssl_min_protocol_version` as in a handshake (0x0303 is TLS 1.2); 0 if there is no bound.
   */
  uint16_t tls_min;
  /**
   * For `PGTLS_START_TLS`: `ssl_max_protocol_version`, likewise.
   */
  uint16_t tls_max;
  /**
   * For `PGTLS_STARTUP`, and for the actions of the machine's own exchange: the code of the server's last authentication request (3: password, 5: MD5, 10: SASL); 0 before the
   * first, and after AuthenticationOk.
   */
  uint32_t authentication;
  /**
   * For `PGTLS_DONE` and `PGTLS_ESTABLISHED`.
   */
  enum pgtls_encryption encryption;
  /**
   * For `PGTLS_FAILED`: the consequence of the last failure, for programs that walk over hosts themselves.
   */
  enum pgtls_then then;
} pgtls_action;

/**
 * Function of the program that returns the password for a server, or `NULL` if there is none. `context` is the pointer that was
 * given to `pgtls_machine_login`.
 *
 * The machine calls it in `pgtls_machine_action`, on the thread of that call, at most once for each connection, when the server
 * requests a password and the parameters and the password file have none. It blocks the machine, and the time that it takes counts
 * for the deadline. The text is copied before that call returns; the machine overwrites its copy, the program its own. `peer` is
 * valid during the call. The function does not call anything with this machine, and returns in the usual way: neither `longjmp` nor
 * an exception of C++ may leave it.
 */
typedef const char *(*pgtls_password)(void *context, const struct pgtls_peer *peer);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Frees a text that this library has given.
 */
void pgtls_string_free(char *text);

/**
 * Overwrites and frees bytes that this library has given, by the length that it gave with them.
 */
void pgtls_bytes_free(uint8_t *bytes,
                      size_t length);

/**
 * Reads a connection string or URI, the service file it may name, and the environment (libpq: `PQconnectStart`).
 *
 * `PGTLS_PARAMETERS` with an error if they make no sense.
 */
enum pgtls_status pgtls_params_new(const char *conninfo,
                                   struct pgtls_params **params,
                                   char **error);

/**
 * Switches on one hardening by its name, or all of them with `NULL`. Machines and roots that were made of the parameters
 * before know nothing of it. `PGTLS_ARGUMENT` if no hardening has this name.
 */
enum pgtls_status pgtls_params_harden(struct pgtls_params *params,
                                      const char *name);

/**
 * The value of a parameter after defaults; `NULL` when it has none, is a secret, or does not exist. Freed with
 * `pgtls_string_free`.
 */
char *pgtls_params_value(const struct pgtls_params *params,
                         const char *keyword);

/**
 * The StartupMessage for these parameters. Freed with `pgtls_bytes_free`.
 */
enum pgtls_status pgtls_params_startup(const struct pgtls_params *params,
                                       uint8_t **bytes,
                                       size_t *length);

/**
 * Frees parameters.
 */
void pgtls_params_free(struct pgtls_params *params);

/**
 * Reads the root file and the CRLs that libpq would read for these parameters, or the roots of the operating system, and
 * OpenSSL's configuration file. The trust is for machines whose parameters name the same files.
 *
 * Roots that are missing or cannot be used are an error of the TLS handshake that needs them, and of `pgtls_verify`, not of
 * this call.
 */
enum pgtls_status pgtls_trust_of_params(const struct pgtls_params *params,
                                        struct pgtls_trust **trust);

/**
 * Takes roots, and CRLs if their length is not 0, from memory (PEM), and reads OpenSSL's configuration file. The trust is
 * for machines whose parameters set neither `sslrootcert` nor `sslcrl` nor `sslcrldir`: it replaces the files in the home
 * directory. `PGTLS_FILE` with an error if roots or CRLs cannot be read.
 */
enum pgtls_status pgtls_trust_of_pem(const uint8_t *roots,
                                     size_t roots_length,
                                     const uint8_t *crls,
                                     size_t crls_length,
                                     struct pgtls_trust **trust,
                                     char **error);

/**
 * Whether there are roots.
 */
enum pgtls_status pgtls_trust_root(const struct pgtls_trust *trust, enum pgtls_root *root);

/**
 * Frees roots and CRLs.
 */
void pgtls_trust_free(struct pgtls_trust *trust);

/**
 * Reads the client's certificate and private key by libpq's rules: `sslcert`, `sslkey`, `sslpassword` and `sslcertmode`, the files in
 * the home directory by default, the permissions of the key file, and that the two belong together (libpq: `initialize_SSL`). Call it
 * for each `PGTLS_START_TLS`, and give certificates and key to the TLS engine.
 *
 * `PGTLS_OK` with no certificate in `identity` if none is to be sent. `PGTLS_FILE` with an error in libpq's words if one was demanded
 * that cannot be used; it goes to `pgtls_machine_tls_failed` with `PGTLS_TLS_SETUP`. A key with which this library could not sign
 * itself (Ed448, DSA) is such an error, too.
 */
enum pgtls_status pgtls_identity_of_params(const struct pgtls_params *params,
                                           struct pgtls_identity **identity,
                                           char **error);

/**
 * Writes a certificate (DER), by its index from 0: the client's own first, then those to be sent after it. It belongs to the identity
 * and holds until that is freed. `PGTLS_ARGUMENT` if there is no such certificate.
 */
enum pgtls_status pgtls_identity_certificate(const struct pgtls_identity *identity,
                                             size_t index,
                                             const uint8_t **certificate,
                                             size_t *length);

/**
 * Writes the private key, decrypted, as PKCS#8 (DER, RFC 5958: `d2i_AutoPrivateKey`). It belongs to the identity and holds until that
 * is freed. `PGTLS_ARGUMENT` if there is no certificate.
 */
enum pgtls_status pgtls_identity_key(const struct pgtls_identity *identity,
                                     const uint8_t **key,
                                     size_t *length);

/**
 * Overwrites the key and frees an identity.
 */
void pgtls_identity_free(struct pgtls_identity *identity);

/**
 * Judges a chain as OpenSSL would (`X509_verify_cert`, as libpq calls it), and refuses a key that cannot authenticate a
 * handshake: the peer's own certificate first, then the others that it has sent, all of them DER; `certificates` and `lengths`
 * have `count` values each. `unix_time` is the time of the verdict, in seconds since 1970; `purpose` is a `pgtls_purpose`.
 *
 * The proof is freed with `pgtls_proof_free`. `PGTLS_UNVERIFIED` with an error if the certificates are refused, `PGTLS_FILE` if
 * there is nothing to verify with. A time that is not the system clock's gives a verdict, but a machine accepts the proof only if
 * the chain holds at the time of the clock, too.
 */
enum pgtls_status pgtls_verify(const struct pgtls_trust *trust,
                               const uint8_t *const *certificates,
                               const size_t *lengths,
                               size_t count,
                               uint64_t unix_time,
                               uint32_t purpose,
                               struct pgtls_proof **proof,
                               char **error);

/**
 * Compares the certificate of a proof with a host, by libpq's rules (libpq: `pq_verify_peer_name_matches_certificate`). A
 * machine compares it with the host of its connection by itself and needs no such call; after one it also demands in verify-full
 * that the last comparison was with that host and successful. In verify-ca a name does not count, as in libpq.
 *
 * `matched` becomes the name in the certificate. `PGTLS_UNVERIFIED` with an error if the certificate is for another host,
 * `PGTLS_MISUSE` with an error if it is a client's.
 */
enum pgtls_status pgtls_proof_match_host(struct pgtls_proof *proof,
                                         const char *host,
                                         char **matched,
                                         char **error);

/**
 * Frees a proof.
 */
void pgtls_proof_free(struct pgtls_proof *proof);

/**
 * Compares a host with the names in a server's certificate (DER), by the rules of libpq of PostgreSQL 15 and later (libpq:
 * `pq_verify_peer_name_matches_certificate`). It makes no proof: a name counts in a verified chain alone, see
 * `pgtls_proof_match_host`.
 *
 * `matched` becomes the name in the certificate. `PGTLS_UNVERIFIED` with an error if the certificate is for another host, and
 * if no connection would accept it with any chain: it cannot be read, or its key cannot authenticate a handshake.
 */
enum pgtls_status pgtls_match_host(const uint8_t *certificate,
                                   size_t length,
                                   const char *host,
                                   char **matched,
                                   char **error);

/**
 * A session with one of the hosts of these parameters. Errors of the parameters are those of the connection: the machine is
 * given in any case, and its first action may be `PGTLS_FAILED`.
 */
enum pgtls_status pgtls_machine_new(const struct pgtls_params *params,
                                    struct pgtls_machine **machine);

/**
 * A connection that the program opens itself: it has one already, or walks over the hosts by itself. `PGTLS_OPEN` comes for it
 * and for each later one, without an address. `host` is the host that certificates are compared with, or `NULL`; `transport` is
 * a `pgtls_transport`, `aim` a `pgtls_aim`.
 */
enum pgtls_status pgtls_machine_to(const struct pgtls_params *params,
                                   const char *host,
                                   uint32_t transport,
                                   uint32_t aim,
                                   struct pgtls_machine **machine);

/**
 * A cancel request to the server of `session`, whose action is `PGTLS_DONE` (libpq: `PQcancelStart`). After `pgtls_machine_login`
 * the request is that of the session and is sent by `PGTLS_SEND`; else the program sends its own at `PGTLS_STARTUP`.
 * `PGTLS_ARGUMENT` if `session` is connected to no server, or its server sent no key.
 */
enum pgtls_status pgtls_machine_cancel(const struct pgtls_params *params,
                                       const struct pgtls_machine *session,
                                       struct pgtls_machine **machine);

/**
 * Writes the next action, which is the same until it is answered. `now` is the time in milliseconds since any fixed moment: a
 * monotonic clock. The clock of a server starts at its first `PGTLS_OPEN`. Call this before each action is performed.
 */
enum pgtls_status pgtls_machine_action(struct pgtls_machine *machine,
                                       uint64_t now,
                                       struct pgtls_action *action);

/**
 * The reason for `PGTLS_MISUSE` if the last call with the machine has ended so. Else the errors of all failed attempts, as libpq
 * prints them, one line or more for each; `NULL` if nothing has failed. Freed with `pgtls_string_free`.
 */
char *pgtls_machine_error(const struct pgtls_machine *machine);

/**
 * Writes the server of an attempt, by its index from 0 in the order of the attempts, and the number of connections that were
 * opened to it. `PGTLS_ARGUMENT` if there is no such attempt.
 */
enum pgtls_status pgtls_machine_attempt(struct pgtls_machine *machine,
                                        size_t index,
                                        struct pgtls_peer *peer,
                                        size_t *connections);

/**
 * The next event, in the words of PostgreSQL's own test; `NULL` if there is none. `attempt` becomes the index of its attempt. Freed
 * with `pgtls_string_free`.
 */
char *pgtls_machine_event(struct pgtls_machine *machine,
                          size_t *attempt);

/**
 * Frees a machine.
 */
void pgtls_machine_free(struct pgtls_machine *machine);

/**
 * The addresses of the name, in the resolver's order: `count` texts, each `192.0.2.1`, `2001:db8::1` or `fe80::1%eth0`, as
 * `getnameinfo` returns them with `NI_NUMERICHOST`. `PGTLS_ARGUMENT` if a text is none of these.
 */
enum pgtls_status pgtls_machine_resolved(struct pgtls_machine *machine,
                                         const char *const *addresses,
                                         size_t count);

/**
 * The connection is open.
 */
enum pgtls_status pgtls_machine_opened(struct pgtls_machine *machine);

/**
 * The name of the user at the other end of the unix socket. The machine compares it with `requirepeer`.
 */
enum pgtls_status pgtls_machine_peer_user(struct pgtls_machine *machine,
                                          const char *user);

/**
 * These bytes were sent: all of those of the action, or some during the startup exchange.
 */
enum pgtls_status pgtls_machine_sent(struct pgtls_machine *machine,
                                     const uint8_t *bytes,
                                     size_t length);

/**
 * These bytes were received, TLS taken off.
 */
enum pgtls_status pgtls_machine_received(struct pgtls_machine *machine,
                                         const uint8_t *bytes,
                                         size_t length);

/**
 * The connection has ended. `in_order`: end of file without encryption, close_notify with TLS. `reason` is a sentence for the
 * report (`strerror`), or `NULL`.
 */
enum pgtls_status pgtls_machine_closed(struct pgtls_machine *machine,
                                       bool in_order,
                                       const char *reason);

/**
 * Gives the machine its trust, for all handshakes. It answers `PGTLS_LOAD_TRUST`, and may be called before that. Roots that cannot
 * be used fail TLS: the next action follows from `sslmode`. `PGTLS_MISUSE` if the trust is not for the parameters of this machine.
 */
enum pgtls_status pgtls_machine_trust(struct pgtls_machine *machine,
                                      const struct pgtls_trust *trust);

/**
 * The state of the client certificate in the present handshake, for `sslcertmode=require`: whether the server requested one,
 * and whether one was sent. Call it before `pgtls_machine_tls_established` or `pgtls_machine_tls_failed`; without a call
 * neither is the case.
 */
enum pgtls_status pgtls_machine_client_certificate(struct pgtls_machine *machine,
                                                   bool requested,
                                                   bool sent);

/**
 * The server's certificate in the present handshake (DER), for channel binding of SCRAM. A machine that logs in needs it before
 * `pgtls_machine_tls_established`, unless that call gets a proof, which contains the certificate.
 */
enum pgtls_status pgtls_machine_server_certificate(struct pgtls_machine *machine,
                                                   const uint8_t *certificate,
                                                   size_t length);

/**
 * The TLS handshake is complete. `alpn` is the protocol that the server selected; a `length` of 0 stands for none. `proof` is of the
 * certificates of this handshake, and needed as `verification` of the action says:
 *
 * - `PGTLS_VERIFY_NONE`: not needed; it may be `NULL`.
 * - `PGTLS_VERIFY_CA`: a proof of `pgtls_verify` with the trust of this machine.
 * - `PGTLS_VERIFY_FULL`: the same. The machine compares the certificate with the host of the connection.
 *
 * A session without the proof that it needs, or for another host, is refused: the call succeeds, and the next action follows from
 * `sslmode`. `PGTLS_MISUSE` if the machine has no trust; if it logs in and
 * has neither a proof nor the server's certificate; or if the proof is of another trust, of a client's certificate, matched
 * with another host, for another time than now, or was used for another handshake.
 */
enum pgtls_status pgtls_machine_tls_established(struct pgtls_machine *machine,
                                                const uint8_t *alpn,
                                                size_t length,
                                                const struct pgtls_proof *proof);

/**
 * TLS has failed. `failure` is a `pgtls_tls_failure`; `reason` is a sentence for the report: the error of `pgtls_verify`, or of the
 * TLS engine (`ERR_reason_error_string`). The report has "SSL error: " before that of a handshake, as libpq.
 */
enum pgtls_status pgtls_machine_tls_failed(struct pgtls_machine *machine,
                                           uint32_t failure,
                                           const char *reason);

/**
 * The value of the one row that the server returned for `PGTLS_QUERY_ROLE`; `NULL` if the query failed.
 */
enum pgtls_status pgtls_machine_role(struct pgtls_machine *machine,
                                     const uint8_t *value,
                                     size_t length);

/**
 * The server requests a password, and there is none: for a program that runs the startup exchange itself.
 */
enum pgtls_status pgtls_machine_no_password(struct pgtls_machine *machine);

/**
 * The action could not be performed: a name was not found, a connection could not be opened, the driver cannot go on. `reason` is
 * a sentence for the report (`gai_strerror`, `strerror`).
 */
enum pgtls_status pgtls_machine_failed(struct pgtls_machine *machine,
                                       const char *reason);

/**
 * The deadline of the action has passed.
 */
enum pgtls_status pgtls_machine_timed_out(struct pgtls_machine *machine);

/**
 * The program gives up: no other server is tried. `reason` is a sentence for the report.
 */
enum pgtls_status pgtls_machine_abandoned(struct pgtls_machine *machine, const char *reason);

/**
 * Lets the machine run the startup exchange itself: StartupMessage, passwords (cleartext, md5, SCRAM-SHA-256 with and without
 * channel binding), ReadyForQuery, and the query for the server's role. The program then gets `PGTLS_SEND`, `PGTLS_RECEIVE` and
 * `PGTLS_DERIVE` until `PGTLS_DONE`, and neither `PGTLS_STARTUP` nor `PGTLS_QUERY_ROLE`. There is no GSSAPI, SSPI or OAuth: a server
 * that requests one of them fails the attempt.
 *
 * Passwords are, in this order, `password` of the parameters (or `PGPASSWORD`), the line of the password file that fits the host of
 * the attempt, and the result of `password` with `context`; `password` may be `NULL`. The call reads the password file. `warning`
 * becomes the reason why the file is not used (psql prints it, and goes on), or `NULL`; freed with `pgtls_string_free`.
 *
 * `PGTLS_MISUSE` after the first call of `pgtls_machine_action`, `PGTLS_ARGUMENT` if the aim of the machine is not a session.
 */
enum pgtls_status pgtls_machine_login(struct pgtls_machine *machine,
                                      pgtls_password password,
                                      void *context,
                                      char **warning);

/**
 * Answers `PGTLS_DERIVE`: performs at most 4,096 iterations of the derivation of SCRAM's key.
 */
enum pgtls_status pgtls_machine_derive(struct pgtls_machine *machine);

/**
 * The value of a parameter that the server has reported (`server_version`, `TimeZone`), after a login and while the action is
 * `PGTLS_DONE`; `NULL` if it has not. Freed with `pgtls_string_free`.
 */
char *pgtls_machine_parameter(const struct pgtls_machine *machine,
                              const char *name);

/**
 * The name of a parameter that the server has reported, by its index from 0 in alphabetical order; `NULL` after the last one. Freed
 * with `pgtls_string_free`.
 */
char *pgtls_machine_parameter_name(const struct pgtls_machine *machine,
                                   size_t index);

/**
 * The process id and the key of the session for cancel requests (BackendKeyData), after a login and while the action is `PGTLS_DONE`.
 * `pgtls_machine_cancel` needs neither. The key is freed with `pgtls_bytes_free`. `PGTLS_ARGUMENT` if there is no key.
 */
enum pgtls_status pgtls_machine_cancel_key(const struct pgtls_machine *machine,
                                           uint32_t *process_id,
                                           uint8_t **key,
                                           size_t *length);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PGTLS_H */
