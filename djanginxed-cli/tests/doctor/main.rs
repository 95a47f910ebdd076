//! `check` on sites that are broken in one way each, and on sites that are not.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod app;
mod broken;
mod fields;
mod good;
mod stand;
mod told;
mod unprobed;

use std::process::Command;
use std::sync::Mutex;

use stand::{Setup, Stand};

/// What `check --json` says: its exit code, cause, and whether it is one.
struct Said {
    code: i32,
    cause: Option<String>,
    causes: usize,
    change: String,
    text: String,
}

fn check(words: &[String]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_djanginxed"));
    for name in [
        "SERVERS",
        "KEY_PREFIX",
        "LAYOUT",
        "GZIP",
        "ENABLED",
        "BYPASS_COOKIES",
        "BYPASS_HEADERS",
        "HOSTS",
        "HIT_FEED",
        "PARTS",
        "VARY",
        "GROUP_SECRET",
    ] {
        command.env_remove(format!("DJANGINXED_{name}"));
    }
    let output = command.args(words).arg("--json").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let report: serde_json::Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{errors}"));
    let facts = report["facts"].as_array().unwrap();
    let bad: Vec<_> = facts.iter().filter(|fact| fact["holds"] == false).collect();
    Said {
        code: output.status.code().unwrap_or(-1),
        cause: report["cause"].as_str().map(str::to_owned),
        causes: bad.len(),
        change: bad
            .iter()
            .map(|fact| fact["change"].as_str().unwrap_or(""))
            .collect(),
        text: format!("{text}{errors}"),
    }
}

/// Why the set-up is not diagnosed as it should be.
fn problem(setup: &Setup) -> Option<String> {
    let stand = Stand::start(setup);
    let words = stand.command(setup);
    let said = check(&words);
    let causes = usize::from(setup.cause.is_some());
    let right = said.cause.as_deref() == setup.cause
        && said.causes == causes
        && said.code == i32::try_from(causes).unwrap()
        && (causes == 0 || said.change.len() > 20)
        && !wants_what_is_given(setup, &said.text);
    let wanted = setup.cause.unwrap_or("nothing");
    let told = said.cause.as_deref().unwrap_or("nothing");
    (!right).then(|| {
        format!(
            "{}: {told} instead of {wanted}, exit code {}\n{}\n{}",
            setup.name,
            said.code,
            words.join(" "),
            said.text
        )
    })
}

/// Whether something in the report tells to give an option that was given.
fn wants_what_is_given(setup: &Setup, text: &str) -> bool {
    // Once a process is more than once.
    let text = text.replace("give --app for each", "");
    let given = [
        ("--servers", setup.tells_servers),
        ("--app", setup.tells_app),
        ("--conf", setup.tells_conf),
    ];
    let wants = |option| text.contains(&format!("ive {option}"));
    given
        .iter()
        .any(|(option, is_given)| *is_given && wants(option))
}

/// Runs all of `setups`, some at a time; those alone whose names hold what the
/// environment variable SETUP says.
fn problems(setups: &[Setup]) -> Vec<String> {
    let filter = std::env::var("SETUP").unwrap_or_default();
    let waiting: Mutex<Vec<&Setup>> = Mutex::new(
        setups
            .iter()
            .filter(|setup| setup.name.contains(&filter))
            .collect(),
    );
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(setup) = waiting.lock().unwrap().pop() else {
                        return;
                    };
                    let result = std::panic::catch_unwind(|| problem(setup));
                    let failed = Some(format!("{}: it could not be set up", setup.name));
                    found.lock().unwrap().extend(result.unwrap_or(failed));
                }
            });
        }
    });
    found.into_inner().unwrap()
}

#[track_caller]
fn all_are_right(setups: &[Setup], least: usize) {
    let mut names: Vec<_> = setups.iter().map(|setup| setup.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), setups.len(), "a name is there twice");
    assert!(setups.len() >= least, "{} set-ups", setups.len());
    let found = problems(setups);
    let count = found.len();
    assert!(
        count == 0,
        "{count} of {}:\n\n{}",
        setups.len(),
        found.join("\n")
    );
}

#[test]
fn each_broken_site_has_the_one_cause_that_is_named() {
    all_are_right(&broken::setups(), 70);
}

#[test]
fn sites_that_work_pass() {
    all_are_right(&good::setups(), 15);
}
