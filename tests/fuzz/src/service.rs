//! Service files; the section that is looked for is `s`.

use super::settings::hold;
use pgtls_core::param::{KEYWORDS, ServiceFile, Source};
use std::collections::BTreeMap;

/// The section is what a plain reader finds, line by line.
pub fn service(bytes: &[u8]) {
    let read = ServiceFile::section("file", bytes, "s");
    if let Ok(Some(settings)) = &read {
        hold(settings);
    }
    let ours = match read {
        Ok(section) => Ok(section.map(|settings| {
            let place = |source: &Source| match source {
                Source::Service { line, .. } => *line,
                other => panic!("{other:?}"),
            };
            settings
                .iter()
                .map(|setting| (setting.keyword, (place(&setting.source), setting.value.clone())))
                .collect()
        })),
        Err(error) => match error.source {
            Some(Source::Service { line, .. }) if !error.to_string().is_empty() => Err(line),
            _ => panic!("{error:?}"),
        },
    };
    assert_eq!(ours, plainly(bytes));
}

/// Line and value of each keyword; the error is the line that is wrong.
type Section = BTreeMap<&'static str, (usize, String)>;

fn plainly(bytes: &[u8]) -> Result<Option<Section>, usize> {
    let mut section: Option<Section> = None;
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    for (index, line) in lines.iter().enumerate() {
        let number = index + 1;
        let end = usize::from(number < lines.len());
        if line.len() + end > 1022 {
            return Err(number);
        }
        let line: &[u8] = trim(line);
        if line.is_empty() || line[0] == b'#' {
            continue;
        }
        match (&mut section, line[0] == b'[') {
            (Some(_), true) => break,
            (None, true) if line.starts_with(b"[s]") => section = Some(Section::new()),
            (None, _) => {}
            (Some(section), false) => {
                let (keyword, value) = setting(line).ok_or(number)?;
                section.entry(keyword).or_insert((number, value));
            }
        }
    }
    Ok(section)
}

fn trim(mut line: &[u8]) -> &[u8] {
    const SPACE: &[u8] = b" \t\n\x0b\x0c\r";
    while let [first, rest @ ..] = line
        && SPACE.contains(first)
    {
        line = rest;
    }
    while let [rest @ .., last] = line
        && SPACE.contains(last)
    {
        line = rest;
    }
    line
}

fn setting(line: &[u8]) -> Option<(&'static str, String)> {
    let line = str::from_utf8(line).ok()?;
    let (name, value) = line.split_once('=')?;
    let allowed = !line.starts_with("ldap") && !line.contains('\0') && name != "service";
    let keyword = KEYWORDS.iter().find(|keyword| keyword.name == name).filter(|_| allowed)?;
    Some((keyword.name, value.to_owned()))
}
