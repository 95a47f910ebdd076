//! The ways in which nginx reads pages.

use std::fmt;

use djanginxed::Layout;
use djanginxed::nginx::Md5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// `memcached_pass`, behind the inner server.
    Bodies,
    /// Whole responses, by srcache-nginx-module.
    Srcache,
    /// Whole responses, by the script in njs.
    Script,
}

pub(crate) const WAYS: [Way; 3] = [Way::Bodies, Way::Srcache, Way::Script];

impl Way {
    pub(crate) fn layout(self) -> Layout {
        match self {
            Way::Bodies => Layout::Body,
            Way::Srcache | Way::Script => Layout::Response,
        }
    }

    pub(crate) fn md5(self) -> Md5 {
        match self {
            Way::Bodies | Way::Srcache => Md5::SetMisc,
            Way::Script => Md5::Njs,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
