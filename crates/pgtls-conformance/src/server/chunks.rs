//! Where a server cuts what it sends: the same bytes may reach a client in any pieces.

use super::answer::UnknownKeyword;
use core::{fmt, num::NonZeroU16, str::FromStr};
use serde::Deserialize;

/// Sizes of pieces, one after the other and then from the first again. None: nothing is cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Chunks(Vec<NonZeroU16>);

/// What stands for none.
const WHOLE: &str = "whole";

impl Chunks {
    /// With these sizes in bytes.
    pub fn new(sizes: impl IntoIterator<Item = NonZeroU16>) -> Self {
        Self(sizes.into_iter().collect())
    }

    /// The pieces of `bytes`; `cut` counts how many were made so far.
    pub(super) fn cut<'b>(&self, mut bytes: &'b [u8], cut: &mut usize) -> Vec<&'b [u8]> {
        let mut pieces = Vec::new();
        while let Some(&size) = cut.checked_rem(self.0.len()).and_then(|index| self.0.get(index))
            && bytes.len() > usize::from(size.get())
        {
            let (piece, rest) = bytes.split_at(usize::from(size.get()));
            pieces.push(piece);
            bytes = rest;
            *cut = cut.wrapping_add(1);
        }
        pieces.push(bytes);
        pieces
    }
}

impl fmt::Display for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(WHOLE);
        }
        let sizes: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&sizes.join(","))
    }
}

impl FromStr for Chunks {
    type Err = UnknownKeyword;

    fn from_str(text: &str) -> Result<Self, UnknownKeyword> {
        if text == WHOLE {
            return Ok(Self::default());
        }
        let sizes: Result<_, _> = text.split(',').map(str::parse).collect();
        sizes.map(Self).map_err(|_| {
            UnknownKeyword::new("a list of sizes", text, &[WHOLE, "numbers from 1 to 65535, such as 1,5,300"])
        })
    }
}

impl TryFrom<String> for Chunks {
    type Error = UnknownKeyword;

    fn try_from(text: String) -> Result<Self, UnknownKeyword> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_cut_and_none_is_lost() {
        let mut cut = 0;
        let chunks: Chunks = "1,3".parse().unwrap();
        assert_eq!(chunks.cut(b"abcdefg", &mut cut), [&b"a"[..], b"bcd", b"e", b"fg"]);
        assert_eq!(chunks.cut(b"hi", &mut cut), [b"hi"], "it goes on where it was: three bytes are due");
        assert_eq!(chunks.cut(b"", &mut cut), [b""]);
        assert_eq!(Chunks::default().cut(b"abc", &mut cut), [b"abc"]);
        for text in ["whole", "1", "1,3", "65535"] {
            assert_eq!(text.parse::<Chunks>().unwrap().to_string(), text);
        }
        for wrong in ["", "0", "1,", "a", "65536"] {
            assert!(wrong.parse::<Chunks>().is_err(), "{wrong}");
        }
    }
}
