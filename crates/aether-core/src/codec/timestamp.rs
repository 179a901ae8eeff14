//! RFC 3339 timestamps: written by hand, since this is on the path of every save.

use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

/// Appends `time`, which is in UTC and in the years 0 to 9999.
pub(crate) fn write(time: OffsetDateTime, out: &mut Vec<u8>) {
    digits(time.year().unsigned_abs(), 4, out);
    out.push(b'-');
    digits(u8::from(time.month()).into(), 2, out);
    out.push(b'-');
    digits(time.day().into(), 2, out);
    out.push(b'T');
    digits(time.hour().into(), 2, out);
    out.push(b':');
    digits(time.minute().into(), 2, out);
    out.push(b':');
    digits(time.second().into(), 2, out);
    if time.nanosecond() != 0 {
        out.push(b'.');
        digits(time.nanosecond(), 9, out);
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
    out.push(b'Z');
}

fn digits(mut number: u32, width: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + width, b'0');
    for place in out[start..].iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// The time that a text names, in UTC.
pub(crate) fn parse(text: &str) -> Option<OffsetDateTime> {
    parse_own(text.as_bytes()).or_else(|| parse_any(text))
}

/// What [`write`] writes: it is on the path of every read.
fn parse_own(text: &[u8]) -> Option<OffsetDateTime> {
    let (whole, rest) = text.split_at_checked("0000-00-00T00:00:00".len())?;
    let separators = [whole[4], whole[7], whole[10], whole[13], whole[16]];
    if separators != *b"--T::" {
        return None;
    }
    let two = |at: usize| number(&whole[at..at + 2]).and_then(|number| u8::try_from(number).ok());
    let year = i32::try_from(number(&whole[..4])?).ok()?;
    let date = Date::from_calendar_date(year, Month::try_from(two(5)?).ok()?, two(8)?).ok()?;
    let nanos = match rest {
        b"Z" => 0,
        [b'.', fraction @ .., b'Z'] if (1..=9).contains(&fraction.len()) => {
            number(fraction)? * 10u32.pow(9 - fraction.len() as u32)
        }
        _ => return None,
    };
    let time = Time::from_hms_nano(two(11)?, two(14)?, two(17)?, nanos).ok()?;
    Some(date.with_time(time).assume_utc())
}

/// The number that up to nine digits stand for.
fn number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
}

fn parse_any(text: &str) -> Option<OffsetDateTime> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
    (0..=9999).contains(&time.year()).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_time_comes_back(seconds in -62_167_219_200i64..=253_402_300_799, nanos in 0i64..1_000_000_000) {
            let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap() + time::Duration::nanoseconds(nanos);
            let mut text = Vec::new();
            write(time, &mut text);
            prop_assert_eq!(parse(std::str::from_utf8(&text).unwrap()), Some(time));
            prop_assert_eq!(parse_own(&text), Some(time));
        }

        #[test]
        fn the_fast_way_reads_nothing_that_the_other_does_not(
            text in "[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?Z?"
        ) {
            if let Some(time) = parse_own(text.as_bytes()) {
                prop_assert_eq!(parse_any(&text), Some(time));
            }
        }
    }
}
