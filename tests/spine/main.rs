//! The way of a page, with real parts: a handler, the application's socket,
//! Memcached and nginx.

mod application_data;
mod bypass;
mod conditions;
mod crowds;
mod deletes;
mod entries;
mod expiry;
mod hits;
mod memory;
mod middleware;
mod outages;
mod policy;
#[path = "../stack/mod.rs"]
mod stack;
mod streams;
mod switches;
mod targets;
