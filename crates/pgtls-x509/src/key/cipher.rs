//! The block ciphers that private keys are encrypted with, all in CBC mode with the padding of PKCS#7.

use crate::error::KeyProblem;
use aes::{Aes128, Aes192, Aes256};
use alloc::vec::Vec;
use cbc::{
    Decryptor,
    cipher::{BlockCipherDecrypt, BlockModeDecrypt, KeyInit, KeyIvInit, block_padding::Pkcs7},
};
use des::{Des, TdesEde2, TdesEde3};
use zeroize::Zeroizing;

/// A block cipher in CBC mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    /// Three keys.
    TripleDes,
    /// Two keys, the first of them used twice.
    TripleDesTwoKeys,
    Des,
}

impl Cipher {
    pub(super) const fn key_bytes(self) -> usize {
        match self {
            Self::Des => 8,
            Self::Aes128 | Self::TripleDesTwoKeys => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
        }
    }

    /// Bytes of a block, and of an initialisation vector.
    pub(super) const fn block_bytes(self) -> usize {
        match self {
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
            Self::TripleDes | Self::TripleDesTwoKeys | Self::Des => 8,
        }
    }

    /// Decrypts. Padding that is wrong means that the passphrase was.
    pub(super) fn decrypt(
        self,
        key: &[u8],
        iv: &[u8],
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
        if ciphertext.is_empty() || !ciphertext.len().is_multiple_of(self.block_bytes()) {
            return Err(KeyProblem::TruncatedCiphertext);
        }
        match self {
            Self::Aes128 => decrypt::<Aes128>(key, iv, ciphertext),
            Self::Aes192 => decrypt::<Aes192>(key, iv, ciphertext),
            Self::Aes256 => decrypt::<Aes256>(key, iv, ciphertext),
            Self::TripleDes => decrypt::<TdesEde3>(key, iv, ciphertext),
            Self::TripleDesTwoKeys => decrypt::<TdesEde2>(key, iv, ciphertext),
            Self::Des => decrypt::<Des>(key, iv, ciphertext),
        }
    }
}

fn decrypt<C: BlockCipherDecrypt + KeyInit>(
    key: &[u8],
    iv: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
    let decryptor =
        Decryptor::<C>::new_from_slices(key, iv).map_err(|_| KeyProblem::BadEncryptionParameters)?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let length =
        decryptor.decrypt_padded::<Pkcs7>(&mut buffer).map_err(|_| KeyProblem::WrongPassphrase)?.len();
    buffer.truncate(length);
    Ok(buffer)
}
