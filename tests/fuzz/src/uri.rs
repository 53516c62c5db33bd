//! Connection URIs; the input is what follows the scheme.

use super::settings::{hold, refused, values};
use pgtls_core::param::Settings;

/// What is read can be printed, and both schemes mean the same.
pub fn uri(bytes: &[u8]) {
    let Ok(rest) = str::from_utf8(bytes) else { return };
    let long = format!("postgresql://{rest}");
    let short = format!("postgres://{rest}");
    match (Settings::parse(&long), Settings::parse(&short)) {
        (Ok(settings), Ok(other)) => {
            hold(&settings);
            assert_eq!(values(&settings), values(&other), "{rest:?}");
        }
        (Err(error), Err(other)) => {
            refused(&long, &error);
            refused(&short, &other);
        }
        (one, other) => panic!("{rest:?}: {one:?}, but {other:?}"),
    }
}
