//! A client that sends request targets unchanged and follows nothing.

mod client;
mod tls;
mod url;

pub(crate) use client::{CLOSED, Client, Request, Response};
pub(crate) use url::Url;
