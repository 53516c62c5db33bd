//! `client_encoding=auto`: the encoding of the locale.

use crate::environment::Environment;

/// PostgreSQL's name for the encoding of the locale's codeset, as psql finds it; `None` when it has none, and then no
/// encoding is sent (libpq: `pg_get_encoding_from_locale`).
pub(super) fn of_locale(environment: &Environment) -> Option<&'static str> {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| environment.variable(name).filter(|value| !value.is_empty()))
        .unwrap_or("C");
    if matches!(locale, "C" | "POSIX") {
        return Some("SQL_ASCII");
    }
    let (_, codeset) = locale.split_once('.')?;
    let (codeset, _) = codeset.split_once('@').unwrap_or((codeset, ""));
    CODESETS.iter().find(|(names, _)| names.iter().any(|name| same_codeset(name, codeset))).map(|(_, e)| *e)
}

/// Only letters and digits count, in either case: `UTF-8` is `utf8`.
fn same_codeset(a: &str, b: &str) -> bool {
    let letters = |text| str::bytes(text).filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase());
    letters(a).eq(letters(b))
}

/// Codesets and PostgreSQL's names for them.
const CODESETS: &[(&[&str], &str)] = &[
    (&["UTF-8", "CP65001"], "UTF8"),
    (&["ISO-8859-1"], "LATIN1"),
    (&["ISO-8859-2"], "LATIN2"),
    (&["ISO-8859-3"], "LATIN3"),
    (&["ISO-8859-4"], "LATIN4"),
    (&["ISO-8859-9"], "LATIN5"),
    (&["ISO-8859-10"], "LATIN6"),
    (&["ISO-8859-13"], "LATIN7"),
    (&["ISO-8859-14"], "LATIN8"),
    (&["ISO-8859-15"], "LATIN9"),
    (&["ISO-8859-16"], "LATIN10"),
    (&["ISO-8859-5"], "ISO_8859_5"),
    (&["ISO-8859-6"], "ISO_8859_6"),
    (&["ISO-8859-7"], "ISO_8859_7"),
    (&["ISO-8859-8"], "ISO_8859_8"),
    (&["KOI8-R"], "KOI8R"),
    (&["KOI8-U"], "KOI8U"),
    (&["CP866", "IBM866"], "WIN866"),
    (&["CP874"], "WIN874"),
    (&["CP1250"], "WIN1250"),
    (&["CP1251"], "WIN1251"),
    (&["CP1252"], "WIN1252"),
    (&["CP1253"], "WIN1253"),
    (&["CP1254"], "WIN1254"),
    (&["CP1255"], "WIN1255"),
    (&["CP1256"], "WIN1256"),
    (&["CP1257"], "WIN1257"),
    (&["CP1258"], "WIN1258"),
    (&["EUC-JP"], "EUC_JP"),
    (&["EUC-CN", "GB2312"], "EUC_CN"),
    (&["EUC-KR"], "EUC_KR"),
    (&["EUC-TW"], "EUC_TW"),
    (&["JOHAB"], "JOHAB"),
    (&["GBK", "CP936"], "GBK"),
    (&["UHC", "CP949"], "UHC"),
    (&["BIG5", "CP950"], "BIG5"),
    (&["GB18030"], "GB18030"),
    (&["SJIS", "SHIFT_JIS", "CP932"], "SJIS"),
    (&["US-ASCII", "ANSI_X3.4-1968", "646"], "SQL_ASCII"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales() {
        for (variables, encoding) in [
            (&[][..], Some("SQL_ASCII")),
            (&[("LANG", "de_DE.UTF-8")], Some("UTF8")),
            (&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")], Some("SQL_ASCII")),
            (&[("LC_CTYPE", "de_DE.ISO-8859-15@euro"), ("LC_ALL", "")], Some("LATIN9")),
            (&[("LANG", "C.utf8")], Some("UTF8")),
            (&[("LANG", "de_DE.unheard-of")], None),
            (&[("LANG", "de_DE")], None),
        ] {
            let mut environment = Environment::default();
            for (name, value) in variables {
                environment.variables.insert((*name).into(), (*value).into());
            }
            assert_eq!(of_locale(&environment), encoding, "{variables:?}");
        }
    }
}
