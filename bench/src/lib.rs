//! The application that is measured, in all its variants: with the attribute,
//! without it, and with a cache written by hand.

pub mod by_hand;
pub mod growth;
pub mod handlers;
pub mod prices;
pub mod seen;
pub mod served;
pub mod site;
pub mod stand;
pub mod trial;
pub mod usage;
pub mod variant;
pub mod visit;

#[path = "../../examples/shop/main.rs"]
#[allow(dead_code, reason = "its main is not this program's")]
mod shop;
