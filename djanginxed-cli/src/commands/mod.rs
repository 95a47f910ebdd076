//! One file a command.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod delete;
pub(crate) mod key;
pub(crate) mod man;
pub(crate) mod nginx;
pub(crate) mod show;
pub(crate) mod warm;
