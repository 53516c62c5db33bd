//! What the fuzz targets do with their bytes: each function takes any bytes, and panics when something does not hold
//! that has to.
//!
//! The targets in `fuzz_targets/` are one line each. The suite runs the same functions on stable Rust, on the seeds and on
//! bytes near to them (`tests/suite/fuzz.rs`).

mod accept;
mod certificate;
mod conninfo;
mod crl;
mod disk;
mod key;
mod negotiation;
mod openssl_conf;
mod path;
mod pem;
mod pgpass;
mod script;
mod service;
mod settings;
pub mod startup;
mod uri;

pub use accept::accept;
pub use certificate::certificate;
pub use conninfo::conninfo;
pub use crl::crl;
pub use key::key;
pub use negotiation::negotiation;
pub use openssl_conf::openssl_conf;
pub use path::path;
pub use pem::pem;
pub use pgpass::pgpass;
pub use service::service;
pub use startup::startup;
pub use uri::uri;

/// What a target does with its bytes.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also that of its file in `fuzz_targets/` and of its folder in `seeds/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("accept", accept),
    ("certificate", certificate),
    ("conninfo", conninfo),
    ("crl", crl),
    ("key", key),
    ("negotiation", negotiation),
    ("openssl_conf", openssl_conf),
    ("path", path),
    ("pem", pem),
    ("pgpass", pgpass),
    ("service", service),
    ("startup", startup),
    ("uri", uri),
];
