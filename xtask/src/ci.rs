//! `cargo xtask ci`: what is checked besides the tests.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::api::api;
use crate::msrv::msrv;
use crate::run::{Outcome, cargo, root, run};

/// Its own place: nothing of it is left in the user's `~/.cargo/bin`.
const TOOLS: &str = "target/tools";

/// What `cargo package` unpacks and compiles.
const ARCHIVES: &str = "target/archives";

pub(crate) fn ci() -> Outcome {
    run(&mut cargo(["fmt", "--all", "--check"]))?;
    // The tests' features, so that one set is compiled for all.
    let clippy = ["clippy", "--workspace", "--all-targets", "--all-features"];
    run(cargo(clippy).args(["--", "-D", "warnings"]))?;
    // What a user compiles who asks for no feature.
    run(cargo(["clippy", "--package", "djanginxed"]).args(["--", "-D", "warnings"]))?;
    let doc = ["doc", "--workspace", "--all-features", "--no-deps"];
    run(cargo(doc).env("RUSTDOCFLAGS", "-D warnings"))?;
    // Advisories change from day to day and need the network: not a check of a commit.
    run(cargo_deny()?.args(["check", "licenses", "bans", "sources"]))?;
    msrv()?;
    api(false)?;
    package()
}

/// cargo-deny, compiled here where the machine has none.
fn cargo_deny() -> Outcome<Command> {
    let known = cargo(["deny", "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    if known {
        return Ok(cargo(["deny"]));
    }
    let tool: PathBuf = root().join(TOOLS).join("bin/cargo-deny");
    if !tool.is_file() {
        println!(
            "cargo-deny is not installed: compiling it into {TOOLS}, which takes some minutes."
        );
        // It runs for a second; optimising it would take longer than that saves.
        let install = ["install", "cargo-deny", "--locked", "--debug"];
        run(cargo(install).args(["--root", TOOLS]))?;
    }
    let mut command = Command::new(tool);
    command.current_dir(root());
    Ok(command)
}

/// Makes the archives that would be published, and compiles each from what is in it:
/// a file that is left out is missed by no other build.
///
/// Each time in a new folder. To cargo, an archive of one version is the same for ever: where the
/// folder was used before, it compiles the sources and the libraries that it unpacked and made then.
fn package() -> Outcome {
    let folders = root().join(ARCHIVES);
    remove(&folders)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let folder = folders.join(now.unwrap_or_default().as_nanos().to_string());
    let package = ["package", "--workspace", "--allow-dirty", "--target-dir"];
    let unpublished = [
        "bench",
        "concurrency",
        "conformance",
        "testkit",
        "visitors",
        "xtask",
    ]
    .map(|name| ["--exclude", name]);
    run(cargo(package).arg(folder).args(unpublished.as_flattened()))?;
    remove(&folders)
}

fn remove(folder: &Path) -> Outcome {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(format!("{} cannot be removed: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}
