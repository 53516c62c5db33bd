//! The client's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677; libpq: `scram_exchange`).
//!
//! [`ClientFirst`] takes the server's first message and becomes a [`ClientFinal`], which derives the key in slices and becomes the
//! proof and a [`ServerProof`], which takes the server's last message. Everything is consumed by the next step.

use crate::{
    base64,
    error::{ScramError, printable_alone},
};
use alloc::{format, string::String, vec::Vec};
use hmac::{Hmac, KeyInit as _, Mac as _, digest::FixedOutput as _};
use pgtls_core::mechanism::Gs2Flag;
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

/// Bytes of randomness in a client's nonce (libpq: `SCRAM_RAW_NONCE_LEN`).
pub const NONCE_LENGTH: usize = 18;

/// The most iterations of PBKDF2 that one call of [`StartupExchange::derive`](crate::StartupExchange::derive) performs: the number
/// that PostgreSQL has for a password by default, and a few milliseconds of work.
pub const SLICE: u32 = 4_096;

/// Bytes of a key.
const KEY_LENGTH: usize = 32;

/// A key, wiped when it is dropped.
pub(crate) type Key = Zeroizing<[u8; KEY_LENGTH]>;

/// The secrets of an exchange.
pub(crate) struct Keys {
    /// The password after SASLprep; empty if `client` makes it unnecessary.
    pub(crate) password: Zeroizing<Vec<u8>>,
    /// `scram_client_key`.
    pub(crate) client: Option<Key>,
    /// `scram_server_key`.
    pub(crate) server: Option<Key>,
}

/// A 32-byte key from base64 (`scram_client_key`, `scram_server_key`).
pub(crate) fn key(text: &str) -> Option<Key> {
    let bytes = base64::decode(text.as_bytes())?;
    Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
}

/// The exchange after the client's first message.
pub(crate) struct ClientFirst {
    gs2_header: String,
    /// `None` where the certificate has no hash for it.
    binding: Option<Vec<u8>>,
    nonce: String,
    keys: Keys,
}

impl ClientFirst {
    /// `end_point` is the channel binding data for [`Gs2Flag::Bound`].
    pub(crate) fn new(
        gs2: Gs2Flag,
        end_point: Option<&[u8]>,
        nonce: &[u8; NONCE_LENGTH],
        keys: Keys,
    ) -> Self {
        let gs2_header = format!("{},,", gs2.as_str());
        let data = match gs2 {
            Gs2Flag::Bound => end_point,
            Gs2Flag::NotSupported | Gs2Flag::NotOffered => Some(&[][..]),
        };
        let binding = data.map(|data| [gs2_header.as_bytes(), data].concat());
        Self { gs2_header, binding, nonce: base64::encode(nonce), keys }
    }

    /// `client-first-message`. The user name is the one in the StartupMessage.
    pub(crate) fn message(&self) -> String {
        format!("{}{}", self.gs2_header, self.bare())
    }

    fn bare(&self) -> String {
        format!("n=,r={}", self.nonce)
    }

    /// Reads `server-first-message` (libpq: `read_server_first_message`, `build_client_final_message`).
    pub(crate) fn server_first(self, message: &[u8]) -> Result<ClientFinal, ScramError> {
        let mut input = checked(message)?;
        let nonce = attribute(&mut input, 'r')?;
        if !nonce.starts_with(self.nonce.as_bytes()) {
            return Err(ScramError::NonceMismatch);
        }
        let salt = base64::decode(attribute(&mut input, 's')?).ok_or(ScramError::InvalidSalt)?;
        let iterations = iterations(attribute(&mut input, 'i')?).ok_or(ScramError::InvalidIterationCount)?;
        // libpq notes bytes after the last attribute in its error message, and goes on.
        let binding = self.binding.as_ref().ok_or(ScramError::BindingUndefined)?;
        let without_proof = [b"c=", base64::encode(binding).as_bytes(), b",r=", nonce].concat();
        let auth_message = [self.bare().as_bytes(), b",", message, b",", &without_proof].concat();
        let mut keys = self.keys;
        let derivation = keys.client.is_none().then(|| Derivation::new(&keys.password, &salt, iterations));
        keys.password.zeroize();
        Ok(ClientFinal { without_proof, auth_message, derivation, keys })
    }
}

/// The exchange between the server's first message and the client's proof.
pub(crate) struct ClientFinal {
    without_proof: Vec<u8>,
    auth_message: Vec<u8>,
    /// `None` if `scram_client_key` makes it unnecessary.
    derivation: Option<Derivation>,
    keys: Keys,
}

impl ClientFinal {
    /// Performs a slice of the derivation. Returns whether it is complete.
    pub(crate) fn derive(&mut self) -> bool {
        self.derivation.as_mut().is_none_or(Derivation::slice)
    }

    /// Whether there is nothing left to derive.
    pub(crate) fn is_derived(&self) -> bool {
        self.derivation.as_ref().is_none_or(|derivation| derivation.left == 0)
    }

    /// `client-final-message` and the check of the answer to it (libpq: `calculate_client_proof`).
    pub(crate) fn message(self) -> (Zeroizing<Vec<u8>>, ServerProof) {
        let salted = self.derivation.map(|derivation| derivation.sum);
        let named = |given: Option<Key>, name: &[u8]| {
            given.or_else(|| salted.as_ref().map(|salted| finish(keyed(&**salted).chain_update(name))))
        };
        let server_key = match self.keys.client {
            // libpq then derives the server's key from a salted password of zeros, which everybody could.
            Some(_) => self.keys.server,
            None => named(self.keys.server, b"Server Key"),
        };
        let client_key = named(self.keys.client, b"Client Key").unwrap_or_default();
        let stored_key = Zeroizing::new(<[u8; KEY_LENGTH]>::from(Sha256::digest(client_key.as_slice())));
        let mut proof = finish(keyed(&*stored_key).chain_update(&self.auth_message));
        proof.iter_mut().zip(client_key.iter()).for_each(|(proof, key)| *proof ^= key);
        let mut encoded = base64::encode(&*proof);
        let message = Zeroizing::new([&self.without_proof, &b",p="[..], encoded.as_bytes()].concat());
        encoded.zeroize();
        let signature = server_key.map(|key| keyed(&*key).chain_update(&self.auth_message));
        (message, ServerProof { signature })
    }
}

/// The exchange after the client's proof.
pub(crate) struct ServerProof {
    /// `None` without the server's key.
    signature: Option<Hmac<Sha256>>,
}

impl ServerProof {
    /// Reads `server-final-message` and verifies the signature in constant time (libpq: `read_server_final_message`,
    /// `verify_server_signature`).
    pub(crate) fn server_final(self, message: &[u8]) -> Result<(), ScramError> {
        let mut input = checked(message)?;
        if input.first() == Some(&b'e') {
            return Err(ScramError::Server(printable_alone(attribute(&mut input, 'e')?)));
        }
        let signature = base64::decode(attribute(&mut input, 'v')?)
            .filter(|signature| signature.len() == KEY_LENGTH)
            .ok_or(ScramError::InvalidServerSignature)?;
        let expected = self.signature.ok_or(ScramError::NoServerKey)?;
        expected.verify_slice(&signature).map_err(|_| ScramError::IncorrectServerSignature)
    }
}

/// PBKDF2 with HMAC-SHA-256, for one block of output (RFC 5802, section 2.2, `Hi`; PostgreSQL: `scram_SaltedPassword`).
struct Derivation {
    mac: Hmac<Sha256>,
    last: Key,
    sum: Key,
    left: u32,
}

impl Derivation {
    /// Performs the first iteration.
    fn new(password: &[u8], salt: &[u8], iterations: u32) -> Self {
        let mac = keyed(password);
        let last = finish(mac.clone().chain_update(salt).chain_update(1_u32.to_be_bytes()));
        Self { mac, sum: last.clone(), last, left: iterations.saturating_sub(1) }
    }

    /// Performs at most [`SLICE`] iterations. Returns whether none is left.
    fn slice(&mut self) -> bool {
        let count = self.left.min(SLICE);
        for _ in 0..count {
            let mut mac = self.mac.clone();
            mac.update(&*self.last);
            mac.finalize_into((&mut *self.last).into());
            self.sum.iter_mut().zip(self.last.iter()).for_each(|(sum, last)| *sum ^= last);
        }
        self.left = self.left.saturating_sub(count);
        self.left == 0
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn finish(mac: Hmac<Sha256>) -> Key {
    let mut key = Key::default();
    mac.finalize_into((&mut *key).into());
    key
}

/// A message of the server that has content and no zero byte.
fn checked(message: &[u8]) -> Result<&[u8], ScramError> {
    if message.is_empty() {
        Err(ScramError::EmptyMessage)
    } else if message.contains(&0) {
        Err(ScramError::LengthMismatch)
    } else {
        Ok(message)
    }
}

/// The value of the attribute in front; the input goes on after the comma (libpq: `read_attr_value`).
fn attribute<'m>(input: &mut &'m [u8], name: char) -> Result<&'m [u8], ScramError> {
    let rest = match input.split_first() {
        Some((first, rest)) if char::from(*first) == name => rest,
        _ => return Err(ScramError::AttributeExpected(name)),
    };
    let rest = rest.strip_prefix(b"=").ok_or(ScramError::EqualsExpected(name))?;
    let end = rest.iter().position(|byte| *byte == b',').unwrap_or(rest.len());
    let (value, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
    *input = after.get(1..).unwrap_or_default();
    Ok(value)
}

/// A number of iterations as `strtol` reads it, from 1 to 2³¹−1.
fn iterations(text: &[u8]) -> Option<u32> {
    let text = text.iter().position(|byte| !matches!(byte, b' ' | 9..=13)).and_then(|at| text.get(at..))?;
    let digits = text.strip_prefix(b"+").unwrap_or(text);
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().try_fold(0_i32, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| i32::from(digit.wrapping_sub(b'0')))?;
        number.checked_mul(10)?.checked_add(digit)
    })?;
    u32::try_from(number).ok().filter(|number| *number > 0)
}

/// The proof and the check of the server's signature for an `AuthMessage` (RFC 5802, section 3) from elsewhere.
#[cfg(test)]
pub(crate) fn final_of_rfc(
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    auth_message: &[u8],
) -> (String, ServerProof) {
    let keys = Keys { password: Zeroizing::default(), client: None, server: None };
    let mut client = ClientFinal {
        without_proof: Vec::new(),
        auth_message: auth_message.to_vec(),
        derivation: Some(Derivation::new(password, salt, iterations)),
        keys,
    };
    while !client.derive() {}
    let (message, proof) = client.message();
    let text = String::from_utf8_lossy(&message).replace(",p=", "");
    (text, proof)
}
