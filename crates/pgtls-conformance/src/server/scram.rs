//! The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677).
//!
//! Strict where it matters to a test (nonce, channel binding, proof), and bounded by what it is handed.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// What the server keeps of a password, as in PostgreSQL's `pg_authid`.
#[derive(Clone)]
pub(super) struct Verifier {
    salt: String,
    iterations: String,
    stored_key: Vec<u8>,
    server_key: Vec<u8>,
}

impl Verifier {
    /// From a password, with a fresh salt.
    pub(super) fn new(password: &str) -> Self {
        // SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>
        let text = postgres_protocol::password::scram_sha_256(password.as_bytes());
        let mut parts = text.split(['$', ':']).skip(1).map(str::to_owned);
        let mut part = || parts.next().unwrap_or_default();
        let (iterations, salt, stored_key, server_key) = (part(), part(), part(), part());
        let decode = |key: String| BASE64.decode(key).unwrap_or_default();
        Self { salt, iterations, stored_key: decode(stored_key), server_key: decode(server_key) }
    }
}

/// Why an exchange failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScramError {
    /// A message that is not SCRAM's, or does not belong to this exchange.
    Malformed,
    /// The channel binding is not that of this TLS session.
    Binding,
    /// The client does not know the password.
    Proof,
}

/// After the client's first message.
pub(super) struct Exchange {
    verifier: Verifier,
    nonce: String,
    /// `gs2-header` as the client sent it.
    gs2_header: String,
    client_first_bare: String,
    server_first: String,
}

impl Exchange {
    /// Reads `client-first-message` and answers with `server-first-message`.
    pub(super) fn start(verifier: Verifier, client_first: &[u8], nonce: &[u8]) -> Result<Self, ScramError> {
        let text = str::from_utf8(client_first).map_err(|_| ScramError::Malformed)?;
        // gs2-cbind-flag "," [authzid] "," n=…,r=…
        let bare_at = text
            .match_indices(',')
            .nth(1)
            .map(|(at, _)| at.saturating_add(1))
            .ok_or(ScramError::Malformed)?;
        let (gs2_header, bare) = text.split_at_checked(bare_at).ok_or(ScramError::Malformed)?;
        let client_nonce = attribute(bare, "r=").ok_or(ScramError::Malformed)?;
        let nonce = format!("{client_nonce}{}", BASE64.encode(nonce));
        let server_first = format!("r={nonce},s={},i={}", verifier.salt, verifier.iterations);
        Ok(Self {
            verifier,
            nonce,
            gs2_header: gs2_header.to_owned(),
            client_first_bare: bare.to_owned(),
            server_first,
        })
    }

    /// `gs2-header`: how the client spoke of channel binding.
    pub(super) fn gs2_header(&self) -> &str {
        &self.gs2_header
    }

    /// `server-first-message`.
    pub(super) fn server_first(&self) -> &str {
        &self.server_first
    }

    /// Reads `client-final-message` and answers with `server-final-message`. `binding` is the channel binding data of the
    /// session, for the PLUS mechanism.
    pub(super) fn finish(&self, client_final: &[u8], binding: Option<&[u8]>) -> Result<String, ScramError> {
        let text = str::from_utf8(client_final).map_err(|_| ScramError::Malformed)?;
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(ScramError::Malformed)?;
        if attribute(without_proof, "r=") != Some(&self.nonce) {
            return Err(ScramError::Malformed);
        }
        let bound = attribute(without_proof, "c=").ok_or(ScramError::Malformed)?;
        let bound = BASE64.decode(bound).map_err(|_| ScramError::Malformed)?;
        let flag = if binding.is_some() { "p=tls-server-end-point," } else { "" };
        let expected = [self.gs2_header.as_bytes(), binding.unwrap_or_default()].concat();
        if bound != expected || !self.gs2_header.starts_with(flag) {
            return Err(ScramError::Binding);
        }
        let message = format!("{},{},{without_proof}", self.client_first_bare, self.server_first);
        let signature = hmac_sha256(&self.verifier.stored_key, message.as_bytes());
        let proof = BASE64.decode(proof).map_err(|_| ScramError::Malformed)?;
        let client_key: Vec<u8> =
            proof.iter().zip(&signature).map(|(proof, signature)| proof ^ signature).collect();
        if proof.len() != signature.len() || Sha256::digest(client_key).as_slice() != self.verifier.stored_key
        {
            return Err(ScramError::Proof);
        }
        let server_signature = hmac_sha256(&self.verifier.server_key, message.as_bytes());
        Ok(format!("v={}", BASE64.encode(server_signature)))
    }
}

fn attribute<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.split(',').find_map(|part| part.strip_prefix(name))
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    hmac.update(message);
    hmac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};

    /// One exchange between postgres-protocol's client and ours.
    fn exchange(password: &str, client: ChannelBinding, server: Option<&[u8]>) -> Result<(), ScramError> {
        let mut client = ScramSha256::new(password.as_bytes(), client);
        let exchange = Exchange::start(Verifier::new("secret"), client.message(), b"nonce")?;
        client.update(exchange.server_first().as_bytes()).unwrap();
        let last = exchange.finish(client.message(), server)?;
        client.finish(last.as_bytes()).expect("the client accepts the server's signature");
        Ok(())
    }

    #[test]
    fn a_real_client_is_let_in_when_it_should() {
        let point = || ChannelBinding::tls_server_end_point(b"digest".to_vec());
        for (password, client, server, expected) in [
            ("secret", ChannelBinding::unsupported(), None, Ok(())),
            ("secret", ChannelBinding::unrequested(), None, Ok(())),
            ("secret", point(), Some(&b"digest"[..]), Ok(())),
            ("wrong", ChannelBinding::unsupported(), None, Err(ScramError::Proof)),
            ("wrong", point(), Some(b"digest"), Err(ScramError::Proof)),
            ("secret", point(), Some(b"another"), Err(ScramError::Binding)),
            ("secret", point(), None, Err(ScramError::Binding)),
            ("secret", ChannelBinding::unsupported(), Some(b"digest"), Err(ScramError::Binding)),
            ("secret", ChannelBinding::unsupported(), Some(b""), Err(ScramError::Binding)),
        ] {
            assert_eq!(exchange(password, client, server), expected, "{password} {server:?}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for first in [&b""[..], b"n", b"n,", b"n,,", b"n,,n=", b"\xFF,,n=,r=x"] {
            assert_eq!(
                Exchange::start(Verifier::new("secret"), first, b"x").err(),
                Some(ScramError::Malformed)
            );
        }
        let exchange = Exchange::start(Verifier::new("secret"), b"n,,n=,r=x", b"x").unwrap();
        let nonce = exchange.nonce.clone();
        for (last, expected) in [
            (String::new(), ScramError::Malformed),
            (format!("c=biws,r={nonce}"), ScramError::Malformed),
            ("c=biws,r=other,p=AAAA".to_owned(), ScramError::Malformed),
            (format!("c=biws,r={nonce},p=?"), ScramError::Malformed),
            (format!("c=biws,r={nonce},p="), ScramError::Proof),
            (format!("c=biws,r={nonce},p=AAAA"), ScramError::Proof),
            (format!("c=eSws,r={nonce},p=AAAA"), ScramError::Binding),
        ] {
            assert_eq!(exchange.finish(last.as_bytes(), None), Err(expected), "{last}");
        }
    }
}
