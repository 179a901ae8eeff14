//! RFC 3339 timestamps: written by hand, since this is on the path of every save.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

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
        }
    }
}
