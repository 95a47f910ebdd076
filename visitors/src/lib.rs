//! Random visitors of examples/shop behind nginx and Memcached: each is answered what the shop
//! without any cache would answer him, also in faults, and nothing grows meanwhile.

pub mod counted;
pub mod crowd;
pub mod growth;
pub mod prices;
pub mod seen;
pub mod served;
pub mod stand;
pub mod trial;
pub mod usage;
pub mod visit;

#[path = "../../examples/shop/main.rs"]
#[allow(dead_code, reason = "its main is not this program's")]
mod shop;
