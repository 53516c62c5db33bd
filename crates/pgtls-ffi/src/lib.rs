//! pgtls for C, and for languages that call C: a logged-in connection by libpq's rules, on the program's sockets and TLS engine. The
//! header is `include/pgtls.h`, generated from this crate.
//!
//! The library has no sockets and no TLS engine, and no call of it waits for the network. The program calls [`pgtls_machine_action`],
//! performs the action, reports the result, and repeats that until the action is `PGTLS_DONE`, `PGTLS_ESTABLISHED` or `PGTLS_FAILED`.
//! This fits blocking sockets and event loops.
//!
//! It covers:
//!
//! - **Parameters**: connection strings and URIs, service files, environment and defaults ([`pgtls_params_new`]).
//! - **Servers**: the order of hosts and addresses, `load_balance_hosts`, `connect_timeout`, keepalives, `requirepeer`,
//!   `target_session_attrs`, and cancel requests ([`pgtls_machine_new`], [`pgtls_machine_cancel`]).
//! - **TLS**: `sslmode` with its fallbacks between TLS and plaintext, `sslnegotiation`, server name indication, ALPN, and the range of
//!   versions (action `PGTLS_START_TLS`).
//! - **The server's certificate**: roots, CRLs, chains and host names ([`pgtls_trust_of_params`], [`pgtls_verify`]); also without a
//!   connection ([`pgtls_match_host`]).
//! - **The client's certificate and key**: the files of `sslcert` and `sslkey` with libpq's checks ([`pgtls_identity_of_params`]).
//! - **The startup exchange**, on request ([`pgtls_machine_login`]): passwords of the parameters, of the password file and of a callback;
//!   cleartext, md5 and SCRAM-SHA-256, with channel binding; the parameters of the server and its cancel key. A program that has an
//!   exchange of its own reports its bytes instead, and the machine enforces `require_auth`, `channel_binding`, `sslcertmode` and the
//!   role of the server.
//! - **Errors** in libpq's words ([`pgtls_machine_error`]), and the trace of the connection ([`pgtls_machine_event`]).
//!
//! It does not cover: sockets, name resolution and the handshake, which the program performs; GSSAPI, SSPI and OAuth; certificates and
//! keys from memory other than trusted roots and CRLs ([`pgtls_trust_of_pem`]); keys that cannot leave a device, which the program
//! gives to its TLS engine itself; queries, and everything else after the session has started.
//!
//! Files and environment are read by [`pgtls_params_new`], [`pgtls_trust_of_params`], [`pgtls_identity_of_params`] and
//! [`pgtls_machine_login`] (the password file), OpenSSL's configuration file by [`pgtls_trust_of_pem`] and
//! [`pgtls_identity_of_params`], too, and the clock by [`pgtls_verify`]. A numeric IPv6 address with a zone is read by the operating
//! system.
//!
//! `cargo build --release --package pgtls-ffi` makes `libpgtls_ffi`, shared and static, in `target/release`. Whole clients are
//! `examples/connect.c` with OpenSSL, `examples/connect.py` with a non-blocking socket, and `examples/connect.js` for Node.
//!
//! # The contract
//!
//! - Handles are opaque. A handle that a function writes belongs to the caller, who gives it to the matching `..._free` once.
//!   Freeing `NULL` has no effect.
//! - Texts that are written to a `char **` or returned as a `char *` belong to the caller and go back unchanged to
//!   [`pgtls_string_free`]; bytes go to [`pgtls_bytes_free`], with their length. Pointers in an action belong to the machine and
//!   hold until the next call of [`pgtls_machine_action`] is over; those in a `pgtls_peer`, until the machine is freed. Bytes of a
//!   `pgtls_identity` belong to it.
//! - Passwords, keys and packets that contain them are overwritten before their memory is freed, those that the caller gets by
//!   [`pgtls_bytes_free`].
//! - Texts that are taken end with NUL and are UTF-8. Bytes are taken with their length; a length of 0 may come with any
//!   pointer. Arguments are copied where they are needed and may be freed after the call.
//! - Where a handle or text is to be written, `NULL` is written first: after a call that fails there is nothing to free but,
//!   perhaps, an error.
//! - `NULL` for a required argument is [`PGTLS_ARGUMENT`](pgtls_status::PGTLS_ARGUMENT) and is not dereferenced. `NULL` for a place
//!   means that the value is not wanted.
//! - A handle may move between threads, and is used by one call at a time. The only callback, [`pgtls_password`], runs in
//!   [`pgtls_machine_action`], on the thread of that call, and does not use its machine.
//! - Numbers of the header's `enum`s are checked: an unknown one is `PGTLS_ARGUMENT`. A call of a machine that returns it has no
//!   other effect.
//! - A call that does not answer the machine's action, or gives it a trust or proof of another connection, is
//!   [`PGTLS_MISUSE`](pgtls_status::PGTLS_MISUSE). It ends the connection: the next action is `PGTLS_FAILED`, and
//!   [`pgtls_machine_error`] returns the reason.
//! - A panic would be a bug of this library. It ends as [`PGTLS_BUG`](pgtls_status::PGTLS_BUG) and does not reach C.
//!
//! A proof counts for one handshake: of a machine that was given the trust of the proof, with a server's certificate, at the present
//! time, and under `verify-full` for the host of the current attempt. The library checks all of this, and that the files of the trust
//! are those of the machine's parameters. A new trust does not take the place of one that was freed, even if it is of the same
//! parameters.
//!
//! The library cannot check the following, which the caller promises:
//!
//! - The certificates that are given to [`pgtls_verify`] are those of the handshake that the proof is used for, and the TLS engine
//!   has verified the signature over that handshake. So is the certificate of [`pgtls_machine_server_certificate`].
//! - The state of the client's certificate ([`pgtls_machine_client_certificate`]) is that of the handshake.
//! - A callback is `NULL`, or may be called with its context until its machine is freed; it returns `NULL` or a text.
//! - The bytes that are reported for a startup exchange are those that were sent and received, all of them and in order.
//! - A handle is `NULL`, or was written by this library as a handle of its type and has not been freed; no other call has it
//!   before this one has ended.
//! - A text is `NULL`, or bytes that end with NUL. Bytes, and other values in a row, are `NULL`, or at least as many as their length
//!   says. They are not changed during the call.
//! - A place for a result is `NULL`, or good for writing one value of its type, and aligned. It does not overlap another argument.
#![expect(unsafe_code, reason = "C hands over pointers; boundary.rs checks them and returns references")]
#![expect(non_camel_case_types, reason = "these are the names of C")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod action;
mod boundary;
mod driver;
mod identity;
mod input;
mod labels;
mod login;
mod machine;
mod messages;
mod names;
mod params;
mod proof;
mod status;
mod trust;

pub use action::{PGTLS_NO_DEADLINE, pgtls_action, pgtls_action_kind, pgtls_peer};
pub use boundary::{pgtls_bytes_free, pgtls_password, pgtls_string_free};
pub use driver::pgtls_machine;
pub use identity::*;
pub use input::*;
pub use labels::*;
pub use login::*;
pub use machine::*;
pub use names::*;
pub use params::*;
pub use proof::*;
pub use status::pgtls_status;
pub use trust::*;
