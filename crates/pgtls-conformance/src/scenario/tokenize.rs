//! Words on a line: separated by blanks, written as JSON strings when they need it.

use super::Fault;

/// Cuts a line into its words.
pub(super) fn split(text: &str) -> Result<Vec<String>, Fault> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, after) = if rest.starts_with('"') {
            let mut strings = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let word = strings.next().and_then(Result::ok).ok_or(Fault::Quote)?;
            (word, rest.get(strings.byte_offset()..).unwrap_or_default())
        } else {
            let end = rest.find(' ').unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            (word.to_owned(), after)
        };
        if !after.is_empty() && !after.starts_with(' ') {
            return Err(Fault::Quote);
        }
        found.push(word);
        rest = after.trim_start();
    }
    Ok(found)
}

/// A word as a line has it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = !word.is_empty()
        && !word.contains(|c: char| c.is_whitespace() || c.is_control() || "\";".contains(c));
    if plain && word != super::expect::NONE { word.to_owned() } else { json(word) }
}

/// A JSON string.
pub(super) fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Cuts a line at its semicolons, but for those in quotes.
pub(super) fn clauses(text: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(|c: char| {
        let ends = c == ';' && !quoted;
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })
    .map(str::trim)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_clauses() {
        let words = |text: &str| split(text).map_err(|_| ());
        assert_eq!(words("a  b=c"), Ok(vec!["a".to_owned(), "b=c".to_owned()]));
        assert_eq!(
            words(r#""" "a b; \"c\"" d"#),
            Ok(vec![String::new(), "a b; \"c\"".to_owned(), "d".to_owned()])
        );
        for word in ["", "-", "a", "a b", "a;b", "\"", "\u{7}", "é"] {
            assert_eq!(words(&quoted(word)), Ok(vec![word.to_owned()]), "{word:?}");
        }
        assert_eq!(words(r#""a"b"#), Err(()));
        assert_eq!(words(r#""a"#), Err(()));
        assert_eq!(clauses(r#"a b; c "d;e\";f"; g"#), ["a b", r#"c "d;e\";f""#, "g"]);
    }
}
