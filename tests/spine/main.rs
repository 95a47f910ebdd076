//! The way of a page, with real parts: a handler, the application's socket,
//! Memcached and nginx.

mod bypass;
mod hits;
mod policy;
#[path = "../stack/mod.rs"]
mod stack;
mod targets;
