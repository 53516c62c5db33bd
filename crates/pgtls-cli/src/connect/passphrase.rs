//! Asking a person for the passphrase of an encrypted key, as OpenSSL does for psql when `sslpassword` is not given.

use pgtls_core::param::{Params, Secret};
use pgtls_rustls::PassphraseHook;
use std::{io::IsTerminal, sync::Arc};

/// Who is asked: nobody when there is an `sslpassword`, or no person at the other end.
pub(super) fn hook(params: &Params) -> Option<PassphraseHook> {
    let somebody = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    (somebody && params.sslpassword().is_none()).then(|| Arc::new(ask) as PassphraseHook)
}

fn ask(path: &str) -> Option<Secret> {
    let question = format!("Passphrase of the private key {}: ", crate::labels::printable(path));
    rpassword::prompt_password(question).ok().map(Secret::new)
}
