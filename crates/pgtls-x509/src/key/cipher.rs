//! The ciphers that private keys are encrypted with: block ciphers, and the modes of operation over them (NIST SP 800-38A).

use crate::error::KeyProblem;
use aes::{
    Aes128, Aes192, Aes256,
    cipher::{Block as Bytes, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit},
};
use alloc::vec::Vec;
use des::{TdesEde2, TdesEde3};
use zeroize::{Zeroize, Zeroizing};

/// A block cipher in a mode of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cipher {
    pub(super) block: Block,
    pub(super) mode: Mode,
}

/// A block cipher. OpenSSL has single DES in its legacy provider alone, and Camellia, ARIA and SM4, which have rows in
/// `divergences.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    Aes128,
    Aes192,
    Aes256,
    /// Three keys.
    TripleDes,
    /// Two keys, the first of them used twice.
    TripleDesTwoKeys,
}

/// A mode of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Cbc,
    Ecb,
    /// Cipher feedback of whole blocks.
    Cfb,
    /// Cipher feedback of bytes.
    Cfb8,
    /// Cipher feedback of bits.
    Cfb1,
    Ofb,
    Ctr,
}

impl Mode {
    /// Whether the plaintext is padded to whole blocks (PKCS #7); the other modes make a stream.
    const fn is_padded(self) -> bool {
        matches!(self, Self::Cbc | Self::Ecb)
    }
}

impl Block {
    /// A cipher of this block cipher in CBC mode.
    pub(super) const fn cbc(self) -> Cipher {
        Cipher { block: self, mode: Mode::Cbc }
    }

    /// Bytes of a block.
    const fn bytes(self) -> usize {
        match self {
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
            Self::TripleDes | Self::TripleDesTwoKeys => 8,
        }
    }
}

impl Cipher {
    pub(super) const fn key_bytes(self) -> usize {
        match self.block {
            Block::Aes128 | Block::TripleDesTwoKeys => 16,
            Block::Aes192 | Block::TripleDes => 24,
            Block::Aes256 => 32,
        }
    }

    /// Bytes of the initialisation vector.
    pub(super) const fn iv_bytes(self) -> usize {
        match self.mode {
            Mode::Ecb => 0,
            _ => self.block.bytes(),
        }
    }

    /// Decrypts. Padding that is wrong means that the passphrase was.
    pub(super) fn decrypt(
        self,
        key: &[u8],
        iv: &[u8],
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
        let is_whole = !ciphertext.is_empty() && ciphertext.len().is_multiple_of(self.block.bytes());
        if self.mode.is_padded() && !is_whole {
            return Err(KeyProblem::TruncatedCiphertext);
        }
        let mut text = Zeroizing::new(ciphertext.to_vec());
        match self.block {
            Block::Aes128 => decrypt::<Aes128>(self.mode, key, iv, &mut text),
            Block::Aes192 => decrypt::<Aes192>(self.mode, key, iv, &mut text),
            Block::Aes256 => decrypt::<Aes256>(self.mode, key, iv, &mut text),
            Block::TripleDes => decrypt::<TdesEde3>(self.mode, key, iv, &mut text),
            Block::TripleDesTwoKeys => decrypt::<TdesEde2>(self.mode, key, iv, &mut text),
        }
        .ok_or(KeyProblem::BadEncryptionParameters)?;
        if self.mode.is_padded() {
            let length = unpadded(&text, self.block.bytes()).ok_or(KeyProblem::WrongPassphrase)?;
            text.truncate(length);
        }
        Ok(text)
    }
}

/// Decrypts in place; `None` where key or vector have not the cipher's length.
fn decrypt<C: BlockCipherDecrypt + BlockCipherEncrypt + KeyInit>(
    mode: Mode,
    key: &[u8],
    iv: &[u8],
    text: &mut [u8],
) -> Option<()> {
    let cipher = C::new_from_slice(key).ok()?;
    let mut register = match mode {
        Mode::Ecb => Bytes::<C>::default(),
        _ => Bytes::<C>::try_from(iv).ok()?,
    };
    let encrypt = |register: &Bytes<C>| {
        let mut block = register.clone();
        cipher.encrypt_block(&mut block);
        block
    };
    let size = register.len();
    match mode {
        Mode::Cbc | Mode::Ecb => {
            for piece in text.chunks_exact_mut(size) {
                let mut block = Bytes::<C>::try_from(&*piece).ok()?;
                let next = block.clone();
                cipher.decrypt_block(&mut block);
                xor(&mut block, &register);
                piece.copy_from_slice(&block);
                block.zeroize();
                if mode == Mode::Cbc {
                    register = next;
                }
            }
        }
        Mode::Cfb => {
            for piece in text.chunks_mut(size) {
                let stream = encrypt(&register);
                // The last piece may be shorter; no block follows it.
                register.iter_mut().zip(piece.iter()).for_each(|(register, byte)| *register = *byte);
                xor(piece, &stream);
            }
        }
        Mode::Cfb8 => {
            for byte in text {
                let stream = *encrypt(&register).first()?;
                register.rotate_left(1);
                *register.last_mut()? = *byte;
                *byte ^= stream;
            }
        }
        Mode::Cfb1 => {
            for byte in text {
                for bit in [0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01] {
                    let stream = if encrypt(&register).first()? & 0x80 == 0 { 0 } else { bit };
                    let mut carry = u8::from(*byte & bit != 0);
                    for register in register.iter_mut().rev() {
                        let next = *register >> 7;
                        *register = *register << 1 | carry;
                        carry = next;
                    }
                    *byte ^= stream;
                }
            }
        }
        Mode::Ofb => {
            for piece in text.chunks_mut(size) {
                register = encrypt(&register);
                xor(piece, &register);
            }
        }
        Mode::Ctr => {
            for piece in text.chunks_mut(size) {
                xor(piece, &encrypt(&register));
                for byte in register.iter_mut().rev() {
                    *byte = byte.wrapping_add(1);
                    if *byte != 0 {
                        break;
                    }
                }
            }
        }
    }
    Some(())
}

fn xor(text: &mut [u8], stream: &[u8]) {
    text.iter_mut().zip(stream).for_each(|(byte, stream)| *byte ^= stream);
}

/// Length of a text without its padding (RFC 5652, section 6.3); `None` for padding that is none.
fn unpadded(text: &[u8], block: usize) -> Option<usize> {
    let padding = usize::from(*text.last()?);
    let length = text.len().checked_sub(padding).filter(|_| (1..=block).contains(&padding))?;
    let is_padding = text.get(length..)?.iter().all(|&byte| usize::from(byte) == padding);
    is_padding.then_some(length)
}
