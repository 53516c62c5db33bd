//! The only crate of the project that reads environment, home directory, disk, clock and the system's trust store.

mod clock;
mod disk;
mod roots;

pub use clock::unix_time;
pub use disk::Disk;
pub use roots::native_roots;

use pgtls_core::environment::Environment;

/// Captures the environment of this process. Variables that are not UTF-8 are an error that names them.
pub fn environment() -> Result<Environment, std::env::VarError> {
    todo!()
}
