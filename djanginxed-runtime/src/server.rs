//! A Memcached server, written as in nginx's `upstream`.

pub(crate) mod denied;
mod host;
mod parameter;
mod several;
pub(crate) mod socket;

use std::collections::HashSet;
use std::fmt;

pub(crate) use self::several::warn_if_several;

use self::parameter::Parameters;
use crate::config_error::ConfigError;

/// The most that one server may weigh: nginx's ring has 160 points for each
/// unit, and ratios are what counts.
const MAX_WEIGHT: u32 = 1_000;

/// The most that a list may weigh. nginx's `hash` without `consistent` knows
/// 32,768 places: servers beyond them would never be asked.
const MAX_TOTAL_WEIGHT: u32 = 0x8000;

/// One server of the list given to
/// [`memcached`](crate::PageCacheBuilder::memcached).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub(crate) place: Place,
    pub(crate) weight: u32,
    /// What only the generated file needs: when nginx leaves the server alone.
    parameters: Parameters,
}

/// Where a server listens. nginx's ring hashes this as it is written, and not
/// what it resolves to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// An IPv6 address stands in its brackets.
    Tcp { host: String, port: u16 },
    /// The path of a unix socket.
    Unix(String),
}

impl Place {
    fn parse(address: &str) -> Result<Place, &'static str> {
        if let Some(path) = address.strip_prefix(socket::SCHEME) {
            socket::check(path)?;
            return Ok(Place::Unix(path.to_owned()));
        }
        let (host, port) = host::split(address)?;
        let host = host.to_owned();
        Ok(Place::Tcp { host, port })
    }

    /// One form for the ways to write the same place.
    fn identity(&self) -> (String, u16) {
        match self {
            Place::Tcp { host, port } => (host::identity(host), *port),
            Place::Unix(path) => (socket::identity(path), 0),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp { host, port } => write!(f, "{host}:{port}"),
            Place::Unix(path) => write!(f, "{}{path}", socket::SCHEME),
        }
    }
}

impl Server {
    /// Reads `host:port [weight=n] [max_fails=n] [fail_timeout=time]`, or
    /// `unix:/path` in place of host and port.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Server`] for an entry that nginx would not take, could
    /// not carry, or that would make it look elsewhere than the application.
    pub fn parse(entry: &str) -> Result<Server, ConfigError> {
        read(entry).map_err(|problem| refusal(entry, problem))
    }

    /// Reads a list in the order of nginx's file. An empty one is no error.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Server`] for the first entry that [`parse`](Server::parse)
    /// refuses, that is listed twice, or that makes the list weigh too much.
    pub fn parse_list(
        entries: impl IntoIterator<Item: AsRef<str>>,
    ) -> Result<Vec<Server>, ConfigError> {
        let mut known = HashSet::new();
        let mut weight = 0;
        let mut servers = Vec::new();
        for entry in entries {
            let entry = entry.as_ref();
            let server = Server::parse(entry)?;
            weight += server.weight;
            if !known.insert(server.place.identity()) {
                return Err(refusal(
                    entry,
                    "it is listed twice; to give it more pages, use weight=",
                ));
            }
            if weight > MAX_TOTAL_WEIGHT {
                return Err(refusal(
                    entry,
                    "the weights add up to more than 32768; divide them all",
                ));
            }
            servers.push(server);
        }
        Ok(servers)
    }

    /// `host:port` or `unix:/path`, as written and as dialled.
    #[must_use]
    pub fn address(&self) -> String {
        self.place.to_string()
    }

    pub(crate) fn is_socket(&self) -> bool {
        matches!(self.place, Place::Unix(_))
    }
}

/// The entry as nginx's `server` directive takes it.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        if self.weight != 1 {
            write!(f, " weight={}", self.weight)?;
        }
        self.parameters.fmt(f)
    }
}

/// The host and the port of an address of a server that nginx may ask.
pub(crate) fn host_and_port(address: &str) -> Result<(&str, u16), &'static str> {
    check_characters(address)?;
    host::split(address)
}

fn refusal(entry: &str, problem: &'static str) -> ConfigError {
    ConfigError::Server {
        entry: entry.to_owned(),
        problem,
    }
}

fn read(entry: &str) -> Result<Server, &'static str> {
    check_characters(entry)?;
    let mut words = entry.split_ascii_whitespace();
    let address = words.next().ok_or("it is empty")?;
    if address == "server" {
        return Err("leave out the word \"server\"");
    }
    let mut server = Server {
        place: Place::parse(address)?,
        weight: 1,
        parameters: Parameters::default(),
    };
    let mut given = Vec::new();
    for word in words {
        let name = parameter::name(word);
        if given.contains(&name) {
            return Err("it gives a parameter twice");
        }
        given.push(name);
        server.set(word)?;
    }
    Ok(server)
}

impl Server {
    fn set(&mut self, word: &str) -> Result<(), &'static str> {
        match word.strip_prefix("weight=") {
            Some(value) => self.weight = weight(value)?,
            None => self.parameters.set(word)?,
        }
        Ok(())
    }
}

fn weight(value: &str) -> Result<u32, &'static str> {
    parameter::number(value)
        .filter(|weight| (1..=MAX_WEIGHT).contains(weight))
        .ok_or("its weight is not a number from 1 to 1000; nginx has 160 points for each unit")
}

/// What would end or change the `server` line of nginx's file, which carries
/// the entry unquoted.
fn check_characters(entry: &str) -> Result<(), &'static str> {
    let strange = |c: char| !(c == ' ' || c == '\t' || c.is_ascii_graphic());
    if entry.contains(';') {
        Err("leave out the \";\"")
    } else if entry.contains(',') {
        Err("it has a comma; give each server as an entry of its own")
    } else if entry.contains(strange) {
        Err("it has a line break, a control character or one outside of ASCII")
    } else if entry.contains(['"', '\'', '`', '$', '{', '}', '\\', '#']) {
        Err("it has a character that means something else in nginx's file")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
