//! The shared state of `coalesce` and `breaker` stands on these names, so that
//! a model checker can put its own in their place.

pub(crate) use std::sync::atomic::{AtomicBool, Ordering};
pub(crate) use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
