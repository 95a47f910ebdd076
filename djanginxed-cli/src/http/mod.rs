//! A client that sends request targets unchanged and follows nothing.

mod cache_status;
mod client;
mod problem;
mod tls;
mod url;

pub(crate) use cache_status::Member;
pub(crate) use client::{Client, Request, Response};
pub(crate) use problem::{Problem, TlsProblem};
pub(crate) use tls::Trust;
pub(crate) use url::{Origin, Url, decoded, encoded, path_and_query, path_of};
