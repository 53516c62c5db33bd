//! Connection parameters: from text, service files and the environment to one validated value (spec 1).

mod conninfo;
mod error;
mod keyword;
mod resolve;
mod secret;
mod service;
mod settings;
mod source;
mod uri;
mod value;

pub use error::{ParamError, ParamErrorKind};
pub use keyword::{KEYWORDS, Keyword};
pub use resolve::{Ability, HostItem, Params};
pub use secret::Secret;
pub use service::ServiceFile;
pub use settings::{Setting, Settings};
pub use source::Source;
pub use value::{
    AuthMethods, ChannelBinding, GssEncMode, LoadBalanceHosts, ProtocolVersion, SslCertMode, SslMode,
    SslNegotiation, TargetSessionAttrs, TlsVersion,
};
