//! The parameters that libpq knows (spec 1.1).

/// One parameter: its name, variable, default and nature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyword {
    /// Name as in a connection string.
    pub name: &'static str,
    /// Environment variable, where there is one.
    pub variable: Option<&'static str>,
    /// Built-in default, where it is a constant.
    pub default: Option<&'static str>,
    /// Whether the value is a secret.
    pub secret: bool,
}

/// Every parameter of libpq 18.
pub const KEYWORDS: &[Keyword] = &[];
