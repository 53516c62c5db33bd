//! What a program says when it fails.

use std::{error::Error, fmt};

/// Any error, for `main` to return. Rust prints what `main` returns by `Debug`, which for most errors is their structure; by
/// this it is their sentence.
pub struct Told(Box<dyn Error>);

impl<E: Into<Box<dyn Error>>> From<E> for Told {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Debug for Told {
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
        let told = |error: Told| format!("{error:?}");
        assert_eq!(told("usage: a".into()), "usage: a");
        let error = Settings::parse("nonsense").expect_err("there is no value");
        assert_eq!(told(error.clone().into()), error.to_string());
    }
}
