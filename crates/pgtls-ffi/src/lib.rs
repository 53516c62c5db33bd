//! pgtls for C, and for languages that call C: parameters and policy, the connection machine, host names, and the verification of
//! a chain of certificates without a connection. The header is `include/pgtls.h`, generated from this crate.
//!
//! The library has no sockets and no TLS engine, and there are no callbacks. The program calls [`pgtls_machine_action`], performs the
//! action, reports the result, and repeats that until the action is `PGTLS_DONE`, `PGTLS_ESTABLISHED` or `PGTLS_FAILED`. The machine
//! decides everything that libpq decides: the order of hosts and addresses, `connect_timeout`, `requirepeer`, fallbacks between TLS and
//! plaintext, the verification, the comparison of names, the checks of the startup exchange, the role of the server, and the text of
//! the errors.
//!
//! Files and environment are read by [`pgtls_params_new`] and [`pgtls_trust_of_params`], OpenSSL's configuration file by
//! [`pgtls_trust_of_pem`], too, and the clock by [`pgtls_verify`]. A numeric IPv6 address with a zone is read by the operating system.
//!
//! `cargo build --release --package pgtls-ffi` makes `libpgtls_ffi`, shared and static, in `target/release`; `examples/connect.c`
//! and `examples/connect.py` are whole clients.
//!
//! # The contract
//!
//! - Handles are opaque. A handle that a function writes belongs to the caller, who gives it to the matching `..._free` once.
//!   Freeing `NULL` has no effect.
//! - Texts that are written to a `char **` or returned as a `char *` belong to the caller and go back unchanged to
//!   [`pgtls_string_free`]; bytes go to [`pgtls_bytes_free`], with their length. Pointers in an action belong to the machine and
//!   hold until the next call of [`pgtls_machine_action`] is over; those in a `pgtls_peer`, until the machine is freed.
//! - Texts that are taken end with NUL and are UTF-8. Bytes are taken with their length; a length of 0 may come with any
//!   pointer. Arguments are copied where they are needed and may be freed after the call.
//! - Where a handle or text is to be written, `NULL` is written first: after a call that fails there is nothing to free but,
//!   perhaps, an error.
//! - `NULL` for a required argument is [`PGTLS_ARGUMENT`](pgtls_status::PGTLS_ARGUMENT) and is not dereferenced. `NULL` for a place
//!   means that the value is not wanted.
//! - A handle may move between threads, and is used by one call at a time.
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
//!   has verified the signature over that handshake.
//! - The bytes that are reported for a startup exchange are those that were sent and received, all of them and in order.
//! - A handle is `NULL`, or was written by this library as a handle of its type and has not been freed; no other call has it
//!   before this one has ended.
//! - A text is `NULL`, or bytes that end with NUL. Bytes, and other values in a row, are `NULL`, or at least as many as their length
//!   says. They are not changed during the call.
//! - A place for a result is `NULL`, or good for writing one value of its type, and aligned. It does not overlap another argument.
#![expect(
    unsafe_code,
    reason = "C hands over pointers; they are looked at in boundary.rs and handed on as references"
)]
#![expect(non_camel_case_types, reason = "these are the names of C")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod action;
mod boundary;
mod driver;
mod identity;
mod input;
mod login;
mod machine;
mod messages;
mod names;
mod params;
mod proof;
mod status;
mod trust;
mod words;

pub use action::{PGTLS_NO_DEADLINE, pgtls_action, pgtls_action_kind, pgtls_peer};
pub use boundary::{pgtls_bytes_free, pgtls_password, pgtls_string_free};
pub use driver::pgtls_machine;
pub use identity::*;
pub use input::*;
pub use login::*;
pub use machine::*;
pub use names::*;
pub use params::*;
pub use proof::*;
pub use status::pgtls_status;
pub use trust::*;
pub use words::*;
