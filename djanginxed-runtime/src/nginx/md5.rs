//! How nginx computes keys.

/// Which module of nginx computes the md5 that is a page's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Md5 {
    /// `set_md5` of set-misc-nginx-module: Debian's and Ubuntu's
    /// `libnginx-mod-http-set-misc`; OpenResty has it built in.
    #[default]
    SetMisc,
    /// A function in njs, which nginx.org's packages and the official container
    /// image have. It comes with a script, [`Files::script`](super::Files::script).
    Njs,
}
