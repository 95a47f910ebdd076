//! Dates as others write them (RFC 9110, section 5.6.7).

use std::time::SystemTime;

use actix_web::http::header::HeaderValue;
use httpdate::parse_http_date;

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// The moment that a date names, in any of the three formats. Letters may be of any
/// case (RFC 9111, section 4.2), and the weekday another than the date's, which it
/// adds nothing to.
pub(crate) fn http_date(line: &HeaderValue) -> Option<SystemTime> {
    let text = line.to_str().ok()?.trim();
    parse_http_date(text).ok().or_else(|| loosely(text))
}

fn loosely(text: &str) -> Option<SystemTime> {
    let (weekday, rest) = text.split_at(text.find([',', ' '])?);
    let length = if weekday.len() == 3 { 3 } else { usize::MAX };
    let names = WEEKDAYS.map(|name| &name[..name.len().min(length)]);
    if !names.iter().any(|name| name.eq_ignore_ascii_case(weekday)) {
        return None;
    }
    let rest = capitalised(rest);
    // The parser takes a date with its own weekday alone, of which there is one.
    let mut dates = names
        .iter()
        .map(|name| parse_http_date(&format!("{name}{rest}")));
    dates.find_map(Result::ok)
}

/// Words as a date has them: `18 AUG 2050 02:01:18 gmt` -> `18 Aug 2050 02:01:18 GMT`.
fn capitalised(text: &str) -> String {
    let mut in_word = false;
    let letters = text.chars().map(|letter| {
        let is_first = !in_word;
        in_word = letter.is_ascii_alphabetic();
        if is_first {
            letter.to_ascii_uppercase()
        } else {
            letter.to_ascii_lowercase()
        }
    });
    letters.collect::<String>().replace("Gmt", "GMT")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn seconds(text: &str) -> Option<u64> {
        let date = http_date(&HeaderValue::from_str(text).unwrap())?;
        Some(
            date.duration_since(SystemTime::UNIX_EPOCH)
                .unwrap()
                .as_secs(),
        )
    }

    #[test]
    fn a_date_is_read_in_three_formats_and_any_case() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "SUN, 06 Nov 1994 08:49:37 GMT",
            "sun, 06 NOV 1994 08:49:37 gmt",
            "SUNDAY, 06-nov-94 08:49:37 Gmt",
            "sun nov  6 08:49:37 1994",
            " Sun, 06 Nov 1994 08:49:37 GMT ",
        ] {
            assert_eq!(seconds(text), Some(784_111_777), "{text:?}");
        }
    }

    #[test]
    fn a_weekday_of_another_date_counts_for_nothing() {
        assert_eq!(seconds("Thu, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("Thu Nov  6 08:49:37 1994"), Some(784_111_777));
    }

    #[test]
    fn what_is_no_date_has_no_moment() {
        for text in [
            "",
            "0",
            "today",
            "Son, 06 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:60 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
            ", 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(seconds(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_date_as_usual_is_the_parsers_own() {
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert_eq!(seconds(&httpdate::fmt_http_date(date)), Some(1_700_000_000));
    }
}
