//! pgtls on rustls: the only crate of the project that names it.
//!
//! A [`Connector`] is what libpq's `initialize_SSL` makes of parameters and files: whom to trust, which certificates are
//! revoked, who we are. From it comes one [`Session`] for each connection, whose [`ClientConfig`](rustls::ClientConfig)
//! verifies what `sslmode` asks for and writes down what it saw. Whoever owns the socket runs the handshake; this crate
//! reads no socket, no file, no environment and no clock. A [`ConnectorCache`] makes another connector when the files have
//! changed.
//!
//! Whose rules: libpq's over OpenSSL. The chain is judged by `pgtls-x509`, the name by `pgtls-core`; rustls has the
//! protocol and the cryptography.
//!
//! - The server's signature over the handshake is checked in every mode.
//! - The name is matched inside the handshake, before a client certificate is disclosed.
//! - Sessions are never resumed: a resumed session would not be verified.
//! - The crypto provider is a value that is handed in. Nothing is installed for the process.
//!
//! ```
//! use pgtls_core::{
//!     environment::{Environment, Platform},
//!     files,
//!     param::{Ability, Params, Settings},
//! };
//! use pgtls_rustls::{Connector, TlsOptions, clock};
//! use std::time::SystemTime;
//! # use pgtls_core::files::{Metadata, NativeRoots, ReadError, ReadFile};
//! # struct Disk;
//! # impl ReadFile for Disk {
//! #     fn metadata(&self, _: &str) -> Result<Metadata, ReadError> { Err(ReadError::NotFound) }
//! #     fn read(&self, _: &str) -> Result<(Vec<u8>, Metadata), ReadError> { Err(ReadError::NotFound) }
//! #     fn list(&self, _: &str) -> Result<Vec<String>, ReadError> { Err(ReadError::NotFound) }
//! #     fn native_roots(&self) -> NativeRoots { NativeRoots::default() }
//! # }
//!
//! let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
//! let settings = Settings::parse("host=db.example.com sslmode=require")?;
//! let params = Params::resolve(&settings, None, &environment, Ability::default())?;
//! # let disk = &Disk;
//! // `disk` is `&pgtls_os::Disk`, or what else reads files.
//! let now = || SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
//! let options = TlsOptions::new(pgtls_rustls::aws_lc_rs(), clock(now));
//! let loaded = files::load_settings(&options.file_settings(&params), &environment, disk);
//! let connector = Connector::new(&params, &loaded, &options);
//! let session = connector.session(Some("db.example.com"))?;
//! let tls = rustls::ClientConnection::new(session.config(), session.server_name())?;
//! // Run the handshake, then take `session.facts(&tls)` or, if it failed, `session.failure(error)`.
//! assert!(session.facts(&tls).is_none(), "nothing is proved before the handshake is complete");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A program that has no files supplies their content with [`TlsOptions::files`], and a key that cannot be read signs by
//! [`ExternalKey`].
//!
//! What adapters share beside TLS is here too, because it carries TLS errors: [`ActionError`],
//! [`ConnectError`], [`StartupError`].
//!
//! ## Features
//! - `aws-lc-rs` (default): adds `aws_lc_rs()`, which makes that crypto provider.
//! - `ring`: adds `ring()`, which makes that one.
//!
//! Neither changes which server is accepted. RSA keys that the providers refuse unseen are verified with here, and a provider
//! without P-521, as ring, is completed with it. A provider that lacks post-quantum key exchange (`X25519MLKEM768`) or
//! signatures (ML-DSA) cannot connect to a server that demands them; the error names what is lacking.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod algorithms;
mod attribute;
mod cache;
mod chain;
mod connect;
mod connector;
mod curves;
mod error;
mod external_key;
mod facts;
mod handshake_log;
mod identity;
mod key_log;
mod library_init;
mod offer;
mod options;
#[cfg(feature = "aws-lc-rs")]
mod p521;
mod provider;
mod pss;
mod resolver;
mod rsa;
mod schemes;
mod session;
mod signature;
mod signature_cache;
mod sni;
mod strength;
mod system_default;
mod template;
mod trust;
mod verifier;
mod versions;

pub use algorithms::chain_algorithms;
pub use attribute::{ATTRIBUTES, LIBRARY};
pub use cache::{BrokenFiles, Cached, ConnectorCache};
pub use chain::{authenticating_versions, verify_chain};
pub use connect::{ActionError, AttemptError, BoxError, Cause, ConnectError, StartupError};
pub use connector::Connector;
pub use error::{SetupError, SigningError, SigningProblem, TlsError, alert_name};
pub use external_key::ExternalKey;
pub use facts::{Cipher, SessionFacts};
pub use identity::{ClientIdentity, client_identity};
pub use key_log::KeyLogLines;
pub use library_init::{LibraryInit, NoDefaultProvider};
pub use offer::Offer;
pub use options::{PassphraseHook, TlsOptions, clock};
pub use pgtls_core::files::InMemoryFiles;
pub use pgtls_x509::{Profile, SecurityLevel};
#[cfg(feature = "aws-lc-rs")]
pub use provider::aws_lc_rs;
#[cfg(feature = "ring")]
pub use provider::ring;
pub use rustls::{SignatureScheme, crypto::CryptoProvider};
pub use session::Session;
pub use trust::trust;
pub use versions::VersionRange;

/// Connectors are shared between threads, and what they give away may end on another one.
const _: () = {
    const fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<Connector>();
    is_send_and_sync::<ConnectorCache>();
    is_send_and_sync::<Session>();
    is_send_and_sync::<ConnectError>();
    is_send_and_sync::<TlsOptions>();
};
