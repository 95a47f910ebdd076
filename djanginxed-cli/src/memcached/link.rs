//! A connection to one server, which is believed nothing and waited for a while.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use djanginxed_runtime::tool::explain_socket;

use super::item::Item;
use crate::dial::{Stream, dial, socket_of};

const PATIENCE: Duration = Duration::from_secs(2);

/// No answer's line is longer.
const LONGEST_LINE: u64 = 4096;

/// No item is larger, whatever the server says.
const LARGEST: usize = 128 << 20;

/// Why a server does not do as it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("connection refused")]
    Refused,
    #[error("{0}")]
    Unreachable(String),
    #[error("no answer within {} s", .0.as_secs())]
    Hangs(Duration),
    /// It answers, and not as was expected.
    #[error("it answers {0:?}")]
    Says(String),
    #[error("{0}")]
    BrokenOff(String),
}

/// A connection to one server.
#[derive(Debug)]
pub(crate) struct Link {
    stream: BufReader<Box<dyn Stream>>,
}

impl Link {
    pub(crate) async fn open(address: &str) -> Result<Link, Trouble> {
        let stream = in_time(async {
            let is_socket = socket_of(address).is_some();
            (dial(address).await).map_err(|error| {
                let error = match is_socket {
                    true => explain_socket(error),
                    false => error,
                };
                match error.kind() {
                    io::ErrorKind::ConnectionRefused if !is_socket => Trouble::Refused,
                    io::ErrorKind::TimedOut if is_socket => Trouble::Hangs(PATIENCE),
                    _ => Trouble::Unreachable(error.to_string()),
                }
            })
        })
        .await?;
        Ok(Link {
            stream: BufReader::new(stream),
        })
    }

    /// Sends a line, and reads the first line of the answer.
    pub(crate) async fn ask(&mut self, line: &str) -> Result<String, Trouble> {
        in_time(async {
            self.send(line).await?;
            self.line().await
        })
        .await
    }

    /// Sends a line whose answer is lines up to one that is `END`.
    pub(crate) async fn list(&mut self, line: &str) -> Result<Vec<String>, Trouble> {
        const MOST: usize = 2000;
        in_time(async {
            self.send(line).await?;
            let mut lines = Vec::new();
            while lines.len() < MOST {
                match self.line().await? {
                    line if line == "END" => return Ok(lines),
                    line if lines.is_empty() && !line.starts_with("STAT ") => {
                        return Err(Trouble::Says(line));
                    }
                    line => lines.push(line),
                }
            }
            Err(Trouble::Says("a list without an end".to_owned()))
        })
        .await
    }

    /// Takes all of `keys` away, in one write.
    pub(crate) async fn take(&mut self, keys: &[String]) -> Result<(), Trouble> {
        in_time(async {
            let lines: String = keys.iter().map(|key| format!("md {key} q\r\n")).collect();
            self.send(&format!("{lines}mn")).await?;
            // 1.6 says of a key that is not there that it is not, also quietly.
            for _ in 0..=keys.len() {
                match self.line().await?.as_str() {
                    "MN" => return Ok(()),
                    "HD" | "NF" => {}
                    line => return Err(Trouble::Says(line.to_owned())),
                }
            }
            Err(Trouble::Says("more than was asked".to_owned()))
        })
        .await
    }

    /// The item under `key`. Its "fetched" flag, its last access and its place
    /// among those to be evicted stay as they are.
    pub(crate) async fn peek(&mut self, key: &impl Display) -> Result<Option<Item>, Trouble> {
        in_time(async {
            // Of these flags, `u` is the one that keeps the reading unnoticed:
            // without it, `h` and `l` would report this very reading the next time.
            self.send(&format!("mg {key} v f t h l u")).await?;
            let line = self.line().await?;
            let mut words = line.split(' ');
            match (words.next(), words.next().map(str::parse)) {
                (Some("EN"), _) => Ok(None),
                (Some("VA"), Some(Ok(size))) if size <= LARGEST => {
                    let value = self.value(size).await?;
                    Ok(Some(Item::read(value, words)))
                }
                _ => Err(Trouble::Says(line)),
            }
        })
        .await
    }

    async fn value(&mut self, size: usize) -> Result<Vec<u8>, Trouble> {
        let mut value = vec![0; size + 2];
        (self.stream.read_exact(&mut value).await).map_err(|error| broken(&error))?;
        value.truncate(size);
        Ok(value)
    }

    async fn send(&mut self, line: &str) -> Result<(), Trouble> {
        let line = format!("{line}\r\n");
        (self.stream.write_all(line.as_bytes()).await).map_err(|error| broken(&error))
    }

    /// The next line, without its end; waits for as long as it takes.
    pub(super) async fn line(&mut self) -> Result<String, Trouble> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.stream).take(LONGEST_LINE);
        (bounded.read_until(b'\n', &mut line).await).map_err(|error| broken(&error))?;
        match line.strip_suffix(b"\n") {
            Some(line) => Ok(String::from_utf8_lossy(line)
                .trim_end_matches('\r')
                .to_owned()),
            None if line.is_empty() => Err(Trouble::BrokenOff(
                "it closed the connection without an answer".to_owned(),
            )),
            None => Err(Trouble::Says(String::from_utf8_lossy(&line).into_owned())),
        }
    }
}

async fn in_time<T>(exchange: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    match timeout(PATIENCE, exchange).await {
        Ok(result) => result,
        Err(_) => Err(Trouble::Hangs(PATIENCE)),
    }
}

fn broken(error: &io::Error) -> Trouble {
    Trouble::BrokenOff(error.to_string())
}
