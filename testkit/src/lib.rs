//! Real memcached and nginx processes on free loopback ports, and clients that
//! look at them from outside, for the tests, the demo and the benchmarks.
//!
//! What starts a process returns an [`Error`] that carries the program's own
//! words. What only asks a running one (a Memcached item, a page) panics with a
//! sentence instead: in a test there is nothing else to do with it.
//!
//! Everything started here ends with its value, and also when the test process
//! itself is killed or keeps the value in a `static`.

mod error;
mod fault_proxy;
pub mod http;
mod memcached;
mod nginx;
mod port;
mod process;
mod user;
mod wait;

pub use error::Error;
pub use fault_proxy::{Fault, FaultProxy};
pub use http::get;
pub use memcached::{FILLERS, Item, Memcached, MemcachedBuilder};
pub use nginx::{Module, Nginx, NginxBuilder, folder_shared_with_nginx};
pub use port::{free_port, listen};
pub use process::{Process, is_installed};
pub use user::heed_modes_of_files;
pub use wait::{eventually, eventually_within, within};
