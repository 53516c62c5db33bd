//! What is wrong with a parameter.

use super::Source;
use alloc::{boxed::Box, string::String};

/// A parameter, string, URI or service file that libpq would refuse. `Display` is one sentence in libpq's words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParamError {
    /// What is wrong.
    pub kind: Box<ParamErrorKind>,
    /// Where it was written, when known.
    pub source: Option<Source>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParamErrorKind {
    /// A value that is not one of the words allowed.
    InvalidValue {
        /// Parameter.
        keyword: &'static str,
        /// Value.
        value: String,
    },
    // to be completed
}

impl core::fmt::Display for ParamError {
    fn fmt(&self, _f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        todo!()
    }
}

impl core::error::Error for ParamError {}
