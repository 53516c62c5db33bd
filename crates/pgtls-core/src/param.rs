//! Connection parameters: from text, service files and the environment to one validated value.
//!
//! ```text
//!  connection string, URI ─┐
//!  keyword arrays, builder ┼─▶ Settings ─┐
//!  service file ───────────┘             ├─▶ Params::resolve ─▶ Params
//!  environment, defaults ────────────────┘
//! ```
//!
//! [`Settings`] are what was written, each value with its place; [`Params`] are what it means.

mod auth;
mod builder;
mod conninfo;
mod display;
mod encoding;
mod error;
mod host;
mod integer;
mod keyword;
mod params;
mod passfile;
mod resolve;
mod scram_key;
mod secret;
#[cfg(feature = "serde")]
mod serialize;
mod service;
mod settings;
mod source;
mod suggest;
mod uri;
mod validate;
mod value;

pub use auth::AuthMethods;
pub use builder::SettingsBuilder;
pub use error::{ParamError, ParamErrorKind, ServiceHint};
pub use host::HostItem;
pub use keyword::{KEYWORDS, Keyword, VARIABLES};
pub use params::{Ability, Keepalives, Params};
pub use passfile::Passwords;
pub use secret::Secret;
pub use service::{ServiceFile, service_name};
pub use settings::{Setting, Settings};
pub use source::Source;
pub use uri::EncodingFault;
pub use value::{
    AuthMethod, ChannelBinding, GssEncMode, LoadBalanceHosts, ProtocolVersion, SslCertMode, SslMode,
    SslNegotiation, TargetSessionAttrs, TlsVersion,
};
