//! The application's choice of a server is nginx's: with real memcached and
//! nginx, and against a file of nginx's choices that needs neither.

// Clippy knows a test by its attribute, and these are mostly their helpers.
#![allow(clippy::unwrap_used)]

mod application;
mod down;
mod golden;
mod moves;
mod nginx;
mod upstream;
