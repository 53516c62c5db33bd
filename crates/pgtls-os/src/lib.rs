//! The only crate of the project that reads environment, home directory, disk, clock and the system's trust store.
//!
//! Each is captured once, as a value that `pgtls-core` decides by:
//!
//! ```no_run
//! use pgtls_core::{
//!     files,
//!     param::{Ability, Settings},
//! };
//!
//! // The PG* variables, home and user; then what they, the service file and a connection string make together.
//! let environment = pgtls_os::environment()?;
//! let settings = Settings::parse("service=shop sslmode=verify-full")?;
//! let params = pgtls_os::params(&settings, &environment, Ability::default())?;
//!
//! // The password of the first host, from the string or the password file.
//! let passwords = pgtls_os::passwords(&params, &environment);
//! println!("{}", if passwords.password(0).is_some() { "there is a password" } else { "there is none" });
//!
//! // Roots, CRLs, certificate and key, and what became of each.
//! let loaded = files::load(&params, &environment, &pgtls_os::Disk);
//! for file in &loaded.report {
//!     println!("{}: {}", file.role.rule().parameter, file.state);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

mod clock;
mod disk;
mod environment;
mod key_log;
mod local;
mod openssl_conf;
mod pgpass;
mod roots;
mod service;
mod user;

pub use clock::unix_time;
pub use disk::Disk;
pub use environment::{EnvironmentError, environment};
pub use key_log::append_key_log;
pub use openssl_conf::{DEFAULT_PATHS, OpensslConfError, openssl_conf};
pub use pgpass::passwords;
pub use roots::native_roots;
pub use service::{params, service};
#[cfg(unix)]
pub use user::user_name;
