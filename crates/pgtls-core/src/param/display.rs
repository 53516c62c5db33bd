//! Settings as a connection string again.

use super::{Secret, Setting, Settings, conninfo::is_space};
use alloc::string::String;
use core::fmt::{self, Write};

impl fmt::Display for Settings {
    /// A keyword/value string that parses to the same values, but for secrets, which are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_those(self, |setting| !setting.is_secret(), f)
    }
}

impl Settings {
    /// A keyword/value string that parses to the same values, with all secrets in clear.
    pub fn with_secrets(&self) -> Secret {
        let escaped: usize = self.iter().map(|setting| setting.keyword.len() + 2 * setting.value.len()).sum();
        // Room for every value in its longest form, so that no secret is left behind in a smaller allocation.
        let mut text = String::with_capacity(escaped + self.iter().count() * "='' ".len());
        // A `String` takes everything.
        let _ = write_those(self, |_| true, &mut text);
        Secret::new(text)
    }
}

fn write_those(settings: &Settings, shown: fn(&Setting) -> bool, out: &mut impl Write) -> fmt::Result {
    for (index, setting) in settings.iter().filter(|setting| shown(setting)).enumerate() {
        if index > 0 {
            out.write_char(' ')?;
        }
        write!(out, "{}=", setting.keyword)?;
        write_value(&setting.value, out)?;
    }
    Ok(())
}

/// In quotes where it has to be.
fn write_value(value: &str, out: &mut impl Write) -> fmt::Result {
    let plain = !value.is_empty() && !value.contains(|c| is_space(c) || c == '\'' || c == '\\');
    if plain {
        return out.write_str(value);
    }
    out.write_char('\'')?;
    for c in value.chars() {
        if matches!(c, '\'' | '\\') {
            out.write_char('\\')?;
        }
        out.write_char(c)?;
    }
    out.write_char('\'')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn quotes_only_where_it_must() {
        let text = r"host=a,b dbname='it\'s \\ here' user='' password=secret options=-cx=1";
        let settings = Settings::parse(text).unwrap();
        assert_eq!(settings.to_string(), r"host=a,b dbname='it\'s \\ here' user='' options=-cx=1");
        assert_eq!(settings.with_secrets().expose(), text);
    }
}
