//! The only crate of the project that reads environment, home directory, disk, clock and the system's trust store.

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
