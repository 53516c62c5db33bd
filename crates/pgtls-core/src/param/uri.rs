//! Connection URIs (PostgreSQL documentation, "Connection URIs"; libpq: `conninfo_uri_parse_options`).

use super::{Keyword, ParamError, ParamErrorKind, Setting, Settings, Source, settings::UnknownName};
use alloc::{
    borrow::{Cow, ToOwned},
    string::String,
    vec::Vec,
};

/// Where the text after the scheme starts, if this is a connection URI.
pub(super) fn after_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://"))
}

/// `[user[:password]@][host[:port][,...]][/dbname][?name=value[&...]]`, which is the rest of the text after the scheme.
pub(super) fn parse(text: &str, after_scheme: &str) -> Result<Settings, ParamError> {
    let mut parser = Parser { text, settings: Settings::with_room() };
    let rest = parser.user_info(after_scheme)?;
    let rest = parser.host_list(rest)?;
    let rest = match rest.strip_prefix('/') {
        Some(path) => parser.dbname(path)?,
        None => rest,
    };
    if let Some(query) = rest.strip_prefix('?') {
        parser.query(query)?;
    }
    Ok(parser.settings)
}

/// Every method takes the rest of the text from where its part begins and returns the rest after it.
struct Parser<'a> {
    text: &'a str,
    settings: Settings,
}

impl<'a> Parser<'a> {
    /// `user[:password]@`: it is there if an `@` comes before any `/`.
    fn user_info(&mut self, here: &'a str) -> Result<&'a str, ParamError> {
        let Some((user_info, rest)) = here.split_once('@').filter(|(before, _)| !before.contains('/')) else {
            return Ok(here);
        };
        let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
        self.store_if_given("user", user.into(), here)?;
        let (_, at_password) = here.split_once(':').unwrap_or_default();
        self.store_if_given("password", password.into(), at_password)?;
        Ok(rest)
    }

    /// `host[:port][,...]`: becomes one list of hosts and one of ports, of the same length.
    fn host_list(&mut self, here: &'a str) -> Result<&'a str, ParamError> {
        let (host, port, mut rest) = self.host_and_port(here)?;
        let (mut hosts, mut ports) = (Cow::Borrowed(host), Cow::Borrowed(port));
        while let Some(next) = rest.strip_prefix(',') {
            let (host, port);
            (host, port, rest) = self.host_and_port(next)?;
            for (list, item) in [(&mut hosts, host), (&mut ports, port)] {
                list.to_mut().push(',');
                list.to_mut().push_str(item);
            }
        }
        // Decoded after they are joined: a `%2C` in a host separates two hosts.
        self.store_if_given("host", hosts, here)?;
        self.store_if_given("port", ports, here)?;
        Ok(rest)
    }

    fn host_and_port(&self, here: &'a str) -> Result<(&'a str, &'a str, &'a str), ParamError> {
        let (host, after) = self.host(here)?;
        let (port, rest) = match after.strip_prefix(':') {
            Some(after) => split(after, &['/', '?', ',']),
            None => ("", after),
        };
        Ok((host, port, rest))
    }

    /// A name, or an address in square brackets.
    fn host(&self, here: &'a str) -> Result<(&'a str, &'a str), ParamError> {
        let Some(bracketed) = here.strip_prefix('[') else {
            return Ok(split(here, &[':', '/', '?', ',']));
        };
        let Some((host, after)) = bracketed.split_once(']') else {
            return Err(self.error(ParamErrorKind::UnterminatedBracket, here));
        };
        if host.is_empty() {
            return Err(self.error(ParamErrorKind::EmptyBracket, here));
        }
        match after.chars().next() {
            None | Some(':' | '/' | '?' | ',') => Ok((host, after)),
            Some(found) => Err(self.error(ParamErrorKind::UnexpectedAfterBracket { found }, after)),
        }
    }

    /// The path, which may hold further slashes.
    fn dbname(&mut self, here: &'a str) -> Result<&'a str, ParamError> {
        let (dbname, rest) = split(here, &['?']);
        self.store_if_given("dbname", dbname.into(), here)?;
        Ok(rest)
    }

    /// `name=value[&...]`; an `&` at the end is allowed.
    fn query(&mut self, here: &'a str) -> Result<(), ParamError> {
        let mut after_secret = false;
        let mut rest = here;
        while !rest.is_empty() {
            let here = rest;
            let pair;
            (pair, rest) = here.split_once('&').unwrap_or((here, ""));
            // What follows a password may be its second half: not shown.
            let show = |text: &str| (!after_secret).then(|| text.to_owned());
            let Some((name, value)) = pair.split_once('=') else {
                return Err(self.error(ParamErrorKind::UriMissingEquals { name: show(pair) }, here));
            };
            if value.contains('=') {
                return Err(self.error(ParamErrorKind::UriExtraEquals { name: show(name) }, here));
            }
            let name = self.decode(name.into(), !after_secret, here)?;
            let shown = !(after_secret || Keyword::is_secret(&name));
            let value = self.decode(value.into(), shown, here)?.into_owned();
            self.store_parameter(&name, value, here).map_err(|UnknownName| {
                self.error(ParamErrorKind::unknown_option(show(&name).as_deref()), here)
            })?;
            after_secret = Keyword::is_secret(&name);
        }
        Ok(())
    }

    fn store_parameter(&mut self, name: &str, value: String, here: &str) -> Result<(), UnknownName> {
        let source = self.source(here);
        // As JDBC writes it; no other spelling of either word.
        if name == "ssl" && value == "true" {
            return self.settings.put_written("sslmode", "require".to_owned(), source);
        }
        self.settings.put_written(name, value, source)
    }

    /// An empty part is not stored, so that service file, environment and defaults can say more.
    fn store_if_given(
        &mut self,
        keyword: &'static str,
        raw: Cow<'_, str>,
        here: &str,
    ) -> Result<(), ParamError> {
        if raw.is_empty() {
            return Ok(());
        }
        let value = self.decode(raw, !Keyword::is_secret(keyword), here)?.into_owned();
        self.settings.put(Setting { keyword, value, source: self.source(here) });
        Ok(())
    }

    fn decode<'t>(&self, raw: Cow<'t, str>, show: bool, here: &str) -> Result<Cow<'t, str>, ParamError> {
        if !raw.contains(['%', ' ']) {
            return Ok(raw);
        }
        decode(&raw).map(Cow::Owned).map_err(|fault| {
            let part = show.then(|| raw.into_owned());
            self.error(ParamErrorKind::Encoding { fault, part }, here)
        })
    }

    fn error(&self, kind: ParamErrorKind, here: &str) -> ParamError {
        kind.from(self.source(here))
    }

    fn source(&self, here: &str) -> Source {
        Source::Uri { at: self.text.len().saturating_sub(here.len()) }
    }
}

/// What is wrong with the percent-encoding of a part of a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodingFault {
    /// A `%` without two hexadecimal digits.
    Percent,
    /// `%00`.
    Nul,
    /// A space between other characters.
    Space,
    /// The decoded bytes are not UTF-8. (libpq would hand them to the server as they are.)
    Utf8,
}

/// Undoes percent-encoding. Since PostgreSQL 18 spaces around a part are dropped and spaces inside it are errors
/// (libpq: `conninfo_uri_decode`).
fn decode(raw: &str) -> Result<String, EncodingFault> {
    let (text, after) = split(raw.trim_start_matches(' '), &[' ']);
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        match (hex(bytes.next()), hex(bytes.next())) {
            (Some(0), Some(0)) => return Err(EncodingFault::Nul),
            (Some(high), Some(low)) => decoded.push((high << 4) | low),
            _ => return Err(EncodingFault::Percent),
        }
    }
    if after.contains(|c| c != ' ') {
        return Err(EncodingFault::Space);
    }
    String::from_utf8(decoded).map_err(|_| EncodingFault::Utf8)
}

/// The value of a hexadecimal digit of either case.
fn hex(digit: Option<u8>) -> Option<u8> {
    let digit = char::from(digit?).to_digit(16)?;
    u8::try_from(digit).ok()
}

/// The text before the first of the stops, and from it on.
fn split<'a>(text: &'a str, stops: &[char]) -> (&'a str, &'a str) {
    text.find(stops).and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};
    use proptest::prelude::*;

    /// Too plain to be wrong: one character after the other, in the order in which faults are found.
    fn naive(raw: &str) -> Result<Vec<u8>, EncodingFault> {
        const DIGITS: &str = "0123456789abcdef";
        let digit = |c: Option<&char>| DIGITS.find(c?.to_ascii_lowercase());
        let chars: Vec<char> = raw.chars().collect();
        let mut at = 0;
        while chars.get(at) == Some(&' ') {
            at += 1;
        }
        let mut decoded = Vec::new();
        while at < chars.len() && chars[at] != ' ' {
            if chars[at] == '%' {
                let high = digit(chars.get(at + 1)).ok_or(EncodingFault::Percent)?;
                let low = digit(chars.get(at + 2)).ok_or(EncodingFault::Percent)?;
                if high == 0 && low == 0 {
                    return Err(EncodingFault::Nul);
                }
                decoded.push(u8::try_from(16 * high + low).unwrap());
                at += 3;
            } else {
                decoded.extend(chars[at].to_string().bytes());
                at += 1;
            }
        }
        while chars.get(at) == Some(&' ') {
            at += 1;
        }
        if at == chars.len() { Ok(decoded) } else { Err(EncodingFault::Space) }
    }

    proptest! {
        #[test]
        fn decoding_agrees_with_the_naive_one(raw in "[ %0-9a-gA-G+\\-ä\t]{0,12}") {
            let expected = naive(&raw).and_then(|bytes| String::from_utf8(bytes).map_err(|_| EncodingFault::Utf8));
            prop_assert_eq!(decode(&raw), expected);
        }

        #[test]
        fn every_byte_can_be_written(byte in 1_u8..0x80) {
            prop_assert_eq!(decode(&format!("%{byte:02x}")), Ok(char::from(byte).to_string()));
            prop_assert_eq!(decode(&format!("%{byte:02X}")), Ok(char::from(byte).to_string()));
        }
    }
}
