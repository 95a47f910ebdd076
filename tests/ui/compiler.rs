//! Compiles each case of a folder as a program of its own, and reads the errors.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

/// An error, and the source text under its caret.
#[derive(Debug, PartialEq)]
pub(crate) struct Reported {
    pub(crate) place: String,
    pub(crate) message: String,
}

/// Each case's name, the errors that it announces, and those it got.
pub(crate) fn check(folder: &str) -> Vec<(String, Vec<Reported>, Vec<Reported>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cases = cases(&root.join(folder));
    let messages = compile(root, &cases);
    cases
        .iter()
        .map(|path| {
            let name = name(path);
            let errors = messages
                .iter()
                .filter(|message| message["target"]["name"] == name);
            let errors = errors.filter_map(reported).collect();
            (name, announced(path), errors)
        })
        .collect()
}

fn cases(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

fn name(case: &Path) -> String {
    case.file_stem().unwrap().to_string_lossy().into_owned()
}

/// The lines `//~ PLACE => MESSAGE`.
fn announced(case: &Path) -> Vec<Reported> {
    let source = fs::read_to_string(case).unwrap();
    let lines = source.lines().filter_map(|line| line.strip_prefix("//~ "));
    lines
        .map(|line| {
            let (place, message) = line.split_once(" => ").unwrap();
            Reported {
                place: place.into(),
                message: message.into(),
            }
        })
        .collect()
}

/// What cargo says about a package with a program for each case.
fn compile(root: &Path, cases: &[PathBuf]) -> Vec<Value> {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiler-errors");
    fs::create_dir_all(&package).unwrap();
    fs::write(package.join("Cargo.toml"), manifest(root, cases)).unwrap();
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "check",
            "--offline",
            "--keep-going",
            "--message-format=json",
        ])
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", package.join("target"))
        .output()
        .unwrap();
    let messages = String::from_utf8(output.stdout).unwrap();
    let messages: Vec<Value> = messages
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        !messages.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    messages
}

fn manifest(root: &Path, cases: &[PathBuf]) -> String {
    let mut manifest = format!(
        "[package]\nname = \"compiler-errors\"\nedition = \"2024\"\n[workspace]\n\
         [dependencies]\ndjanginxed = {{ path = {root:?} }}\n\
         actix-web = {{ version = \"4.18\", default-features = false, features = [\"macros\"] }}\n"
    );
    for case in cases {
        write!(
            manifest,
            "[[bin]]\nname = {:?}\npath = {case:?}\n",
            name(case)
        )
        .unwrap();
    }
    manifest
}

/// The error in a line of cargo's output, if it is one that has a place.
fn reported(line: &Value) -> Option<Reported> {
    let message = &line["message"];
    if message["level"] != "error" {
        return None;
    }
    let spans = message["spans"].as_array()?;
    let primary = spans.iter().find(|span| span["is_primary"] == true)?;
    let first = &primary["text"][0];
    let column = |key: &str| first[key].as_u64().unwrap() as usize - 1;
    let text = first["text"]
        .as_str()?
        .chars()
        .skip(column("highlight_start"));
    let place = text
        .take(column("highlight_end") - column("highlight_start"))
        .collect();
    Some(Reported {
        place,
        message: message["message"].as_str()?.into(),
    })
}
