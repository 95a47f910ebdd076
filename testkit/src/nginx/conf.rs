//! The nginx.conf around the part that a test is about.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::PROGRAM;
use crate::error::Error;
use crate::process::find;
use crate::user::unprivileged;

/// Whose rights its workers have where root starts it.
pub(super) const ACCOUNTS: &[&str] = &["www-data", "nginx", "nobody"];

/// A module of nginx that may come as a file of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Module {
    /// `set_md5` (with the ndk module that it needs).
    SetMisc,
    /// `js_set`, njs.
    Njs,
    /// `srcache_fetch` and `srcache_store`.
    Srcache,
}

impl Module {
    fn name(self) -> &'static str {
        match self {
            Module::SetMisc => "set-misc",
            Module::Njs => "njs",
            Module::Srcache => "srcache",
        }
    }

    /// Its files in the order in which nginx must load them.
    fn files(self) -> &'static [&'static str] {
        match self {
            Module::SetMisc => &["ndk_http_module.so", "ngx_http_set_misc_module.so"],
            Module::Njs => &["ngx_http_js_module.so"],
            Module::Srcache => &["ngx_http_srcache_filter_module.so"],
        }
    }

    /// Whether the installed nginx has it, as a file or compiled in.
    #[must_use]
    pub fn is_installed(self) -> bool {
        find(PROGRAM)
            .and_then(|nginx| Installed::ask(&nginx)?.load(&[self]))
            .is_ok()
    }

    /// How `nginx -V` names it where it is compiled in, as in OpenResty.
    fn compiled_in(self) -> &'static str {
        match self {
            Module::SetMisc => "--add-module=../set-misc-nginx-module",
            Module::Njs => "--add-module=../njs",
            Module::Srcache => "--add-module=../srcache-nginx-module",
        }
    }
}

/// The installed nginx, as `nginx -V` describes it.
pub(super) struct Installed {
    build: String,
}

impl Installed {
    pub(super) fn ask(program: &Path) -> Result<Installed, Error> {
        let output = Command::new(program)
            .arg("-V")
            .output()
            .map_err(Error::io("cannot run nginx -V"))?;
        Ok(Installed {
            build: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    fn modules_path(&self) -> PathBuf {
        let option = |name: &str| {
            self.build
                .split_whitespace()
                .find_map(|word| word.strip_prefix(name))
        };
        option("--modules-path=").map_or_else(
            || Path::new(option("--prefix=").unwrap_or("/usr/local/nginx")).join("modules"),
            PathBuf::from,
        )
    }

    /// The `load_module` lines for `modules`.
    pub(super) fn load(&self, modules: &[Module]) -> Result<String, Error> {
        let mut lines = String::new();
        for module in modules {
            if self.build.contains(module.compiled_in()) {
                continue;
            }
            for file in module.files() {
                let path = self.modules_path().join(file);
                if !path.is_file() {
                    return Err(Error::MissingModule {
                        module: module.name(),
                        path: path.display().to_string(),
                    });
                }
                let _ = writeln!(lines, "load_module {};", path.display());
            }
        }
        Ok(lines)
    }
}

/// The whole file: `load` first, then `main`, then `http` inside its block.
/// Relative paths are below nginx's own folder (`-p`).
pub(super) fn whole(load: &str, workers: u32, main: &str, http: &str) -> String {
    let user = unprivileged(ACCOUNTS)
        .map(|account| format!("user {} {};\n", account.user, account.group))
        .unwrap_or_default();
    format!(
        "{load}{user}daemon off;
pid nginx.pid;
worker_processes {workers};
error_log error.log notice;
{main}
events {{ worker_connections 512; }}
http {{
access_log access.log;
client_body_temp_path temp/body;
proxy_temp_path temp/proxy;
fastcgi_temp_path temp/fastcgi;
uwsgi_temp_path temp/uwsgi;
scgi_temp_path temp/scgi;
{http}
}}
"
    )
}
