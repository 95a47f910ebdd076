//! nginx's file, generated from the application's own settings.
//!
//! nginx finds a page only where its key, prefix, servers and placement are the
//! application's, and it answers hits before the application sees them, so it
//! must know the application's bypass rules too. [`Site`] takes all of that from
//! the `PageCache` and asks only for what the site alone knows. What it cannot
//! express safely in nginx's language is an [`Error`] that names the value.
//! `docs/nginx.md` explains every line of the output.

mod addresses;
mod application;
mod copies;
mod error;
mod feed;
pub(crate) mod files;
mod forwarding;
mod generate;
mod hits;
mod http;
mod ignored;
mod inner;
mod locations;
mod md5;
mod micro;
mod parts;
mod plan;
mod raw;
mod routes;
mod script;
mod server;
mod site;
mod srcache;
mod text;
mod values;
mod vary;

pub use error::Error;
pub use files::Files;
pub use forwarding::FORWARDING_HEADERS;
pub(crate) use forwarding::NOT_PASSED;
pub use ignored::{IgnoredQuery, Target};
pub use md5::Md5;
pub use site::Site;
