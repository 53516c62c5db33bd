//! Keyword/value strings.

use super::settings::{Values, hold, refused, values};
use pgtls_core::param::{Settings, Source};

/// What is read can be printed and stands where it is said to stand; and what stands in front of a string does not change
/// how it is read.
pub fn conninfo(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return;
    }
    let read = Settings::parse(text);
    let behind = Settings::parse(&format!("user=first {text}"));
    assert_eq!(read.is_ok(), behind.is_ok(), "{text:?}");
    let (settings, behind) = match (read, behind) {
        (Ok(settings), Ok(behind)) => (settings, behind),
        (Err(error), _) | (_, Err(error)) => return refused(text, &error),
    };
    hold(&settings);
    let first = Values::from([("user", "first".to_owned())]);
    assert_eq!(values(&behind), first.into_iter().chain(values(&settings)).collect());
    for setting in settings.iter() {
        let Source::Conninfo { at } = setting.source else { panic!("{setting:?}") };
        let written = text.get(at..).unwrap();
        let alias = setting.keyword == "sslmode" && written.starts_with("requiressl");
        assert!(written.starts_with(setting.keyword) || alias, "{} at {at} in {text:?}", setting.keyword);
    }
}
