//! PEM files as OpenSSL reads them (`PEM_read_bio`, `PEM_X509_INFO_read_bio`, `SSL_CTX_use_certificate_chain_file`).
//!
//! RFC 7468 has a strict grammar; the files that people have do not keep to it, and OpenSSL reads them. So the blocks are found here, by
//! OpenSSL's rules, and handed to `pem-rfc7468` in a form that its grammar accepts. The rules:
//!
//! - Text before, between and after blocks is skipped. White space and bytes beyond ASCII at the end of a line do not count.
//! - A block ends with the END line of its own label, or the file does not load.
//! - A colon in a line makes what precedes the first blank line headers.
//! - The base64 may be wrapped at any width, unless there is a blank line in the block: then no line is longer than 64
//!   characters and only the last one is shorter.
//! - A line is at most 254 bytes; a longer one is taken for several. A NUL byte ends its line, at the beginning of a line the file.

use crate::{
    ber::to_der,
    certificate::Certificate,
    error::{Object, PemProblem, X509Error},
    key::decrypt_in_store,
};
use alloc::{string::String, vec::Vec};
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

/// Bytes of a line that OpenSSL reads at once.
const MAX_LINE: usize = 254;
/// Characters of a base64 line after a blank line, and those of the lines handed to `pem-rfc7468`.
const WIDTH: usize = 64;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const TAIL: &[u8] = b"-----";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// All certificates of a PEM file as OpenSSL loads a chain file: an error when there is none or one does not load.
/// Blocks of other kinds are skipped; a `TRUSTED CERTIFICATE` counts as the first certificate only.
pub fn certificates_from_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, X509Error> {
    let mut found: Vec<CertificateDer<'static>> = Vec::new();
    for block in Blocks::new(pem) {
        let block = block?;
        let label = block.kind();
        let wanted = match label {
            Kind::Certificate => true,
            Kind::TrustedCertificate => found.is_empty(),
            Kind::Crl | Kind::PrivateKey | Kind::Other => false,
        };
        if wanted {
            found.push(CertificateDer::from(block.certificate()?.der().to_vec()));
        }
    }
    if found.is_empty() { Err(X509Error::NothingLoadable { wanted: Object::Certificate }) } else { Ok(found) }
}

/// The certificates of a PEM file as a peer would send them: each block's whole content, which has to be a certificate to its last
/// byte. The trust settings of a `TRUSTED CERTIFICATE` are left out.
///
/// # Errors
/// Those of [`certificates_from_pem`].
pub fn sent_certificates_from_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, X509Error> {
    let mut sent = certificates_from_pem(pem)?;
    let blocks = Blocks::new(pem).filter_map(Result::ok);
    let mut whole =
        blocks.filter(|block| matches!(block.kind(), Kind::Certificate | Kind::TrustedCertificate));
    for (index, certificate) in sent.iter_mut().enumerate() {
        // A later TRUSTED CERTIFICATE is none of the chain.
        let block = whole.find(|block| index == 0 || block.kind() == Kind::Certificate);
        if let Some(block) = block.filter(|block| block.kind() == Kind::Certificate) {
            *certificate = CertificateDer::from(block.contents.to_vec());
        }
    }
    Ok(sent)
}

/// One PEM block.
#[derive(Debug)]
pub(crate) struct Block {
    /// Byte of the file at which its BEGIN line begins.
    pub(crate) position: usize,
    pub(crate) label: String,
    /// The lines before the first blank one, if there are headers.
    pub(crate) headers: String,
    pub(crate) contents: Zeroizing<Vec<u8>>,
}

/// Kinds of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Certificate,
    TrustedCertificate,
    Crl,
    PrivateKey,
    Other,
}

impl Block {
    pub(crate) fn kind(&self) -> Kind {
        match self.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" => Kind::Certificate,
            "TRUSTED CERTIFICATE" => Kind::TrustedCertificate,
            "X509 CRL" => Kind::Crl,
            label if label.contains("PRIVATE KEY") => Kind::PrivateKey,
            _ => Kind::Other,
        }
    }

    /// The certificate in this block.
    pub(crate) fn certificate(&self) -> Result<Certificate<'_>, X509Error> {
        self.without_headers()?;
        let read = match self.kind() {
            Kind::TrustedCertificate => Certificate::read_trusted_block(&self.contents),
            _ => Certificate::read_block(&self.contents),
        };
        read.map_err(|error| X509Error::malformed(Object::Certificate, Some(self.position), error))
    }

    /// The block with its content rewritten from BER.
    pub(crate) fn in_der(self) -> Self {
        Self { contents: Zeroizing::new(to_der(&self.contents)), ..self }
    }

    /// A certificate or CRL of a root or CRL file that is encrypted, decrypted; other blocks as they are.
    pub(crate) fn decrypted_in_store(self) -> Result<Self, X509Error> {
        if !matches!(self.kind(), Kind::Certificate | Kind::TrustedCertificate | Kind::Crl) {
            return Ok(self);
        }
        match decrypt_in_store(&self.headers, &self.contents) {
            Ok(None) => Ok(Self { headers: String::new(), ..self }),
            Ok(Some(contents)) => Ok(Self { headers: String::new(), contents, ..self }),
            Err(_) => Err(X509Error::Pem { position: self.position, problem: PemProblem::Headers }),
        }
    }

    pub(crate) fn without_headers(&self) -> Result<(), X509Error> {
        if self.headers.is_empty() {
            Ok(())
        } else {
            Err(X509Error::Pem { position: self.position, problem: PemProblem::Headers })
        }
    }
}

/// The blocks of a file in order; ends after the first error, unless asked to go on.
pub(crate) struct Blocks<'a> {
    lines: Lines<'a>,
    failed: bool,
    past_errors: bool,
}

impl<'a> Blocks<'a> {
    pub(crate) fn new(pem: &'a [u8]) -> Self {
        Self { lines: Lines { rest: pem, position: 0 }, failed: false, past_errors: false }
    }

    /// Goes on after a block that cannot be read, as OpenSSL does when it looks for a private key.
    pub(crate) fn past_errors(self) -> Self {
        Self { past_errors: true, ..self }
    }
}

impl Iterator for Blocks<'_> {
    type Item = Result<Block, X509Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        // Only the very first line looked at for this block may begin with a byte order mark.
        let mut line = self.lines.next()?;
        line.text =
            line.text.strip_prefix(BYTE_ORDER_MARK).filter(|rest| !rest.is_empty()).unwrap_or(line.text);
        loop {
            if let Some(label) = line.text.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(TAIL)) {
                let block = read_block(&mut self.lines, line.position, label);
                self.failed = block.is_err() && !self.past_errors;
                return Some(block.map_err(|(position, problem)| X509Error::Pem { position, problem }));
            }
            line = self.lines.next()?;
        }
    }
}

/// Where a block's headers may be.
#[derive(PartialEq, Eq)]
enum Headers {
    Undecided,
    Inside,
    Past,
}

/// Reads on after a BEGIN line.
fn read_block(lines: &mut Lines<'_>, position: usize, label: &[u8]) -> Result<Block, (usize, PemProblem)> {
    let mut before = Zeroizing::new(Vec::new());
    let mut after = Zeroizing::new(Vec::new());
    let mut headers = Headers::Undecided;
    let mut previous_was_cut = false;
    let mut last_line_seen = false;
    loop {
        let Some(line) = lines.next() else {
            return Err((position, PemProblem::MissingEnd));
        };
        if headers == Headers::Undecided && line.has_colon {
            headers = Headers::Inside;
        }
        let continues = core::mem::replace(&mut previous_was_cut, line.is_cut);
        if line.text.is_empty() {
            // The rest of a line that was read in two pieces is no blank line.
            if !continues {
                if headers == Headers::Past {
                    return Err((line.position, PemProblem::BadEndLine));
                }
                headers = Headers::Past;
            }
            continue;
        }
        if let Some(end) = line.text.strip_prefix(END) {
            if end.strip_prefix(label) == Some(TAIL) {
                break;
            }
            return Err((line.position, PemProblem::BadEndLine));
        }
        if last_line_seen {
            return Err((line.position, PemProblem::BadEndLine));
        }
        let text = if headers == Headers::Past { &mut after } else { &mut before };
        text.extend_from_slice(line.text);
        text.push(b'\n');
        if headers == Headers::Past {
            if line.text.len() > WIDTH {
                return Err((line.position, PemProblem::BadEndLine));
            }
            last_line_seen = line.text.len() < WIDTH;
        }
    }
    let (headers, base64) =
        if headers == Headers::Undecided { (Vec::new(), before) } else { (before.to_vec(), after) };
    if base64.is_empty() {
        return Err((position, PemProblem::Empty));
    }
    let contents = decode(&base64).ok_or((position, PemProblem::BadBase64))?;
    Ok(Block {
        position,
        label: String::from_utf8_lossy(label).into_owned(),
        headers: String::from_utf8_lossy(&headers).into_owned(),
        contents,
    })
}

/// Decodes base64 as OpenSSL does (`EVP_DecodeUpdate`): white space anywhere, the bits that padding leaves over ignored, a hyphen ends it.
fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut characters = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut padding = 0_usize;
    'lines: for line in text.split(|&byte| byte == b'\n') {
        // Nearly every line is of nothing else, and there are many of them.
        if padding == 0 && line.iter().fold(true, |all, &byte| all & is_base64(byte)) {
            characters.extend_from_slice(line);
            continue;
        }
        for &byte in line {
            match byte {
                byte if padding == 0 && is_base64(byte) => characters.push(byte),
                b'=' => padding = padding.saturating_add(1),
                b' ' | b'\t' | b'\r' => {}
                b'-' => break 'lines,
                _ => return None,
            }
        }
    }
    if padding > 2 || characters.len().checked_add(padding)?.checked_rem(4)? != 0 {
        return None;
    }
    if padding > 0 {
        let last = characters.last_mut()?;
        *last = clear_low_bits(*last, padding);
    }
    characters.extend(core::iter::repeat_n(b'=', padding));
    // The strict form: 64 characters a line, a line feed after each.
    let mut strict =
        Zeroizing::new(Vec::with_capacity(characters.len().saturating_add(characters.len() / WIDTH)));
    strict.extend_from_slice(b"-----BEGIN PGTLS-----\n");
    for line in characters.chunks(WIDTH) {
        strict.extend_from_slice(line);
        strict.push(b'\n');
    }
    strict.extend_from_slice(b"-----END PGTLS-----\n");
    if characters.is_empty() {
        return Some(Zeroizing::new(Vec::new()));
    }
    let (_, contents) = pem_rfc7468::decode_vec(&strict).ok()?;
    Some(Zeroizing::new(contents))
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

/// The base64 character without the two or four bits that padding leaves over.
fn clear_low_bits(character: u8, padding: usize) -> u8 {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let Some(index) = ALPHABET.iter().position(|&known| known == character) else {
        return character;
    };
    let kept = if padding == 1 { index & !0x03 } else { index & !0x0f };
    ALPHABET.get(kept).copied().unwrap_or(character)
}

/// A file's lines as OpenSSL gets them.
struct Lines<'a> {
    rest: &'a [u8],
    position: usize,
}

/// A line without what does not count at its end.
struct Line<'a> {
    position: usize,
    text: &'a [u8],
    has_colon: bool,
    /// It filled the buffer before its end was found.
    is_cut: bool,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let window = self.rest.get(..MAX_LINE).unwrap_or(self.rest);
        let length =
            window.iter().position(|&byte| byte == b'\n').map_or(window.len(), |at| at.saturating_add(1));
        let (piece, rest) = self.rest.split_at_checked(length)?;
        let position = self.position;
        self.rest = rest;
        self.position = position.saturating_add(length);
        // The line is a C string: a NUL ends it, and an empty one is taken for the end of the file.
        let piece = piece.split(|&byte| byte == 0).next().unwrap_or_default();
        if piece.is_empty() {
            self.rest = &[];
            return None;
        }
        // Bytes are signed characters there: those beyond ASCII are below the space.
        let end =
            piece.iter().rposition(|&byte| byte > b' ' && byte < 0x80).map_or(0, |at| at.saturating_add(1));
        Some(Line {
            position,
            text: piece.get(..end).unwrap_or_default(),
            has_colon: piece.contains(&b':'),
            is_cut: piece.len() == MAX_LINE && piece.last() != Some(&b'\n'),
        })
    }
}

#[cfg(test)]
mod tests;
