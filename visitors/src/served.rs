//! A program of ours that serves on a port.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::{Process, get};

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
    /// When it does not start, or does not say so in a minute.
    pub fn run(command: &mut Command) -> Result<Served> {
        command.stdout(Stdio::piped());
        let mut process = Process::spawn("the application", command, None)?;
        let port = port(&mut process)?;
        Ok(Served { process, port })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// A number that it says at `target`.
    ///
    /// # Panics
    /// When it does not say.
    #[must_use]
    pub fn counted(&self, target: &str) -> u64 {
        let answer = get(self.port, target);
        let number = answer.text().parse();
        number.unwrap_or_else(|_| panic!("the application does not count: {answer:?}"))
    }

    /// Asks it to end (SIGTERM), and waits.
    pub fn stop(&mut self) {
        self.process.stop();
    }

    /// Kills it (SIGKILL).
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

fn port(process: &mut Process) -> Result<u16> {
    let stdout = process.stdout().context("the application has no output")?;
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut line = String::new();
        // An error means that it ended, which the other side sees.
        let _ = BufReader::new(stdout).read_line(&mut line);
        let _ = send.send(line);
    });
    let line = receive.recv_timeout(Duration::from_secs(60));
    let line = line.unwrap_or_default();
    (line.trim().rsplit(':').next())
        .and_then(|port| port.parse().ok())
        .context("the application did not say where it listens")
}
