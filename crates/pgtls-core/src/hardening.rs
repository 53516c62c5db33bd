//! Named hardenings: libpq's behaviour is the default; each of these closes one of its surprises.

/// A set of hardenings, each off by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, not a state")]
pub struct Hardening {
    /// `prefer` does not continue in plaintext after TLS was agreed and then failed.
    pub no_plaintext_after_tls_failure: bool,
    /// `prefer` does not repeat authentication in plaintext after a rejection over TLS.
    pub no_plaintext_after_rejection: bool,
    /// An explicit root file that is missing is an error in every mode.
    pub explicit_root_file_must_exist: bool,
    /// An explicit CRL file that cannot be loaded is an error.
    pub explicit_crl_must_load: bool,
    /// Text wildcards never match an address.
    pub no_wildcard_for_addresses: bool,
    /// A host with an empty label matches no wildcard.
    pub no_empty_labels: bool,
    /// The client-certificate flags are reset for each attempt.
    pub certificate_flags_per_attempt: bool,
    /// Plaintext bytes that come with `S` or `G` end the connection before the handshake (CVE-2021-23222). libpq ends it only
    /// when the handshake succeeds.
    pub no_injected_bytes: bool,
}

impl Hardening {
    /// libpq's behaviour.
    pub const NONE: Self = Self {
        no_plaintext_after_tls_failure: false,
        no_plaintext_after_rejection: false,
        explicit_root_file_must_exist: false,
        explicit_crl_must_load: false,
        no_wildcard_for_addresses: false,
        no_empty_labels: false,
        certificate_flags_per_attempt: false,
        no_injected_bytes: false,
    };
    /// Everything on.
    pub const ALL: Self = Self {
        no_plaintext_after_tls_failure: true,
        no_plaintext_after_rejection: true,
        explicit_root_file_must_exist: true,
        explicit_crl_must_load: true,
        no_wildcard_for_addresses: true,
        no_empty_labels: true,
        certificate_flags_per_attempt: true,
        no_injected_bytes: true,
    };

    /// The switch with this name; `None` when no hardening has it.
    pub fn switch(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "no_plaintext_after_tls_failure" => &mut self.no_plaintext_after_tls_failure,
            "no_plaintext_after_rejection" => &mut self.no_plaintext_after_rejection,
            "explicit_root_file_must_exist" => &mut self.explicit_root_file_must_exist,
            "explicit_crl_must_load" => &mut self.explicit_crl_must_load,
            "no_wildcard_for_addresses" => &mut self.no_wildcard_for_addresses,
            "no_empty_labels" => &mut self.no_empty_labels,
            "certificate_flags_per_attempt" => &mut self.certificate_flags_per_attempt,
            "no_injected_bytes" => &mut self.no_injected_bytes,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
