//! The ways in which nginx reads pages.

use std::fmt;

use djanginxed::Layout;
use djanginxed::nginx::Md5;
use djanginxed_runtime::tool::SCRIPT;
use testkit::{Module, Nginx, NginxBuilder};

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

/// nginx with the modules that a layout and the keys need.
pub(crate) fn nginx(layout: Layout, md5: Md5) -> NginxBuilder {
    if md5 == Md5::Njs {
        return Nginx::builder()
            .modules([Module::Njs])
            .file("djanginxed.js", SCRIPT);
    }
    let mut modules = vec![Module::SetMisc];
    if layout == Layout::Response {
        modules.push(Module::Srcache);
    }
    Nginx::builder().modules(modules)
}
