//! The way of a page, with real parts: a handler, the application's socket,
//! Memcached and nginx.

mod hits;
#[path = "../stack/mod.rs"]
mod stack;
