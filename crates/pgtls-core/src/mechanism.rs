//! Which SCRAM mechanism to answer with: a decision table for drivers, and for the startup monitor.
//!
//! | session | `channel_binding` | server offers PLUS | answer | gs2 header |
//! |---|---|---|---|---|
//! | TLS | `disable` | does not matter | SCRAM-SHA-256 | `n` |
//! | TLS | `prefer` | yes | SCRAM-SHA-256-PLUS | `p=tls-server-end-point` |
//! | TLS | `prefer` | no | SCRAM-SHA-256 | `y` |
//! | TLS | `require` | yes | SCRAM-SHA-256-PLUS | `p=tls-server-end-point` |
//! | TLS | `require` | no | refusal | |
//! | other | `disable`, `prefer` | no | SCRAM-SHA-256 | `n` |
//! | other | `disable`, `prefer` | yes | refusal: somebody has taken the TLS away | |
//! | other | `require` | does not matter | refusal | |
//!
//! `y` tells the server "I could have bound, but you did not offer it"; a server that did offer it then knows that its list
//! was tampered with (RFC 5802, section 6).

use crate::{
    negotiation::Encryption,
    param::ChannelBinding,
    startup::{BindingRefusal, Refusal},
};

/// A SCRAM mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// Without channel binding.
    ScramSha256,
    /// With channel binding of type tls-server-end-point.
    ScramSha256Plus,
}

impl Mechanism {
    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
        }
    }
}

/// The channel-binding flag that opens the client's first message (RFC 5802, section 7, `gs2-cbind-flag`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gs2Flag {
    /// `n`: the client does not do channel binding.
    NotSupported,
    /// `y`: the client does, but thinks that the server does not.
    NotOffered,
    /// `p=tls-server-end-point`: bound.
    Bound,
}

impl Gs2Flag {
    /// The flag as written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSupported => "n",
            Self::NotOffered => "y",
            Self::Bound => "p=tls-server-end-point",
        }
    }
}

/// The mechanisms in AuthenticationSASL that mean something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
#[non_exhaustive]
pub struct Offer {
    /// SCRAM-SHA-256.
    pub scram: bool,
    /// SCRAM-SHA-256-PLUS.
    pub scram_plus: bool,
    /// OAUTHBEARER.
    pub oauthbearer: bool,
}

impl Offer {
    /// Reads the names of a list; others are ignored.
    pub fn from_names(names: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut offer = Self::default();
        for name in names {
            offer.add(name.as_ref());
        }
        offer
    }

    pub(crate) fn add(&mut self, name: &[u8]) {
        match name {
            b"SCRAM-SHA-256" => self.scram = true,
            b"SCRAM-SHA-256-PLUS" => self.scram_plus = true,
            b"OAUTHBEARER" => self.oauthbearer = true,
            _ => {}
        }
    }
}

/// What to answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Choice {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// The flag in its first message.
    pub gs2: Gs2Flag,
}

/// Chooses the mechanism (libpq: `pg_SASL_init`, `build_client_first_message`).
#[expect(clippy::match_same_arms, reason = "one arm for each row of the table")]
pub const fn choose(
    offer: Offer,
    encryption: Encryption,
    channel_binding: ChannelBinding,
) -> Result<Choice, Refusal> {
    use ChannelBinding::{Disable, Prefer, Require};
    match (encryption, channel_binding, offer.scram_plus) {
        (Encryption::Plain | Encryption::Gss, Require, _) => {
            Err(Refusal::ChannelBinding(BindingRefusal::NotTls))
        }
        (Encryption::Plain | Encryption::Gss, Disable | Prefer, true) => Err(Refusal::PlusWithoutTls),
        (Encryption::Plain | Encryption::Gss, Disable | Prefer, false) => plain(offer, Gs2Flag::NotSupported),
        (Encryption::Ssl, Disable, _) => plain(offer, Gs2Flag::NotSupported),
        (Encryption::Ssl, Prefer | Require, true) => {
            Ok(Choice { mechanism: Mechanism::ScramSha256Plus, gs2: Gs2Flag::Bound })
        }
        (Encryption::Ssl, Prefer, false) => plain(offer, Gs2Flag::NotOffered),
        (Encryption::Ssl, Require, false) => match plain(offer, Gs2Flag::NotOffered) {
            Ok(_) => Err(Refusal::ChannelBinding(BindingRefusal::NotOffered)),
            Err(refusal) => Err(refusal),
        },
    }
}

const fn plain(offer: Offer, gs2: Gs2Flag) -> Result<Choice, Refusal> {
    if offer.scram {
        Ok(Choice { mechanism: Mechanism::ScramSha256, gs2 })
    } else {
        Err(Refusal::NoMechanism)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table above, row by row.
    #[test]
    fn decision_table() {
        use ChannelBinding::{Disable, Prefer, Require};
        use Encryption::{Gss, Plain, Ssl};
        const BOTH: Offer = Offer { scram: true, scram_plus: true, oauthbearer: false };
        const PLUS: Offer = Offer { scram: false, scram_plus: true, oauthbearer: false };
        const SCRAM: Offer = Offer { scram: true, scram_plus: false, oauthbearer: false };
        const NONE: Offer = Offer { scram: false, scram_plus: false, oauthbearer: false };
        let not_offered = Err(Refusal::ChannelBinding(BindingRefusal::NotOffered));
        let not_tls = Err(Refusal::ChannelBinding(BindingRefusal::NotTls));
        let rows: &[(Encryption, ChannelBinding, Offer, Result<&str, Refusal>)] = &[
            (Ssl, Disable, BOTH, Ok("SCRAM-SHA-256 n")),
            (Ssl, Disable, SCRAM, Ok("SCRAM-SHA-256 n")),
            (Ssl, Disable, PLUS, Err(Refusal::NoMechanism)),
            (Ssl, Disable, NONE, Err(Refusal::NoMechanism)),
            (Ssl, Prefer, BOTH, Ok("SCRAM-SHA-256-PLUS p=tls-server-end-point")),
            (Ssl, Prefer, PLUS, Ok("SCRAM-SHA-256-PLUS p=tls-server-end-point")),
            (Ssl, Prefer, SCRAM, Ok("SCRAM-SHA-256 y")),
            (Ssl, Prefer, NONE, Err(Refusal::NoMechanism)),
            (Ssl, Require, BOTH, Ok("SCRAM-SHA-256-PLUS p=tls-server-end-point")),
            (Ssl, Require, PLUS, Ok("SCRAM-SHA-256-PLUS p=tls-server-end-point")),
            (Ssl, Require, SCRAM, not_offered),
            (Ssl, Require, NONE, Err(Refusal::NoMechanism)),
            (Plain, Disable, SCRAM, Ok("SCRAM-SHA-256 n")),
            (Plain, Disable, BOTH, Err(Refusal::PlusWithoutTls)),
            (Plain, Prefer, SCRAM, Ok("SCRAM-SHA-256 n")),
            (Plain, Prefer, PLUS, Err(Refusal::PlusWithoutTls)),
            (Plain, Prefer, NONE, Err(Refusal::NoMechanism)),
            (Plain, Require, BOTH, not_tls),
            (Plain, Require, NONE, not_tls),
            (Gss, Disable, SCRAM, Ok("SCRAM-SHA-256 n")),
            (Gss, Prefer, BOTH, Err(Refusal::PlusWithoutTls)),
            (Gss, Require, SCRAM, not_tls),
        ];
        for (encryption, binding, offer, expected) in rows {
            let got = choose(*offer, *encryption, *binding);
            let words = |choice: Choice| (choice.mechanism.as_str(), choice.gs2.as_str());
            assert_eq!(
                got.map(words),
                expected.map(|text| text.split_once(' ').expect("rows have two words")),
                "{encryption} {binding} {offer:?}"
            );
        }
    }

    #[test]
    fn names_are_exact() {
        let offer = Offer::from_names([b"scram-sha-256".as_slice(), b"SCRAM-SHA-256-PLUS ", b"SCRAM-SHA-1"]);
        assert_eq!(offer, Offer::default());
    }
}
