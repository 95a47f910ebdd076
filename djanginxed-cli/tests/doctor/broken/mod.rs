//! Sites that are broken in one way each.

mod different;
mod edit;
mod elsewhere;
mod faults;
pub(crate) mod file;
mod keys;
pub(crate) mod lasting;
mod layouts;
mod memcached;
mod no_page;
mod not_stored;
mod parts;
pub(crate) mod peers;
mod requests;
mod several;
mod spelled;
pub(crate) mod unreached;
pub(crate) mod variants;

use crate::stand::Setup;

pub(crate) fn setups() -> Vec<Setup> {
    let groups = [
        unreached::unreached(),
        no_page::no_page(),
        not_stored::not_stored(),
        memcached::memcached(),
        keys::keys(),
        several::several_servers(),
        elsewhere::stored_elsewhere(),
        different::different(),
        requests::other_requests(),
        faults::faults(),
        file::by_the_file(),
        layouts::layouts(),
        parts::parts(),
        lasting::lasting(),
        variants::variants(),
        spelled::spelled(),
    ];
    groups.into_iter().flatten().collect()
}
