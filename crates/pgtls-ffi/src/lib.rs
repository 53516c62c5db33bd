//! pgtls for C, and for whatever speaks C: parameters and policy, the negotiation machine, host names, and the verdict on
//! a chain of certificates without a connection. The header is `include/pgtls.h`, generated from here.
//!
//! The library has no sockets and no TLS engine: the program has both, performs the machine's actions and reports the results. There
//! are no callbacks. Files and environment are read by [`pgtls_params_new`] and [`pgtls_trust_of_params`], OpenSSL's configuration
//! file by [`pgtls_trust_of_pem`], too, and the clock by [`pgtls_verify`].
//!
//! `cargo build --release --package pgtls-ffi` makes `libpgtls_ffi`, shared and static, in `target/release`; `examples/connect.c`
//! and `examples/connect.py` are whole clients.
//!
//! # The contract
//!
//! - Handles are opaque. What a function named `..._new`, `..._of_...` or `pgtls_verify` gives belongs to the caller, who
//!   hands it back to the matching `..._free` once. Freeing `NULL` does nothing.
//! - Texts that are given (`char **`, and functions that return `char *`) belong to the caller and go back as they are to
//!   [`pgtls_string_free`]; bytes to [`pgtls_bytes_free`], with their length. What a machine's action points to belongs to the library
//!   and holds until the next call with the machine is over.
//! - Texts that are taken end with NUL and are UTF-8. Bytes are taken with their length; a length of 0 may come with any
//!   pointer. Nothing that is taken is kept: it is copied where it is needed.
//! - Where something is given, `NULL` is written first: a call that ends otherwise than well leaves nothing but, perhaps,
//!   an error.
//! - `NULL` where something is needed is [`PGTLS_ARGUMENT`](pgtls_status::PGTLS_ARGUMENT) and never read. Where something is
//!   given, `NULL` says that it is not wanted.
//! - A handle may move between threads, and is used by one call at a time.
//! - A panic, which would be a bug here, is [`PGTLS_BUG`](pgtls_status::PGTLS_BUG) and does not cross into C. A call that does not
//!   answer the machine's action, or gives it a trust or proof of something else, is
//!   [`PGTLS_MISUSE`](pgtls_status::PGTLS_MISUSE) and changes nothing; [`pgtls_machine_error`] returns the reason.
//! - Numbers that stand for words (`enum`s of the header) are checked: an unknown one is `PGTLS_ARGUMENT`.
//!
//! A proof counts for one handshake: of a machine whose parameters name the files of its trust, with this very trust, of a server's
//! certificate, at the present time, and under `verify-full` to the host of its last match. The library checks all of this. A new
//! trust does not take the place of one that was freed, even if it is of the same parameters.
//!
//! The library cannot check these, which are the caller's promise:
//!
//! - The certificates that are given to [`pgtls_verify`] are those of the handshake that the proof is used for, and the TLS engine
//!   has verified the signature over that handshake.
//! - A handle is `NULL`, or was given by this library as a handle of its type and has not been freed; no other call has it
//!   before this one has ended.
//! - A text is `NULL`, or bytes that end with NUL. Bytes, and other values in a row, are `NULL`, or so many as their length
//!   says. Nobody changes them during the call.
//! - A place, where something is given, is `NULL`, or good for writing one value of its type, and aligned. It lies in nothing
//!   else that the call is given.
#![expect(
    unsafe_code,
    reason = "C hands over pointers; they are looked at in boundary.rs and handed on as references"
)]
#![expect(non_camel_case_types, reason = "these are the names of C")]

mod action;
mod boundary;
mod driver;
mod machine;
mod messages;
mod names;
mod params;
mod proof;
mod status;
mod trust;
mod words;

pub use action::{PGTLS_NO_DEADLINE, pgtls_action, pgtls_action_kind, pgtls_peer};
pub use boundary::{pgtls_bytes_free, pgtls_string_free};
pub use driver::pgtls_machine;
pub use machine::*;
pub use names::*;
pub use params::*;
pub use proof::*;
pub use status::pgtls_status;
pub use trust::*;
pub use words::*;
