//! Step 3 and where step 8 leads: where entries live.

pub(crate) mod client;
mod counted;
pub(crate) mod error;
pub(crate) mod index;
pub(crate) mod lookup;
pub(crate) mod marks;
mod memcached;
pub(crate) mod memory;
pub(crate) mod names;
mod stream;
pub(crate) mod upstream;
mod wire;

pub(crate) use memcached::Memcached;
pub(crate) use memory::Memory;
