//! What the process that reads the feed tells others of this machine.
//!
//! A question is a datagram to the feed's own socket, `djanginxed-hottest TOKEN 100`,
//! and its answer one datagram back. Who may write there may also read this.

use std::fmt::Write;
use std::io;
use std::time::Duration;

use super::Hot;
use super::line::{is_target, number};

const QUESTION: &str = "djanginxed-hottest";
const ANSWER: &str = "djanginxed-hits";

/// An answer is one datagram. In bytes.
pub(super) const LONGEST_ANSWER: usize = 60_000;

/// What nginx told of its hits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FeedReport {
    /// Since the process that reads began to: at least so many, since datagrams
    /// are lost where it is too slow.
    pub hits: u64,
    /// Of the bodies that were sent.
    pub bytes: u64,
    /// Datagrams that were none of nginx's.
    pub refused: u64,
    /// For how long that process reads.
    pub seconds: u64,
    /// The hottest targets of the last minutes, those first.
    pub hottest: Vec<Hot>,
}

impl FeedReport {
    pub(super) fn write(&self, token: &str) -> String {
        let mut text = format!("{ANSWER} {token}\n");
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "{} {} {} {}",
            self.hits, self.bytes, self.refused, self.seconds
        );
        for Hot { target, hits } in &self.hottest {
            let line = format!("{hits} {target}\n");
            if text.len() + line.len() > LONGEST_ANSWER {
                break;
            }
            text.push_str(&line);
        }
        text
    }

    fn read(text: &str, token: &str) -> Option<FeedReport> {
        let mut lines = text.lines();
        if lines.next()? != format!("{ANSWER} {token}") {
            return None;
        }
        let numbers = lines.next()?.split(' ').map(number);
        let numbers: Vec<u64> = numbers.collect::<Option<_>>()?;
        let &[hits, bytes, refused, seconds] = numbers.as_slice() else {
            return None;
        };
        let hot = |line: &str| {
            let (hits, target) = line.split_once(' ')?;
            Some(Hot {
                target: Some(target).filter(|target| is_target(target))?.to_owned(),
                hits: number(hits)?,
            })
        };
        Some(FeedReport {
            hits,
            bytes,
            refused,
            seconds,
            hottest: lines.map(hot).collect::<Option<_>>()?,
        })
    }
}

/// The token and the number of targets of a question.
pub(super) fn question(datagram: &[u8]) -> Option<(&str, usize)> {
    let rest = datagram.strip_prefix(QUESTION.as_bytes())?;
    let (token, count) = str::from_utf8(rest)
        .ok()?
        .strip_prefix(' ')?
        .split_once(' ')?;
    let plain = (1..=32).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_alphanumeric());
    Some((Some(token).filter(|_| plain)?, number(count)?))
}

/// Asks whoever reads the feed at `path`.
///
/// # Errors
/// Nobody reads it, or this process may not write to it, or nothing that makes
/// sense came back within `patience`.
#[cfg(unix)]
pub fn ask(path: &str, count: usize, patience: Duration) -> io::Result<FeedReport> {
    use std::hash::{BuildHasher, RandomState};

    let chance = RandomState::new().hash_one(std::process::id());
    let token = format!("{chance:x}");
    let socket = own::Socket::bind(path, &token)?;
    socket.socket.set_read_timeout(Some(patience))?;
    socket.socket.set_write_timeout(Some(patience))?;
    let question = format!("{QUESTION} {token} {count}");
    socket.socket.send_to(question.as_bytes(), path)?;
    let mut answer = vec![0; LONGEST_ANSWER + 1];
    let length = socket.socket.recv(&mut answer)?;
    let text = str::from_utf8(&answer[..length]).ok();
    text.and_then(|text| FeedReport::read(text, &token))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer makes no sense"))
}

/// There are no unix sockets here.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub fn ask(_: &str, _: usize, _: Duration) -> io::Result<FeedReport> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Where an answer comes to.
#[cfg(target_os = "linux")]
mod own {
    use std::io;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    /// In Linux a name without a file, which no mode keeps from anybody.
    pub(super) struct Socket {
        pub(super) socket: UnixDatagram,
    }

    impl Socket {
        pub(super) fn bind(_: &str, token: &str) -> io::Result<Socket> {
            let name = format!("djanginxed-{token}");
            let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name)?)?;
            Ok(Socket { socket })
        }
    }
}

/// Where an answer comes to.
#[cfg(all(unix, not(target_os = "linux")))]
mod own {
    use std::fs::{Permissions, remove_file, set_permissions};
    use std::io;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixDatagram;

    /// A file beside the feed, which goes with this value.
    pub(super) struct Socket {
        pub(super) socket: UnixDatagram,
        path: String,
    }

    impl Socket {
        pub(super) fn bind(feed: &str, token: &str) -> io::Result<Socket> {
            let path = format!("{feed}.{token}");
            let socket = UnixDatagram::bind(&path)?;
            let bound = Socket { socket, path };
            set_permissions(&bound.path, Permissions::from_mode(0o666))?;
            Ok(bound)
        }
    }

    impl Drop for Socket {
        fn drop(&mut self) {
            let _ = remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn report(targets: usize) -> FeedReport {
        FeedReport {
            hits: u64::MAX,
            bytes: 2,
            refused: 3,
            seconds: 4,
            hottest: (0..targets)
                .map(|number| Hot {
                    target: format!("/{}?{number}", "a".repeat(1_000)),
                    hits: 5,
                })
                .collect(),
        }
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let written = report(3);
        assert_eq!(FeedReport::read(&written.write("t"), "t"), Some(written));
        assert_eq!(FeedReport::read(&report(3).write("t"), "other"), None);
        let cut = FeedReport::read(&report(1_000).write("t"), "t").unwrap();
        assert_eq!((cut.hits, cut.hottest.len()), (u64::MAX, 59));
    }

    #[test]
    fn a_question_has_a_token_and_a_number() {
        assert_eq!(question(b"djanginxed-hottest ab 7"), Some(("ab", 7)));
        for other in [
            "djanginxed-hottest",
            "djanginxed-hottest  7",
            "djanginxed-hottest a\nb 7",
            "djanginxed-hottest ab -7",
            "djanginxed-hottest ab 7 8",
        ] {
            assert_eq!(question(other.as_bytes()), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(text: String, rest in "[0-9 /\n]{0,60}") {
            let _ = FeedReport::read(&text, "t");
            let _ = FeedReport::read(&format!("{ANSWER} t\n{rest}"), "t");
            let _ = question(text.as_bytes());
        }
    }
}
