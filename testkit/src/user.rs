//! The account that a server gives its rights up for when root starts it.

use std::fs;

/// A user and its group.
pub(crate) struct Account {
    pub(crate) user: String,
    pub(crate) group: String,
    pub(crate) user_id: u32,
    pub(crate) group_id: u32,
}

/// The first of `names` that this machine has, if we are root; a server started
/// by anybody else runs as that user.
pub(crate) fn unprivileged(names: &[&str]) -> Option<Account> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let groups = fs::read_to_string("/etc/group").ok()?;
    names.iter().find_map(|name| {
        let group_id = field(&users, 0, name, 3)?;
        let group = field(&groups, 2, group_id, 0)?;
        Some(Account {
            user: (*name).to_owned(),
            group: group.to_owned(),
            group_id: group_id.parse().ok()?,
            user_id: field(&users, 0, name, 2)?.parse().ok()?,
        })
    })
}

/// Field `wanted` of the line whose field `at` is `value`.
fn field<'a>(table: &'a str, at: usize, value: &str, wanted: usize) -> Option<&'a str> {
    table
        .lines()
        .find(|line| line.split(':').nth(at) == Some(value))
        .and_then(|line| line.split(':').nth(wanted))
}

/// Makes this thread, and every thread that it starts from now on, subject to the
/// modes of files like everybody else, also where root runs it.
///
/// # Panics
/// When the system refuses.
pub fn heed_modes_of_files() {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    let mut sets = capabilities(None).expect("a thread may ask for its own capabilities");
    sets.effective
        .remove(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH);
    set_capabilities(None, sets).expect("a thread may give up its own capabilities");
}
