//! One connection that speaks Memcached's meta protocol.
//!
//! The memcache crate reads the heads of the answers. Reading itself is done
//! here, because what a server sends is untrusted: the crate's own connections
//! take lines of any length and values of up to a gigabyte. Each answer must
//! echo the key that was asked for, so that none can be taken for another
//! page's. Commands are written here as well, because the crate's own take a
//! copy of each value.
//!
//! What is added to an item, or set where it is unchanged, is sent as `append` and `cas`
//! of the older protocol: of a meta command for which it has no memory (`-M`) Memcached
//! deletes the item that there is, whatever the mode. Their answers echo nothing; one too
//! many or too few shows in the answers beside them.

use std::fmt::Display;
use std::io::{self, IoSlice, Write};
use std::ops::Range;

use actix_web::web::Bytes;
use memcache::exp::{Error as ClientError, MetaResponse, ReturnCode};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::counted::{Counted, Received};
use super::stream::Stream;

/// A usual page arrives with one read.
const BUFFER: usize = 32 << 10;

/// No head of an answer is longer.
const MAX_HEAD: usize = 1024;

/// A command, and the value that it sends.
pub(super) struct Command {
    /// As it is sent: `ms KEY 4096 F0 T900 k`, and the end of the line.
    line: Vec<u8>,
    /// Where the key stands in it, which the answer must echo, where it is a meta command.
    key: Range<usize>,
    is_meta: bool,
    value: Option<[Bytes; 2]>,
    /// A value that comes back is not kept if it is longer, in bytes.
    most: usize,
}

impl Command {
    /// A command of two letters with `flags`, each behind a space.
    pub(super) fn new(op: &str, key: &[u8], flags: impl Display) -> Command {
        /// Of flags as there usually are.
        const ROOM: usize = 40;
        let start = op.len() + 1;
        let mut line = Vec::with_capacity(start + key.len() + ROOM);
        line.extend_from_slice(op.as_bytes());
        line.push(b' ');
        line.extend_from_slice(key);
        // Memory takes all that is written to it.
        let _ = write!(line, "{flags} k\r\n");
        Command {
            line,
            key: start..start + key.len(),
            is_meta: true,
            value: None,
            most: usize::MAX,
        }
    }

    /// Adds the two parts of `value` to what there is; a refusal leaves that as it is.
    pub(super) fn append(key: &[u8], value: [Bytes; 2]) -> Command {
        Command::older("append", key, 0, value, "")
    }

    /// Puts `value` in the place of the version of this `number`; a refusal leaves that as
    /// it is.
    pub(super) fn replace(key: &[u8], value: [Bytes; 2], expiry: u32, number: u64) -> Command {
        Command::older("cas", key, expiry, value, format_args!(" {number}"))
    }

    /// A command of the older protocol.
    fn older(op: &str, key: &[u8], expiry: u32, value: [Bytes; 2], more: impl Display) -> Command {
        let length: usize = value.iter().map(Bytes::len).sum();
        let start = op.len() + 1;
        let mut line = [op.as_bytes(), b" ", key].concat();
        // Memory takes all that is written to it.
        let _ = write!(line, " 0 {expiry} {length}{more}\r\n");
        Command {
            line,
            key: start..start + key.len(),
            is_meta: false,
            value: Some(value),
            most: usize::MAX,
        }
    }

    /// Keeps no value that is longer than `most` bytes: of what is asked for in hundreds at
    /// once, and is short.
    pub(super) fn at_most(self, most: usize) -> Command {
        Command { most, ..self }
    }

    /// Stores the two parts of `value` behind each other; they are not copied.
    pub(super) fn set(key: &[u8], value: [Bytes; 2], flags: impl Display) -> Command {
        let length: usize = value.iter().map(Bytes::len).sum();
        let command = Command::new("ms", key, format_args!(" {length}{flags}"));
        Command {
            value: Some(value),
            ..command
        }
    }

    fn key(&self) -> &[u8] {
        &self.line[self.key.clone()]
    }
}

/// What a server says to a [`Command`].
#[derive(Debug)]
pub(super) struct Answer {
    code: ReturnCode,
    /// Its head, in which the flags stand.
    line: Vec<u8>,
    /// Absent also where it was too large to be kept.
    pub(super) value: Option<Bytes>,
}

impl Answer {
    /// Reads a head.
    fn of(line: Vec<u8>) -> Result<Answer, ClientError> {
        let word = line.split(|&byte| byte == b' ').next().unwrap_or_default();
        let code = match ReturnCode::from_wire(word) {
            Ok(code) if code != ReturnCode::Va => code,
            // There is more to it: a value, or a refusal.
            _ => MetaResponse::parse_header(&line)?.rc(),
        };
        Ok(Answer {
            code,
            line,
            value: None,
        })
    }

    pub(super) fn code(&self) -> ReturnCode {
        self.code
    }

    /// The number behind a flag's letter.
    pub(super) fn number<T: std::str::FromStr>(&self, letter: u8) -> Option<T> {
        str::from_utf8(self.flag(letter)?).ok()?.parse().ok()
    }

    fn flag(&self, letter: u8) -> Option<&[u8]> {
        let mut flags = self.line.split(|&byte| byte == b' ').skip(1);
        flags.find_map(|flag| flag.strip_prefix(&[letter]))
    }

    /// Reads the answer to a command of the older protocol: a word.
    fn of_older(line: Vec<u8>) -> Result<Answer, ClientError> {
        let code = match &line[..] {
            b"STORED" => ReturnCode::Hd,
            b"NOT_STORED" => ReturnCode::Ns,
            b"EXISTS" => ReturnCode::Ex,
            b"NOT_FOUND" => ReturnCode::Nf,
            _ => {
                MetaResponse::parse_header(&line)?;
                return Err(nonsense("an answer of the wrong protocol"));
            }
        };
        Ok(Answer {
            code,
            line,
            value: None,
        })
    }

    /// Whether the key is echoed, as it is with everything but a miss.
    fn is_for(&self, key: &[u8]) -> bool {
        match self.code() {
            ReturnCode::En | ReturnCode::Nf => self.flag(b'k').is_none_or(|echo| echo == key),
            _ => self.flag(b'k') == Some(key),
        }
    }
}

/// The first line of an answer.
pub(super) struct Head {
    answer: Answer,
    /// Of the value that follows, in bytes.
    pub(super) length: Option<usize>,
    most: usize,
}

pub(super) struct Wire {
    stream: BufReader<Counted>,
    max_value: usize,
}

impl Wire {
    /// Resolves and dials; keeps values of `max_value` bytes at the most.
    pub(super) async fn dial(
        address: &str,
        max_value: usize,
        received: &Received,
    ) -> io::Result<Wire> {
        let stream = Counted {
            stream: Stream::dial(address).await?,
            received: received.clone(),
        };
        Ok(Wire {
            stream: BufReader::with_capacity(BUFFER, stream),
            max_value,
        })
    }

    /// Whether nothing has happened while the connection was idle: neither was
    /// it closed, nor did anything arrive that was not asked for.
    pub(super) fn is_quiet(&self) -> bool {
        let arrived = self.stream.get_ref().stream.try_read(&mut [0]);
        let waits = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
        self.stream.buffer().is_empty() && arrived.is_err_and(waits)
    }

    /// Sends commands with one write, or few.
    pub(super) async fn send(&mut self, commands: &[Command]) -> io::Result<()> {
        let mut pieces = Vec::with_capacity(commands.len() * 4);
        for command in commands {
            pieces.push(IoSlice::new(&command.line));
            if let Some(value) = &command.value {
                let parts = value.iter().filter(|part| !part.is_empty());
                pieces.extend(parts.map(|part| IoSlice::new(part)));
                pieces.push(IoSlice::new(b"\r\n"));
            }
        }
        let mut unsent = &mut pieces[..];
        while !unsent.is_empty() {
            match self.stream.write_vectored(unsent).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                sent => IoSlice::advance_slices(&mut unsent, sent),
            }
        }
        Ok(())
    }

    /// Reads the head of the answer to the next command, which [`rest`](Self::rest)
    /// must follow. After any error but [`ClientError::Server`] the connection is of
    /// no use.
    pub(super) async fn head(&mut self, command: &Command) -> Result<Head, ClientError> {
        let line = read_line(&mut self.stream).await?;
        let answer = match command.is_meta {
            true => Answer::of(line)?,
            false => Answer::of_older(line)?,
        };
        let length = match answer.code() {
            ReturnCode::Va => Some(value_length(&answer.line)?),
            _ => None,
        };
        if !command.is_meta || answer.is_for(command.key()) {
            let most = command.most.min(self.max_value);
            Ok(Head {
                answer,
                length,
                most,
            })
        } else {
            Err(nonsense("an answer is not for the key that was asked for"))
        }
    }

    /// Reads what follows a head: the value, or passes over it if it is large.
    pub(super) async fn rest(&mut self, head: Head) -> Result<Answer, ClientError> {
        let Head {
            mut answer,
            length,
            most,
        } = head;
        if let Some(length) = length {
            answer.value = self.value(length, most).await?;
        }
        Ok(answer)
    }

    async fn value(&mut self, length: usize, most: usize) -> Result<Option<Bytes>, ClientError> {
        if length > most {
            let mut rest = (&mut self.stream).take(length as u64);
            tokio::io::copy_buf(&mut rest, &mut tokio::io::sink()).await?;
            self.end_of_value().await?;
            return Ok(None);
        }
        let mut value = Vec::with_capacity(length);
        (&mut self.stream)
            .take(length as u64)
            .read_to_end(&mut value)
            .await?;
        self.end_of_value().await?;
        Ok(Some(value.into()))
    }

    async fn end_of_value(&mut self) -> Result<(), ClientError> {
        let mut end = [0; 2];
        self.stream.read_exact(&mut end).await?;
        if &end == b"\r\n" {
            Ok(())
        } else {
            Err(nonsense("a value does not end where it should"))
        }
    }
}

/// The length that the head of a value announces.
fn value_length(head: &[u8]) -> Result<usize, ClientError> {
    let length = head.split(|&byte| byte == b' ').nth(1);
    let length = length.and_then(|length| str::from_utf8(length).ok()?.parse().ok());
    length.ok_or_else(|| nonsense("a value has no length"))
}

/// A line without its end, of a bounded length.
async fn read_line(stream: &mut (impl AsyncBufRead + Unpin)) -> Result<Vec<u8>, ClientError> {
    let mut line = Vec::new();
    stream
        .take(MAX_HEAD as u64)
        .read_until(b'\n', &mut line)
        .await?;
    if line.ends_with(b"\r\n") {
        line.truncate(line.len() - 2);
        Ok(line)
    } else if line.len() < MAX_HEAD {
        Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
    } else {
        Err(nonsense("the head of an answer does not end"))
    }
}

pub(super) fn nonsense(problem: &str) -> ClientError {
    ClientError::Protocol(problem.to_owned())
}
