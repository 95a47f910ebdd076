//! The application that is measured, in all its variants: with the attribute,
//! without it, and with a cache written by hand.

pub mod by_hand;
pub mod handlers;
pub mod mixed;
pub mod site;
pub mod work;
