//! What it takes to compile.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::contest::{Contender, Measure, Outcome, compete, said};
use crate::stage::root;
use crate::table::{Column, Sample, Shown, Table, column};

const DJANGINXED: &str = "actix-web and djanginxed";
const MEMCACHE: &str = "actix-web and memcache";

const COLUMNS: [Column; 3] = [
    column("seconds", "clean release build", Shown::Seconds),
    column("seconds", "of the reference's", Shown::Ratio),
    column("crates", "crates", Shown::Count),
];

const ACTIX: &str =
    r#"actix-web = { version = "4.18", default-features = false, features = ["macros"] }"#;
const CLIENT: &str =
    r#"memcache = { version = "0.21", default-features = false, features = ["tokio"] }"#;

pub(crate) fn measure() -> Outcome<Vec<Table>> {
    let ours = format!("djanginxed = {{ path = {:?} }}", root());
    let folder = said(tempfile::tempdir())?;
    let contender = |(name, dependency): (&'static str, &str)| {
        let folder = folder.path().join(name);
        Contender::new(name, move || {
            said(write(&folder, dependency))?;
            Ok(Box::new(move |_| build(&folder)) as Measure)
        })
    };
    Ok(vec![Table {
        id: "build",
        title: "What it takes to compile",
        about: "An empty program with every dependency, compiled from nothing (cargo build --release); they are \
                downloaded before."
            .to_owned(),
        reference: Some(MEMCACHE),
        columns: COLUMNS.to_vec(),
        rows: compete([(MEMCACHE, CLIENT), (DJANGINXED, &ours)].map(contender).into(), 1),
    }])
}

fn write(folder: &Path, dependency: &str) -> std::io::Result<()> {
    let manifest = format!(
        "[package]\nname = \"example\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\n{ACTIX}\n{dependency}\n\n[workspace]\n"
    );
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("src/main.rs"), "fn main() {}\n")?;
    // The versions that everything else here was measured with.
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(())
}

fn build(folder: &Path) -> Outcome<Sample> {
    cargo(folder, &["fetch"])?;
    let began = Instant::now();
    let said = cargo(folder, &["build", "--release"])?;
    let seconds = began.elapsed().as_secs_f64();
    let crates = said.matches("Compiling ").count() as f64;
    Ok([("seconds", seconds), ("crates", crates)].into())
}

/// What cargo says; from nothing, since each folder is new.
fn cargo(folder: &Path, arguments: &[&str]) -> Outcome<String> {
    let output = Command::new("cargo")
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.success() {
        true => Ok(said),
        false => Err(format!("cargo {} failed: {said}", arguments.join(" "))),
    }
}
