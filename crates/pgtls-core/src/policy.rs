//! The `sslmode` policy: one table, and everything that is computed from it.
//!
//! [`TABLE`] says for every `sslmode` which methods are tried in which order and what is verified about the server's
//! certificate. [`EncryptionPlan`] is one row of it together with the options that are legal beside it, for one
//! address; the [negotiation machine](crate::negotiation) walks it. What a method's failure leads to is the same in every
//! mode and stands in [`Failure::consequence`](crate::negotiation::Failure::consequence).
//!
//! | question | answer |
//! |---|---|
//! | Does `prefer` protect against anything? | Against a passive listener, perhaps. A failed verification is followed by plaintext, as in libpq. |
//! | Does `require` verify the certificate? | The chain, if a root file is there; never the name. |
//! | What does `sslmode` mean on a unix socket? | Nothing: the connection is plain and nothing is verified. |

mod plan;
mod table;

pub use plan::{EncryptionPlan, GssCredentials, Payload, PlanError, PolicyInput, Transport, plan};
pub use table::{Method, Methods, RootPresence, Row, TABLE, Verification, row, verification};
