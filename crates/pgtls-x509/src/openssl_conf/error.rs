//! Why a configuration file is not accepted.

use super::{MAX_CONF_BYTES, MAX_INCLUDE_DEPTH, MAX_VALUE_BYTES};
use alloc::string::String;
use core::fmt;

/// A configuration file that OpenSSL would not accept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfError {
    /// The file, which may be an included one.
    pub path: String,
    /// The line, from 1; of a continued line the last.
    pub line: usize,
    /// What is wrong.
    pub kind: ConfErrorKind,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfErrorKind {
    /// A section header without its `]`.
    MissingCloseSquareBracket,
    /// A name without `=`.
    MissingEqualSign,
    /// A `${` or `$(` that is not closed.
    NoCloseBrace,
    /// A variable that nothing defines.
    VariableHasNoValue(String),
    /// A value longer than [`MAX_VALUE_BYTES`] after expansion.
    VariableExpansionTooLong,
    /// A `.pragma` that is not known, or not with this value.
    InvalidPragma(String),
    /// A relative path in `.include` under `.pragma abspath:true`.
    RelativePath(String),
    /// More than [`MAX_CONF_BYTES`] in all.
    TooLarge,
    /// Files that include one another deeper than [`MAX_INCLUDE_DEPTH`].
    IncludedTooDeep,
}

impl fmt::Display for ConfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of configuration file \"{}\": ", self.line, self.path)?;
        match &self.kind {
            ConfErrorKind::MissingCloseSquareBracket => f.write_str("section header without closing bracket"),
            ConfErrorKind::MissingEqualSign => f.write_str("name without equal sign"),
            ConfErrorKind::NoCloseBrace => f.write_str("variable without closing brace"),
            ConfErrorKind::VariableHasNoValue(name) => {
                write!(f, "variable \"{name}\" has no value; define it above this line")
            }
            ConfErrorKind::VariableExpansionTooLong => {
                write!(f, "value longer than {MAX_VALUE_BYTES} bytes after expansion")
            }
            ConfErrorKind::InvalidPragma(text) => write!(f, "invalid pragma \"{text}\""),
            ConfErrorKind::RelativePath(path) => {
                write!(f, "relative path \"{path}\" to include, which a pragma in this file forbids")
            }
            ConfErrorKind::TooLarge => {
                write!(f, "more than {MAX_CONF_BYTES} bytes in the file and those that it includes")
            }
            ConfErrorKind::IncludedTooDeep => {
                write!(f, "files that include one another more than {MAX_INCLUDE_DEPTH} deep")
            }
        }
    }
}

impl core::error::Error for ConfError {}
