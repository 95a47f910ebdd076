//! Which declared language a request wants (RFC 9110, section 12.5.4).

use super::headers::line;

/// The first decimal places that a weight above zero may have, from the highest: ten
/// tenths are `q=1`.
pub(crate) const TENTHS: std::ops::RangeInclusive<u8> = 0..=10;

/// What may be asked for, and which declared language that is.
#[derive(Clone, Debug)]
pub(crate) struct Languages {
    /// In lower case; longer ones first. Beside each language, what it begins with.
    ranges: Vec<(String, usize)>,
}

impl Languages {
    pub(super) fn new(declared: &[String]) -> Languages {
        let mut ranges: Vec<(String, usize)> = Vec::new();
        for (at, language) in declared.iter().enumerate() {
            ranges.push((language.to_ascii_lowercase(), at));
        }
        for (at, language) in declared.iter().enumerate() {
            let language = language.to_ascii_lowercase();
            for (end, _) in language.match_indices('-') {
                let start = &language[..end];
                if !ranges.iter().any(|(known, _)| known == start) {
                    ranges.push((start.to_owned(), at));
                }
            }
        }
        ranges.sort_by_key(|(range, _)| std::cmp::Reverse(range.len()));
        Languages { ranges }
    }

    /// What may be asked for, longer ones first.
    pub(crate) fn ranges(&self) -> &[(String, usize)] {
        &self.ranges
    }

    /// The language that an Accept-Language field wants the most.
    pub(super) fn best(&self, field: &[u8]) -> Option<usize> {
        let mut best: Option<(u8, usize)> = None;
        for part in field.split(|&byte| byte == b',') {
            let mut sides = part.splitn(2, |&byte| byte == b';');
            let range = line(sides.next().unwrap_or_default());
            let Some(weight) = sides.next().map_or(Some(10), tenths) else {
                continue;
            };
            if let Some(at) = self.find(range)
                && best.is_none_or(|(other, _)| weight > other)
            {
                best = Some((weight, at));
            }
        }
        best.map(|(_, at)| at)
    }

    fn find(&self, range: &[u8]) -> Option<usize> {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        let begins = |start: &str| {
            let Some((own, rest)) = range.split_at_checked(start.len()) else {
                return false;
            };
            own.eq_ignore_ascii_case(start.as_bytes())
                && (rest.is_empty() || rest[0] == b'-' && rest.iter().all(is_plain))
        };
        let found = self.ranges.iter().find(|(start, _)| begins(start));
        found.map(|(_, at)| *at)
    }
}

/// The tenths of a weight (RFC 9110, section 12.4.2); none where it is zero, or no
/// weight.
fn tenths(weight: &[u8]) -> Option<u8> {
    let [b'q' | b'Q', b'=', value @ ..] = line(weight) else {
        return None;
    };
    let (whole, rest) = value.split_first()?;
    let decimals = match rest {
        [] => rest,
        [b'.', decimals @ ..] if decimals.len() <= 3 => decimals,
        _ => return None,
    };
    if !decimals.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let is_zero = decimals.iter().all(|&digit| digit == b'0');
    match whole {
        b'1' if is_zero => Some(10),
        b'0' if !is_zero => Some(decimals[0] - b'0'),
        _ => None,
    }
}
