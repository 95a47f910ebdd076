//! The generated nginx file, in a real nginx in front of a real Memcached.

mod application;
mod bypass;
mod faults;
mod hits;
mod misses;
mod options;
mod refusals;
mod stand;
