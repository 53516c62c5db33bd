//! Times of certificates and CRLs.
//!
//! OpenSSL keeps a time as it is encoded and looks at it only when it compares (`X509_cmp_time`); a malformed time is therefore
//! not a malformed certificate but a verdict of its own. It wants the forms of RFC 5280 exactly, seconds and `Z` included, but
//! does not mind which of the two types a year is in.

use crate::tlv::{DerResult, Reader, Tlv, tag};

/// A time as encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time {
    /// Seconds since 1970, or `None` when the encoding is not that of RFC 5280.
    pub(crate) seconds: Option<i64>,
}

impl Time {
    /// Reads the next element as a time; only the wrong type is an error.
    pub(crate) fn read(reader: &mut Reader<'_>) -> DerResult<Self> {
        match reader.peek() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => Ok(Self::of(&reader.any()?)),
            _ => reader.error("a time is expected"),
        }
    }

    /// The same, which must be as long as its type always is: OpenSSL up to 3.1 finds out later that it is not.
    pub(crate) fn read_whole(reader: &mut Reader<'_>) -> DerResult<Self> {
        let mut ahead = *reader;
        let time = Self::read(reader)?;
        let element = ahead.any()?;
        if is_short(&element) { element.error("the time is too short") } else { Ok(time) }
    }

    /// Reads over a time that is not used. The result is whether it is too short for OpenSSL from 3.2 on.
    pub(crate) fn skip(reader: &mut Reader<'_>) -> DerResult<bool> {
        match reader.peek() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => reader.any().map(|element| is_short(&element)),
            _ => reader.error("a time is expected"),
        }
    }

    /// A time from its element.
    pub(crate) fn of(tlv: &Tlv<'_>) -> Self {
        let seconds = match (tlv.tag, tlv.value) {
            (tag::UTC_TIME, [digits @ .., b'Z']) if digits.len() == 12 => utc_time(digits),
            (tag::GENERALIZED_TIME, [digits @ .., b'Z']) if digits.len() == 14 => generalized_time(digits),
            _ => None,
        };
        Self { seconds }
    }

    /// Year, month, day, hour, minute and second in UTC.
    pub(crate) fn civil(self) -> Option<[i64; 6]> {
        let seconds = self.seconds?;
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let [year, month, day] = civil_from_days(days)?;
        Some([year, month, day, rest / 3600, rest % 3600 / 60, rest % 60])
    }
}

/// Whether a time is shorter than its type always is.
fn is_short(element: &Tlv<'_>) -> bool {
    element.value.len() < if element.tag == tag::UTC_TIME { 13 } else { 15 }
}

fn utc_time(digits: &[u8]) -> Option<i64> {
    let (year, rest) = digits.split_at_checked(2)?;
    let year = number(year)?;
    seconds(if year < 50 { year.checked_add(2000)? } else { year.checked_add(1900)? }, rest)
}

fn generalized_time(digits: &[u8]) -> Option<i64> {
    let (year, rest) = digits.split_at_checked(4)?;
    seconds(number(year)?, rest)
}

/// Seconds since 1970 of a year and `MMDDhhmmss`.
fn seconds(year: i64, rest: &[u8]) -> Option<i64> {
    let mut fields = [0_i64; 5];
    for (field, digits) in fields.iter_mut().zip(rest.chunks_exact(2)) {
        *field = number(digits)?;
    }
    let [month, day, hour, minute, second] = fields;
    let in_range = (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 59;
    if !in_range {
        return None;
    }
    let days = days_from_civil(year, month, day)?;
    days.checked_mul(86_400)?
        .checked_add(hour.checked_mul(3600)?)?
        .checked_add(minute.checked_mul(60)?)?
        .checked_add(second)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |number, &digit| {
        let digit = char::from(digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(i64::from(digit))
    })
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar, counted in eras of 400 years that begin in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let (year, month) =
        if month > 2 { (year, month.checked_sub(3)?) } else { (year.checked_sub(1)?, month.checked_add(9)?) };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year =
        month.checked_mul(153)?.checked_add(2)?.checked_div(5)?.checked_add(day.checked_sub(1)?)?;
    let day_of_era = year_of_era
        .checked_mul(365)?
        .checked_add(year_of_era / 4)?
        .checked_sub(year_of_era / 100)?
        .checked_add(day_of_year)?;
    era.checked_mul(146_097)?.checked_add(day_of_era)?.checked_sub(719_468)
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> Option<[i64; 3]> {
    let shifted = days.checked_add(719_468)?;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let leap_days =
        day_of_era.checked_div(1_460)?.checked_sub(day_of_era / 36_524)?.checked_add(day_of_era / 146_096)?;
    let year_of_era = day_of_era.checked_sub(leap_days)?.checked_div(365)?;
    let first_day =
        year_of_era.checked_mul(365)?.checked_add(year_of_era / 4)?.checked_sub(year_of_era / 100)?;
    let day_of_year = day_of_era.checked_sub(first_day)?;
    let from_march = day_of_year.checked_mul(5)?.checked_add(2)?.checked_div(153)?;
    let first_of_month = from_march.checked_mul(153)?.checked_add(2)?.checked_div(5)?;
    let day = day_of_year.checked_sub(first_of_month)?.checked_add(1)?;
    let month = if from_march < 10 { from_march.checked_add(3)? } else { from_march.checked_sub(9)? };
    let year = era.checked_mul(400)?.checked_add(year_of_era)?;
    Some([if month <= 2 { year.checked_add(1)? } else { year }, month, day])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(tag: u8, text: &str, expected: Option<i64>) {
        let tlv = Tlv { tag, value: text.as_bytes(), whole: &[], position: 0 };
        assert_eq!(Time::of(&tlv).seconds, expected, "{text}");
    }

    #[test]
    fn rfc5280_forms_alone_are_times() {
        check(tag::UTC_TIME, "700101000000Z", Some(0));
        check(tag::UTC_TIME, "491231235959Z", Some(2_524_607_999));
        check(tag::UTC_TIME, "500101000000Z", Some(-631_152_000));
        check(tag::GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000));
        check(tag::GENERALIZED_TIME, "20240229120000Z", Some(1_709_208_000));
        check(tag::GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799));
        check(tag::GENERALIZED_TIME, "00000101000000Z", Some(-62_167_219_200));
        // Near misses.
        for text in [
            "7001010000Z",
            "700101000000+0000",
            "700101000000",
            "70010100000 Z",
            "701301000000Z",
            "700230000000Z",
            "",
        ] {
            check(tag::UTC_TIME, text, None);
        }
        for text in
            ["20230229000000Z", "20240101240000Z", "20240101006000Z", "20240101000060Z", "20240101000000.0Z"]
        {
            check(tag::GENERALIZED_TIME, text, None);
        }
    }

    #[test]
    fn dates_are_told_as_they_were_read() {
        for text in
            ["00000301000000Z", "19700101000000Z", "20000229235959Z", "20241231120000Z", "99991231235959Z"]
        {
            let tlv = Tlv { tag: tag::GENERALIZED_TIME, value: text.as_bytes(), whole: &[], position: 0 };
            let [year, month, day, hour, minute, second] = Time::of(&tlv).civil().unwrap();
            let told = alloc::format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
            assert_eq!(told, text);
        }
    }
}
