//! The way of a page, with real parts: a handler, the application's socket,
//! Memcached and nginx.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod admin;
mod any_response;
mod application_data;
mod bookshop;
mod browser;
mod bypass;
mod bypass_alike;
mod company;
mod conditions;
mod crowds;

mod deletes;
mod direct;
mod entries;
mod expiry;
mod groups;
mod hits;
mod ignored_query;
mod known_query;
mod listed_targets;
mod memory;
mod middleware;
mod outages;
mod parts;
mod parts_with_cookies;
mod policy;
mod prefixes;
mod purges;
mod random_targets;
mod repeated_purges;
mod responses;
mod scopes;
mod servers;
#[path = "../stack/mod.rs"]
mod stack;
mod stale;
mod streams;
mod switches;
mod test_pages;
mod variants;
