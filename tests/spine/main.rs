//! The way of a page, with real parts: a handler, the application's socket,
//! Memcached and nginx.

mod application_data;
mod bypass;
mod entries;
mod expiry;
mod hits;
mod memory;
mod policy;
#[path = "../stack/mod.rs"]
mod stack;
mod switches;
mod targets;
