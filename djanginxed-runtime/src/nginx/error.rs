//! What nginx's file cannot be generated from.

/// A value that is missing, or that nginx's file could not carry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The page cache is the embedded one, where nginx cannot look.
    #[error(
        "no Memcached server is configured: nginx cannot read pages from the application's memory"
    )]
    NoMemcached,
    /// Without a name the file would answer for every host, and a page could be
    /// stored with a host in it that a stranger chose.
    #[error(
        "no server_name is given: name the hosts of this site, for example \"www.example.com\""
    )]
    NoServerName,
    /// No address of the application.
    #[error("no application is given: name where it listens, for example \"127.0.0.1:8080\"")]
    NoApplication,
    /// A value that cannot stand in nginx's file.
    #[error("{setting} {value:?}: {problem}")]
    #[non_exhaustive]
    Value {
        /// What the value was given for.
        setting: &'static str,
        /// The value as given.
        value: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A location given twice.
    #[error("location {0:?} is given twice: a path is one page, or never cached")]
    Twice(String),
}

pub(super) fn refuse(setting: &'static str, value: &str, problem: &'static str) -> Error {
    Error::Value {
        setting,
        value: value.to_owned(),
        problem,
    }
}
