//! The error of a program's `main`.

use std::{error::Error, fmt};

/// Any error, for `main` to return. Rust prints the error of `main` by `Debug`; this type prints the sentence of `Display` there.
pub struct DisplayError(Box<dyn Error>);

impl<E: Into<Box<dyn Error>>> From<E> for DisplayError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Debug for DisplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgtls_core::param::Settings;

    #[test]
    fn sentences() {
        let shown = |error: DisplayError| format!("{error:?}");
        assert_eq!(shown("usage: a".into()), "usage: a");
        let error = Settings::parse("nonsense").expect_err("there is no value");
        assert_eq!(shown(error.clone().into()), error.to_string());
    }
}
