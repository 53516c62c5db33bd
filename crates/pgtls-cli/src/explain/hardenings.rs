//! The named hardenings, whether each is on, and what libpq does without it.

use pgtls_core::hardening::Hardening;
use serde::Serialize;

/// One hardening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct HardeningLine {
    /// Its name.
    pub(crate) name: &'static str,
    /// Whether it is on.
    pub(crate) on: bool,
    /// What libpq does without it.
    pub(crate) without: &'static str,
}

/// All of them.
pub(crate) fn hardenings(hardening: Hardening) -> Vec<HardeningLine> {
    let line = |name, on, without| HardeningLine { name, on, without };
    vec![
        line(
            "no_plaintext_after_tls_failure",
            hardening.no_plaintext_after_tls_failure,
            "prefer goes on in plain text after TLS was agreed and failed",
        ),
        line(
            "no_plaintext_after_rejection",
            hardening.no_plaintext_after_rejection,
            "prefer repeats a rejected login in plain text, password included",
        ),
        line(
            "explicit_root_file_must_exist",
            hardening.explicit_root_file_must_exist,
            "a root file that is named but missing turns verification off below verify-ca",
        ),
        line(
            "explicit_crl_must_load",
            hardening.explicit_crl_must_load,
            "a revocation list that is named but cannot be loaded is ignored",
        ),
        line(
            "no_wildcard_for_addresses",
            hardening.no_wildcard_for_addresses,
            "a wildcard name such as *.0.2.1 matches the address 192.0.2.1",
        ),
        line("no_empty_labels", hardening.no_empty_labels, "the host a..example.com matches *.example.com"),
        line(
            "certificate_flags_per_attempt",
            hardening.certificate_flags_per_attempt,
            "a client certificate sent in a failed TLS attempt satisfies sslcertmode=require for the plaintext one",
        ),
        line(
            "no_injected_bytes",
            hardening.no_injected_bytes,
            "plaintext bytes injected after the server's S end the connection only when the handshake succeeds",
        ),
    ]
}
