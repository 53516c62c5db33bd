//! The input as a script: who plays the peer reads from it what to do next.

/// What is left of the input.
pub(super) struct Script<'a>(pub(super) &'a [u8]);

impl<'a> Script<'a> {
    /// The next byte; zero when there is none.
    pub(super) fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(super) fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    /// At most this many of the next bytes.
    pub(super) fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// The next bytes, as many as the byte before them says; none at the end.
    pub(super) fn portion(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(self.take(usize::from(*length)))
    }
}

/// What one end says after the startup packet.
pub(super) enum Said {
    Server(Vec<u8>),
    Client(Vec<u8>),
}

impl Said {
    pub(super) fn by_server(&self) -> Option<&Vec<u8>> {
        match self {
            Self::Server(bytes) => Some(bytes),
            Self::Client(_) => None,
        }
    }

    pub(super) fn by_client(&self) -> Option<&Vec<u8>> {
        match self {
            Self::Client(bytes) => Some(bytes),
            Self::Server(_) => None,
        }
    }
}

/// Messages of a server by their types, so that an exchange that gets anywhere can be found.
const MESSAGES: &[(u8, &[u8])] = &[
    (b'R', b"\0\0\0\0"),
    (b'Z', b"I"),
    (b'R', b"\0\0\0\x03"),
    (b'R', b"\0\0\0\x05salt"),
    (b'R', b"\0\0\0\x07"),
    (b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0"),
    (b'R', b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"),
    (b'R', b"\0\0\0\x0br="),
    (b'R', b"\0\0\0\x0cv="),
    (b'S', b"server_version\x0018.1\0"),
    (b'K', b"\0\0\0\x07abcd"),
    (b'K', b"\0\0\0\x07a longer key"),
    (b'N', b"SWARNING\0C01000\0\0"),
    (b'A', b"\0\0\0\x01channel\0payload\0"),
    (b'E', b"SFATAL\0C28000\0Mno\0\0"),
    (b'E', b"SFATAL\0C57P03\0Mlater\0\0"),
    (b'v', b"\0\x03\0\0\0\0\0\0"),
];

/// Messages of a client.
const ANSWERS: &[(u8, &[u8])] = &[
    (b'p', b"secret\0"),
    (b'p', b"SCRAM-SHA-256\0\0\0\0\x03n,,"),
    (b'p', b"SCRAM-SHA-256-PLUS\0\0\0\0\x03p=,"),
];

/// The next thing that is said: of a server's byte the upper two bits tell whether it is a message or bytes as they
/// come, and of whom.
pub(super) fn said(script: &mut Script<'_>) -> Option<Said> {
    let (first, _) = script.0.split_first()?;
    let _ = script.byte();
    let which = usize::from(*first & 0x3F);
    let message = |messages: &[(u8, &[u8])]| {
        let (kind, body) = messages[which % messages.len()];
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[kind], length.to_be_bytes().as_slice(), body].concat()
    };
    Some(match first >> 6 {
        0 => Said::Server(message(MESSAGES)),
        1 => Said::Server(script.take(which).to_vec()),
        2 => Said::Client(message(ANSWERS)),
        _ => Said::Client(script.take(which).to_vec()),
    })
}
