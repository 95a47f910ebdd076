//! The generated nginx file, in a real nginx in front of a real Memcached.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod application;
mod bypass;
mod faults;
mod hit_feed;
mod hits;
mod ignored_query;
mod micro_cache;
mod misses;
mod options;
mod prefixes;
mod random_settings;
mod readme;
mod refusals;
mod slow_http2;
mod slow_readers;
mod stand;
mod variants;
