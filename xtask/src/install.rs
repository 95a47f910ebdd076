//! `cargo xtask install`: nginx, its modules, memcached, a browser and Prometheus.

use std::path::Path;
use std::process::Command;

use testkit::{Module, is_installed};

use crate::run::{Outcome, run};

/// Something that one of our commands starts or loads.
pub(crate) struct Need {
    pub(crate) what: &'static str,
    /// The package of Debian and Ubuntu that has it.
    pub(crate) package: &'static str,
    pub(crate) is_there: fn() -> bool,
}

const NEEDS: &[Need] = &[
    Need {
        what: "memcached",
        package: "memcached",
        is_there: || is_installed("memcached"),
    },
    Need {
        what: "nginx",
        package: "nginx",
        is_there: || is_installed("nginx"),
    },
    Need {
        what: "nginx's set-misc module",
        package: "libnginx-mod-http-set-misc",
        is_there: || Module::SetMisc.is_installed(),
    },
    Need {
        what: "nginx's njs module",
        package: "libnginx-mod-http-js",
        is_there: || Module::Njs.is_installed(),
    },
    Need {
        what: "nginx's srcache module",
        package: "libnginx-mod-http-srcache-filter",
        is_there: || Module::Srcache.is_installed(),
    },
    Need {
        what: "openssl",
        package: "openssl",
        is_there: || is_installed("openssl"),
    },
];

/// What the tests need besides.
pub(crate) const FOR_TESTS: &[Need] = &[
    // Ubuntu has it as a snap only: `chromedriver` from elsewhere will do.
    Need {
        what: "a browser that programs drive",
        package: "chromium-driver",
        is_there: || is_installed("chromedriver"),
    },
    Need {
        what: "Prometheus and its promtool",
        package: "prometheus",
        is_there: || is_installed("prometheus") && is_installed("promtool"),
    },
];

/// The services that the packages would start and enable.
const SERVICES: [&str; 4] = ["memcached", "nginx", "prometheus", "varnish"];

/// Installs what is missing; does nothing, and says nothing, where nothing is.
pub(crate) fn install() -> Outcome {
    install_with(&[])
}

/// Installs what is missing of what all need and of `more`.
pub(crate) fn install_with(more: &'static [Need]) -> Outcome {
    let missing = missing(more);
    if missing.is_empty() {
        return Ok(());
    }
    println!("Missing: {}.", list(&missing, |need| need.what));
    if !is_installed("apt-get") {
        return Err(by_hand(&missing));
    }
    let rights = Rights::find().ok_or_else(|| by_hand(&missing))?;
    println!(
        "Installing Debian's packages for it; their services are neither started nor enabled."
    );
    rights.install(&missing)?;
    match self::missing(more)[..] {
        [] => Ok(()),
        ref still => Err(format!(
            "after the installation {} is still missing",
            list(still, |need| need.what)
        )),
    }
}

fn missing(more: &'static [Need]) -> Vec<&'static Need> {
    let needs = NEEDS.iter().chain(more);
    needs.filter(|need| !(need.is_there)()).collect()
}

fn list(needs: &[&Need], field: impl Fn(&Need) -> &'static str) -> String {
    let words: Vec<_> = needs.iter().map(|need| field(need)).collect();
    words.join(", ")
}

fn by_hand(missing: &[&Need]) -> String {
    format!(
        "install {} and run this again. On Debian and Ubuntu, as root:\n  apt-get install --no-install-recommends {}\n\
         OpenResty has the set-misc module, nginx.org's packages have njs (nginx-module-njs) but not set-misc",
        list(missing, |need| need.what),
        list(missing, |need| need.package).replace(',', "")
    )
}

/// How we come to be root.
enum Rights {
    Root,
    Sudo,
}

impl Rights {
    fn find() -> Option<Rights> {
        if rustix::process::geteuid().is_root() {
            Some(Rights::Root)
        } else {
            is_installed("sudo").then_some(Rights::Sudo)
        }
    }

    fn command(&self, program: &str) -> Command {
        match self {
            Rights::Root => Command::new(program),
            Rights::Sudo => {
                let mut command = Command::new("sudo");
                command.arg(program);
                command
            }
        }
    }

    fn install(&self, missing: &[&Need]) -> Outcome {
        run(self.command("apt-get").arg("update"))?;
        let is_fresh = |service: &&str| missing.iter().any(|need| need.package == *service);
        let fresh: Vec<&str> = SERVICES.into_iter().filter(is_fresh).collect();
        self.quietly(&fresh, || {
            let install = ["DEBIAN_FRONTEND=noninteractive", "apt-get", "install"];
            run(self
                .command("env")
                .args(install)
                .args(["--yes", "--no-install-recommends"])
                .args(missing.iter().map(|need| need.package)))
        })
    }

    /// Keeps the packages of `fresh` from starting their services. The masks
    /// are for this boot alone, so that an interrupted installation leaves none
    /// behind. Without systemd, Debian starts nothing outside a runlevel.
    fn quietly(&self, fresh: &[&str], install: impl FnOnce() -> Outcome) -> Outcome {
        if fresh.is_empty() || !Path::new("/run/systemd/system").exists() {
            return install();
        }
        let systemctl = |args: &[&str]| run(self.command("systemctl").args(args).args(fresh));
        systemctl(&["mask", "--runtime"])?;
        let installed = install();
        systemctl(&["unmask", "--runtime"])?;
        installed?;
        systemctl(&["disable"])
    }
}
