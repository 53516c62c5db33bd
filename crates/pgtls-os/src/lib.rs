//! The only crate of the project that reads environment, home directory, disk, clock and the system's trust store.

mod clock;
mod disk;
mod environment;
mod roots;

pub use clock::unix_time;
pub use disk::Disk;
pub use environment::{EnvironmentError, environment};
pub use roots::native_roots;
