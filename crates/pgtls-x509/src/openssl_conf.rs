//! `openssl.cnf`: the settings of the machine that reach libpq through OpenSSL.
//!
//! OpenSSL reads its configuration file when it is first used and applies the section that
//! `openssl_conf → ssl_conf → system_default` leads to whenever a TLS context is made (OpenSSL: `CONF_modules_load`,
//! `SSL_CTX_new`, config(5), `SSL_CONF_cmd`). That is how an administrator raises the security level or the lowest TLS
//! version for every program at once, psql among them.
//!
//! The file is parsed by [`ConfFile::parse`], which is pure but for the files it includes; [`SystemDefault::of`] says
//! what it means for us. What cannot be mapped on to another TLS library is kept in [`SystemDefault::unmapped`], so
//! that it can be shown and is not lost in silence.

mod cipher_list;
mod error;
mod expand;
mod file;
mod flags;
mod group;
mod parser;
mod signature;
mod suite;
mod system_default;
#[cfg(test)]
mod texts;

pub use cipher_list::SuiteList;
pub use error::{ConfError, ConfErrorKind};
pub use expand::MAX_VALUE_BYTES;
pub use file::ConfFile;
pub use flags::VersionsOff;
pub use group::{GROUPS, Group};
pub use parser::{MAX_CONF_BYTES, MAX_INCLUDE_DEPTH};
pub use signature::{SCHEMES, Scheme};
pub use suite::{CIPHER_SUITES, CipherSuite, TLS13_SUITES, Tls13Suite};
pub use system_default::{Bound, SystemDefault, Unmapped};
