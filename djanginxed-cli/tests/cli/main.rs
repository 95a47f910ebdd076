//! The tool, against real servers.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod check;
mod containers;
mod impostor;
mod keys;
mod manual;
mod nginx;
mod purge;
mod site;
mod stored;
mod tool;
mod warm;
