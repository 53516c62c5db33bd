//! Reading a ClientHello (RFC 8446, section 4.1.2), as sent: names are not judged here.

use super::record::HelloRecord;
use pgtls_core::message::TLS_HANDSHAKE;

/// The extensions whose content matters here.
const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;

/// Type of a ClientHello among handshake messages.
const CLIENT_HELLO: u8 = 1;
/// Longest ClientHello that is put together; OpenSSL's limit is 131 396 bytes.
pub(super) const MAX_CLIENT_HELLO: usize = 128 * 1024;

/// What the bytes of a client hold so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More bytes are needed.
    Incomplete,
    /// These are no TLS handshake.
    Nonsense,
    /// A whole ClientHello.
    Complete(ClientHello),
}

/// A ClientHello as a handshake message, and how many bytes of records it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClientHello {
    /// The handshake message with its four bytes of header.
    pub(super) message: Vec<u8>,
    /// Bytes of the records that held it.
    pub(super) record_bytes: usize,
}

/// One extension: its type and its content.
pub(super) type Extension<'a> = (u16, &'a [u8]);

/// Puts the handshake message together from TLS records.
pub(super) fn assemble(records: &[u8]) -> Progress {
    let mut reader = Reader(records);
    let mut message = Vec::new();
    while message.len() < MAX_CLIENT_HELLO {
        let record =
            |reader: &mut Reader<'_>| Some((reader.u8()?, reader.u16()?, reader.vector_16()?.to_vec()));
        let Some(first) = reader.0.first() else { return Progress::Incomplete };
        if *first != TLS_HANDSHAKE {
            return Progress::Nonsense;
        }
        let Some((_, _, fragment)) = record(&mut reader) else { return Progress::Incomplete };
        if fragment.is_empty() {
            return Progress::Nonsense;
        }
        message.extend(fragment);
        let mut header = Reader(&message);
        if let (Some(kind), Some(length)) = (header.u8(), header.u24()) {
            if kind != CLIENT_HELLO {
                return Progress::Nonsense;
            }
            match header.0.len().cmp(&length) {
                core::cmp::Ordering::Less => {}
                core::cmp::Ordering::Equal => {
                    let record_bytes = records.len().saturating_sub(reader.0.len());
                    return Progress::Complete(ClientHello { message, record_bytes });
                }
                // A second handshake message in the same record: none may follow a ClientHello.
                core::cmp::Ordering::Greater => return Progress::Nonsense,
            }
        }
    }
    Progress::Nonsense
}

impl ClientHello {
    /// Everything before the extensions (with the header), and the extensions; `None` when it is malformed.
    pub(super) fn split(&self) -> Option<(&[u8], Vec<Extension<'_>>)> {
        let mut reader = Reader(self.message.get(4..)?);
        reader.take(34)?; // legacy_version and random
        reader.vector_8()?; // legacy_session_id
        reader.vector_16()?; // cipher_suites
        reader.vector_8()?; // legacy_compression_methods
        let before = self.message.get(..self.message.len().checked_sub(reader.0.len())?)?;
        let mut extensions = Vec::new();
        if !reader.0.is_empty() {
            let mut list = Reader(reader.vector_16()?);
            while !list.0.is_empty() {
                extensions.push((list.u16()?, list.vector_16()?));
            }
        }
        Some((before, extensions))
    }

    /// What is recorded of it.
    pub(super) fn seen(&self) -> HelloRecord {
        let mut seen = HelloRecord::default();
        let Some((_, extensions)) = self.split() else { return seen };
        for (kind, content) in extensions {
            match kind {
                SERVER_NAME => seen.sni = server_name(content).map(text),
                ALPN => seen.alpn = protocols(content).map(|list| list.into_iter().map(text).collect()),
                SUPPORTED_VERSIONS => seen.versions = versions(content),
                _ => {}
            }
        }
        if seen.versions.is_empty() {
            // Before TLS 1.3 the version field held the highest that the client can.
            seen.versions =
                self.message.get(4..6).map(|version| vec![version_name(version)]).unwrap_or_default();
        }
        seen
    }
}

/// The same extensions with the server name left out.
pub(super) fn without_server_name<'a>(extensions: &[Extension<'a>]) -> Vec<Extension<'a>> {
    extensions.iter().copied().filter(|(kind, _)| *kind != SERVER_NAME).collect()
}

/// The same extensions with this content of the ALPN extension, put first when there was none.
pub(super) fn with_alpn<'a>(extensions: &[Extension<'a>], content: &'a [u8]) -> Vec<Extension<'a>> {
    let others = extensions.iter().copied().filter(|(kind, _)| *kind != ALPN);
    [(ALPN, content)].into_iter().chain(others).collect()
}

/// The name as sent, if there is a well-formed list with one.
fn server_name(content: &[u8]) -> Option<&[u8]> {
    let mut list = Reader(Reader(content).vector_16()?);
    (list.u8()? == 0).then_some(())?;
    list.vector_16()
}

fn protocols(content: &[u8]) -> Option<Vec<&[u8]>> {
    let mut list = Reader(Reader(content).vector_16()?);
    let mut found = Vec::new();
    while !list.0.is_empty() {
        found.push(list.vector_8()?);
    }
    Some(found)
}

/// Versions of TLS, lowest first; others (GREASE) are left out.
fn versions(content: &[u8]) -> Vec<String> {
    let list = Reader(content).vector_8().unwrap_or_default();
    let mut found: Vec<_> = list.chunks_exact(2).filter(|version| version.first() == Some(&3)).collect();
    found.sort_unstable();
    found.into_iter().map(version_name).collect()
}

fn version_name(version: &[u8]) -> String {
    match version {
        [3, 0] => "SSLv3".to_owned(),
        [3, 1] => "TLSv1".to_owned(),
        [3, minor] => format!("TLSv1.{}", minor.saturating_sub(1)),
        other => format!("{other:02x?}"),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Takes bytes from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u24(&mut self) -> Option<usize> {
        let [high, middle, low] = self.take(3)? else { return None };
        Some(usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low))
    }

    fn vector_8(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(length.into())
    }

    fn vector_16(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(length.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ClientHello with these extensions, in records of at most `size` bytes.
    fn records(extensions: &[Extension<'_>], size: usize) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0]);
        body.extend([0, 2, 0x13, 0x01]);
        body.extend([1, 0]);
        let list: Vec<u8> = extensions
            .iter()
            .flat_map(|(kind, content)| [&kind.to_be_bytes()[..], &length(content), content].concat())
            .collect();
        body.extend(length(&list));
        body.extend(list);
        let mut message = vec![CLIENT_HELLO];
        message.extend([0].into_iter().chain(length(&body)));
        message.extend(body);
        message.chunks(size).flat_map(|part| [&[22, 3, 1][..], &length(part), part].concat()).collect()
    }

    fn length(bytes: &[u8]) -> [u8; 2] {
        u16::try_from(bytes.len()).unwrap().to_be_bytes()
    }

    const EXTENSIONS: &[Extension<'_>] = &[
        (SERVER_NAME, b"\0\x08\0\0\x05*.x.y"),
        (ALPN, b"\0\x0b\x0apostgresql"),
        (SUPPORTED_VERSIONS, b"\x06\x1a\x1a\x03\x04\x03\x03"),
        (0xFF01, b"\0"),
    ];

    #[test]
    fn it_is_read_in_whatever_records_it_comes() {
        for size in [1, 3, 7, 1000] {
            let records = records(EXTENSIONS, size);
            for end in 0..records.len() {
                assert_eq!(
                    assemble(&records[..end]),
                    Progress::Incomplete,
                    "{end} bytes in records of {size}"
                );
            }
            let Progress::Complete(hello) = assemble(&records) else { panic!("records of {size}") };
            assert_eq!(hello.record_bytes, records.len());
            let seen = hello.seen();
            assert_eq!(seen.sni.as_deref(), Some("*.x.y"));
            assert_eq!(seen.alpn, Some(vec!["postgresql".to_owned()]));
            assert_eq!(seen.versions, ["TLSv1.2", "TLSv1.3"]);
        }
    }

    #[test]
    fn other_things_are_not_taken_for_one() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"\x17\x03\x03\0\x01x",
            b"\x16\x03\x01\0\0",
            b"\x16\x03\x01\0\x04\x02\0\0\0",
        ] {
            assert_eq!(assemble(bytes), Progress::Nonsense, "{bytes:?}");
        }
    }

    #[test]
    fn broken_insides_are_no_panic() {
        let whole = records(EXTENSIONS, 1000);
        for at in 9..whole.len() {
            for value in [0, 1, 0x7F, 0xFF] {
                let mut spoiled = whole.clone();
                spoiled[at] = value;
                if let Progress::Complete(hello) = assemble(&spoiled) {
                    let _ = (hello.seen(), hello.split());
                }
            }
        }
    }
}
