//! Runs the tool.

use std::io::Write;
use std::process::{Command, Stdio};

/// What the tool did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn command() -> Command {
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
        "VARY",
        "GROUP_SECRET",
    ] {
        command.env_remove(format!("DJANGINXED_{name}"));
    }
    command
}

pub(crate) fn run<const N: usize>(args: [&str; N]) -> Done {
    finish(command().args(args), "")
}

pub(crate) fn finish(command: &mut Command, input: &str) -> Done {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end before it has read all.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Done {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
