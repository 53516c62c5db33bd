//! Credential caches of MIT Kerberos, in files (MIT Kerberos: `doc/formats/ccache_file_format.rst`).

use std::{fs, io, path::Path};

/// Version 4 of the format.
const VERSION: u16 = 0x0504;

/// Whom a credential cache is for. It has a ticket-granting ticket, valid or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialCache {
    principal: String,
}

impl CredentialCache {
    /// Opens the cache of this name: a path, with `FILE:` before it or not.
    ///
    /// # Errors
    /// It cannot be read, or is no credential cache with a ticket-granting ticket in a file.
    pub fn open(name: &str) -> io::Result<Self> {
        let path = name.strip_prefix("FILE:").unwrap_or(name);
        let bytes = fs::read(Path::new(path))?;
        Self::parse(&bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// The principal, as `user@REALM`.
    pub fn principal(&self) -> &str {
        &self.principal
    }

    /// The cache that these bytes are; `None` if they are none.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = Reader(bytes);
        if rest.u16()? != VERSION {
            return None;
        }
        let header = rest.u16()?;
        rest.take(header.into())?;
        let principal = rest.principal()?;
        while !rest.0.is_empty() {
            if rest.credential()?.starts_with("krbtgt/") {
                return Some(Self { principal });
            }
        }
        None
    }
}

/// Reads what the format is made of; all numbers are big-endian.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Whom a credential is for.
    fn credential(&mut self) -> Option<String> {
        self.principal()?;
        let server = self.principal()?;
        let _key_type = self.u16()?;
        self.data()?;
        let _times = self.take(4 * 4)?;
        let _is_session_key = self.take(1)?;
        let _flags = self.u32()?;
        for _addresses_then_authorization_data in 0..2 {
            for _ in 0..self.u32()? {
                let _type = self.u16()?;
                self.data()?;
            }
        }
        let _tickets = (self.data()?, self.data()?);
        Some(server)
    }

    fn principal(&mut self) -> Option<String> {
        let _type = self.u32()?;
        let count = self.u32()?;
        let realm = self.text()?;
        let mut name = String::new();
        for index in 0..count {
            if index > 0 {
                name.push('/');
            }
            name.push_str(&self.text()?);
        }
        Some(format!("{name}@{realm}"))
    }

    fn text(&mut self) -> Option<String> {
        self.data().map(|data| String::from_utf8_lossy(data).into_owned())
    }

    fn data(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.take(usize::try_from(length).ok()?)
    }

    fn u32(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    fn u16(&mut self) -> Option<u16> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*number))
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }
}
