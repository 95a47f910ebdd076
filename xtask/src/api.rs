//! `cargo xtask api`: the public API, beside the files that say what it is.
//!
//! A change of it so shows in a commit, and not first to a user. rustdoc's JSON is not
//! stable yet, so the compiler is told to behave as a nightly one, in a target folder of
//! its own: other builds do not see that.

use std::fs;
use std::path::{Path, PathBuf};

use public_api::Builder;

use crate::run::{Outcome, cargo, root, run};

/// Each has a file of its name in `api`. What users name stands in the first, and is
/// for the most part the second's.
const CRATES: [&str; 2] = ["djanginxed", "djanginxed-runtime"];

/// Compares; writes instead where `bless` says so.
pub(crate) fn api(bless: bool) -> Outcome {
    let found: Vec<_> = CRATES.iter().map(|name| listed(name)).collect();
    let mut changed = Vec::new();
    for (name, listed) in CRATES.iter().zip(found) {
        let file = root().join("api").join(format!("{name}.txt"));
        let listed = listed?;
        if bless {
            fs::write(&file, listed)
                .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        } else if let Some(difference) = difference(&file, &listed) {
            changed.push(format!("{}:\n{difference}", file.display()));
        }
    }
    match changed.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "the public API has changed; if it is meant to, run `cargo xtask api --bless`\n{}",
            changed.join("\n")
        )),
    }
}

/// The API of a crate, an item a line.
fn listed(name: &str) -> Outcome<String> {
    let folder = root().join("target/api");
    let rustdoc = ["rustdoc", "--lib", "--all-features", "--package", name];
    let json = [
        "--",
        "-Z",
        "unstable-options",
        "--output-format",
        "json",
        "--cap-lints",
        "allow",
    ];
    run(cargo(rustdoc)
        .args(json)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", &folder))?;
    let file = folder
        .join("doc")
        .join(format!("{}.json", name.replace('-', "_")));
    read(&file)
}

fn read(file: &PathBuf) -> Outcome<String> {
    let api = Builder::from_rustdoc_json(file)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .map_err(|error| {
            format!(
                "{}: {error}\nWith another version of Rust, rustdoc's JSON may be another one: \
                 take the version of public-api in xtask/Cargo.toml that reads it",
                file.display()
            )
        })?;
    Ok(format!("{api}"))
}

/// The lines that are in one of them alone; none where they are the same.
fn difference(file: &Path, listed: &str) -> Option<String> {
    let known = fs::read_to_string(file).unwrap_or_default();
    let missing = |from: &str, of: &str, mark: char| -> Vec<String> {
        let others: Vec<&str> = of.lines().collect();
        let lines = from.lines().filter(|line| !others.contains(line));
        lines.map(|line| format!("{mark} {line}")).collect()
    };
    let mut lines = missing(&known, listed, '-');
    lines.extend(missing(listed, &known, '+'));
    (known != listed).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_and_what_is_gone_is_told() {
        let file = std::env::temp_dir().join(format!("djanginxed-api-{}", std::process::id()));
        fs::write(&file, "pub fn a()\npub fn b()\n").unwrap_or_default();
        assert_eq!(difference(&file, "pub fn a()\npub fn b()\n"), None);
        let told = difference(&file, "pub fn b()\npub fn c()\n");
        assert_eq!(told.as_deref(), Some("- pub fn a()\n+ pub fn c()"));
        fs::remove_file(&file).unwrap_or_default();
        assert!(difference(&file, "pub fn a()\n").is_some());
    }
}
