//! One datagram of nginx's `access_log syslog:`, which anybody may have sent.

/// No longer target is told apart. In bytes.
const LONGEST_TARGET: usize = 2_048;

/// No datagram is longer; the target may be longer in it. In bytes.
pub(super) const LONGEST: usize = 4_096;

/// What a datagram begins with, behind what syslog adds: the format's name.
pub(crate) const WORD: &str = "hit";

/// The most hits that a datagram may stand for.
pub(crate) const MOST: u32 = 10_000;

/// A hit, as nginx tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit<'a> {
    /// How many hits it stands for, where nginx tells of one in so many.
    pub(super) stands_for: u32,
    pub(super) status: u16,
    /// Of the body that was sent.
    pub(super) bytes: u64,
    /// None where it is too long.
    pub(super) target: Option<&'a str>,
}

/// Reads `<190>Nov 26 11:55:48 site1: hit 100 200 9182 /articles/1`.
pub(super) fn read(datagram: &[u8]) -> Option<Hit<'_>> {
    if datagram.len() > LONGEST {
        return None;
    }
    let message = behind_header(str::from_utf8(datagram).ok()?)?;
    let mut words = message.splitn(5, ' ');
    if words.next() != Some(WORD) {
        return None;
    }
    let stands_for: u32 = number(words.next()?)?;
    let status: u16 = number(words.next()?)?;
    let bytes: u64 = number(words.next()?)?;
    let target = words.next()?;
    if !(1..=MOST).contains(&stands_for) || !(100..600).contains(&status) || !is_target(target) {
        return None;
    }
    Some(Hit {
        stands_for,
        status,
        bytes,
        target: Some(target).filter(|target| target.len() <= LONGEST_TARGET),
    })
}

/// What stands behind priority, time and tag.
fn behind_header(text: &str) -> Option<&str> {
    const TIME: usize = "Nov 26 11:55:48 ".len();
    let (priority, rest) = text.strip_prefix('<')?.split_once('>')?;
    let _: u8 = number(priority)?;
    let (time, rest) = rest.split_at_checked(TIME)?;
    let (tag, message) = rest.split_once(": ")?;
    let is_tag = (1..=32).contains(&tag.len())
        && tag
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (time.ends_with(' ') && is_tag).then_some(message)
}

/// As actix takes them: visible ASCII.
pub(super) fn is_target(target: &str) -> bool {
    target.starts_with('/') && target.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Decimal digits only: `parse` alone would take a sign.
pub(super) fn number<T: std::str::FromStr>(word: &str) -> Option<T> {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = "<190>Nov 26 11:55:48 djanginxed: ";

    fn of(message: &str) -> Option<(u32, u16, u64, Option<String>)> {
        let text = format!("{HEAD}{message}");
        let hit = read(text.as_bytes())?;
        let target = hit.target.map(str::to_owned);
        Some((hit.stands_for, hit.status, hit.bytes, target))
    }

    #[test]
    fn what_nginx_sends_is_read() {
        assert_eq!(
            of("hit 100 200 9182 /articles/1?a=%20\"'|"),
            Some((100, 200, 9182, Some("/articles/1?a=%20\"'|".to_owned())))
        );
        let day = "<190>Nov  6 01:05:08 s: hit 1 304 0 /";
        assert_eq!(read(day.as_bytes()).unwrap().target, Some("/"));
        // A long one counts, and is not told apart.
        let long = format!("hit 1 200 5 /{}", "a".repeat(3_000));
        assert_eq!(of(&long), Some((1, 200, 5, None)));
    }

    #[test]
    fn what_nginx_does_not_send_is_refused() {
        for message in [
            "",
            "hit",
            "hit 1 200 5",
            "hit 1 200 5 ",
            "hit 1 200 5 a",
            "hit 0 200 5 /",
            "hit 10001 200 5 /",
            "hit +1 200 5 /",
            "hit 1 99 5 /",
            "hit 1 600 5 /",
            "hit 1 200 -5 /",
            "hit 1 200 99999999999999999999 /",
            "hit 1 200 5 /a b",
            "hit 1 200 5 /a\n",
            "hit 1 200 5 /\u{e9}",
            "hits 1 200 5 /",
            "  hit 1 200 5 /",
        ] {
            assert_eq!(of(message), None, "{message:?}");
        }
        for whole in [
            &b"hit 1 200 5 /"[..],
            b"<>Nov 26 11:55:48 s: hit 1 200 5 /",
            b"<1900>Nov 26 11:55:48 s: hit 1 200 5 /",
            b"<190>Nov 26 11:55:48  hit 1 200 5 /",
            b"<190>Nov 26 11:55:48 host s: hit 1 200 5 /",
            b"<190>Nov 26 11:55:48 s: hit 1 200 5 /\xff",
            &[b'a'; LONGEST + 1],
        ] {
            assert_eq!(read(whole), None, "{}", String::from_utf8_lossy(whole));
        }
    }

    proptest! {
        #[test]
        fn no_datagram_makes_it_panic(bytes: Vec<u8>, message in "[hit0-9 /<>:\u{e9}]{0,40}") {
            let _ = read(&bytes);
            let _ = of(&message);
            let _ = read(message.as_bytes());
        }

        #[test]
        fn every_target_that_actix_takes_is_read_as_it_is(target in "/[!-~]{0,200}") {
            let read = of(&format!("hit 1 200 1 {target}"));
            prop_assert_eq!(read.unwrap().3, Some(target));
        }
    }
}
