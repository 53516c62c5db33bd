//! The only crate of the project that reads environment, home directory, disk, clock and the system's trust store.

use pgtls_core::{
    environment::Environment,
    files::{Metadata, ReadError, ReadFile},
};

/// Captures the environment of this process. Variables that are not UTF-8 are an error that names them.
pub fn environment() -> Result<Environment, std::env::VarError> {
    todo!()
}

/// The disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl ReadFile for Disk {
    fn metadata(&self, _path: &str) -> Result<Metadata, ReadError> {
        todo!()
    }
    fn read(&self, _path: &str) -> Result<Vec<u8>, ReadError> {
        todo!()
    }
    fn list(&self, _path: &str) -> Result<Vec<String>, ReadError> {
        todo!()
    }
}
