//! The watch over the startup exchange: its table, and an oracle too plain to be wrong.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod oracle;
mod table;

use pgtls_core::negotiation::Input;
use pgtls_core::startup::Broken;

/// What the watch said, in the words of the table.
fn word(input: Option<Input<'_>>) -> String {
    match input {
        None => "nothing".to_owned(),
        Some(Input::Ready) => "ready".to_owned(),
        Some(Input::ServerError { sqlstate, after_auth_ok }) => {
            let after = if after_auth_ok { " after authentication" } else { "" };
            format!("error {}{after}", sqlstate.escape_ascii())
        }
        Some(Input::LocalRefusal(refusal)) => format!("refusal: {refusal}"),
        Some(Input::StartupBroken(broken)) => match broken {
            Broken::Closed => "broken: closed".to_owned(),
            Broken::OldError => "broken: old error".to_owned(),
            Broken::Unexpected(kind) => format!("broken: unexpected '{}'", kind.escape_ascii()),
            Broken::Malformed(kind) => format!("broken: malformed '{}'", kind.escape_ascii()),
            other => panic!("a new way to break: {other:?}"),
        },
        Some(other) => panic!("the watch does not say {other:?}"),
    }
}
