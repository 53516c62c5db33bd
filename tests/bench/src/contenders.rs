//! Who is compared: pgtls on each of its runtimes, what others use there, and bare rustls.

mod blocking;
mod on_smol;
mod on_tokio;
#[cfg(feature = "others")]
mod tokio_postgres;

use crate::{cost::Cost, exchange::Then, setup::Setup};
use std::{any::Any, io};

/// Is told what a turn has cost, and says whether there is another.
pub type Again<'a> = &'a mut dyn FnMut(Cost) -> bool;

/// Something that connects to the server and verifies it.
pub trait Contender {
    /// Opens a session: from the first packet to ReadyForQuery.
    fn connect(&self) -> io::Result<Box<dyn Any>>;

    /// So many sessions, one after the other, each closed in order before the next, in each of so many lanes at a time, in
    /// every turn. The runtime goes on from turn to turn.
    fn sessions(&self, lanes: usize, each: usize, again: Again<'_>) -> io::Result<()>;

    /// Opens a session and then has so many bytes of the server's, or lets it have them, in every turn. Connecting is not
    /// counted.
    fn transfer(&self, then: Then, bytes: u64, again: Again<'_>) -> io::Result<()>;

    /// Opens a session and then reads so many bytes of the server's into a buffer that is not initialised, in every turn.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] for runtimes without such buffers.
    fn read_into_uninitialised(&self, _bytes: u64, _again: Again<'_>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Makes a contender: reads what it keeps between connections.
type Make = fn(&Setup) -> io::Result<Box<dyn Contender>>;

/// Every contender in this program, by the name of the package that it is.
const CONTENDERS: &[(&str, Make)] = &[
    ("rustls", |setup| Ok(Box::new(blocking::Threads(blocking::Rustls::new(setup)?)))),
    ("pgtls-std", |setup| Ok(Box::new(blocking::Threads(blocking::PgtlsStd::new(setup)?)))),
    ("tokio-rustls", |setup| on_tokio::run(on_tokio::TokioRustls::new(setup)?)),
    ("pgtls-tokio", |setup| on_tokio::run(on_tokio::PgtlsTokio::new(setup)?)),
    #[cfg(feature = "others")]
    ("tokio-postgres-rustls", |setup| on_tokio::run(tokio_postgres::rustls(setup)?)),
    #[cfg(feature = "others")]
    ("postgres-openssl", |setup| on_tokio::run(tokio_postgres::openssl(setup)?)),
    #[cfg(feature = "others")]
    ("pgtls-tokio-postgres", |setup| on_tokio::run(tokio_postgres::PgtlsTokioPostgres::new(setup)?)),
    ("futures-rustls", |setup| Ok(Box::new(on_smol::Smol::new(on_smol::FuturesRustls::new(setup)?)))),
    ("pgtls-async-std", |setup| Ok(Box::new(on_smol::Smol::new(on_smol::PgtlsAsyncStd::new(setup)?)))),
];

/// The names of all of them.
pub fn names() -> impl Iterator<Item = &'static str> {
    CONTENDERS.iter().map(|(name, _)| *name)
}

/// Makes the one of this name.
///
/// # Errors
/// Files that it cannot use, or no such contender.
pub fn make(name: &str, setup: &Setup) -> io::Result<Box<dyn Contender>> {
    let (_, make) = CONTENDERS
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| io::Error::other(format!("no contender is called \"{name}\"")))?;
    make(setup)
}
