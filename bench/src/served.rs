//! A program of ours that serves on a port.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use testkit::Process;

/// What can fail here: an error is a sentence for the report.
pub type Outcome<T = ()> = Result<T, String>;

/// The error in its own words.
///
/// # Errors
/// The same.
pub fn said<T, E: ToString>(result: Result<T, E>) -> Outcome<T> {
    result.map_err(|error| error.to_string())
}

/// A running program. It ends with this value.
#[derive(Debug)]
pub struct Served {
    process: Process,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
}

impl Served {
    /// Starts a program that says on which port it listens.
    ///
    /// # Errors
    /// When it does not start, or does not say so in ten seconds.
    pub fn run(command: &mut Command) -> Outcome<Served> {
        command.stdout(Stdio::piped());
        let mut process = said(Process::spawn("the application", command, None))?;
        let port = port(&mut process)?;
        Ok(Served { process, port })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Kills it (SIGKILL).
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

/// A program that is built together with this one.
///
/// # Errors
/// When it is not there.
pub fn sibling(name: &str) -> Outcome<PathBuf> {
    let own = std::env::current_exe().map_err(|error| format!("where am I? {error}"))?;
    let program = own.with_file_name(name);
    match program.is_file() {
        true => Ok(program),
        false => Err(format!(
            "{} is not built: run `cargo xtask bench`",
            program.display()
        )),
    }
}

fn port(process: &mut Process) -> Outcome<u16> {
    let stdout = process.stdout().ok_or("the application has no output")?;
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut line = String::new();
        // An error means that it ended, which the other side sees.
        let _ = BufReader::new(stdout).read_line(&mut line);
        let _ = send.send(line);
    });
    let line = receive.recv_timeout(Duration::from_secs(10));
    let line = line.unwrap_or_default();
    (line.trim().rsplit(':').next())
        .and_then(|port| port.parse().ok())
        .ok_or_else(|| "the application did not say where it listens".to_owned())
}
