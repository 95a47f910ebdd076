//! Servers that do not answer: each is told once, with what it costs.

use std::fmt::Display;

use crate::output::tell;

/// Why a server does not answer, and how many targets are on it.
#[derive(Debug, Default)]
pub(crate) struct Unreached(Vec<(String, String, usize)>);

impl Unreached {
    /// Notes that a target on `server` cannot be asked for.
    pub(crate) fn note(&mut self, server: &str, why: impl Display) {
        match self.0.iter_mut().find(|(known, ..)| known == server) {
            Some((.., count)) => *count += 1,
            None => self.0.push((server.to_owned(), why.to_string(), 1)),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(|(.., count)| count).sum()
    }

    /// Says it to whoever reads the errors.
    pub(crate) fn tell(&self) {
        for (server, why, count) in &self.0 {
            let targets = if *count == 1 { "target" } else { "targets" };
            tell(format_args!(
                "Memcached {server}: {why} ({count} {targets})"
            ));
        }
    }
}
