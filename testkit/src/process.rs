//! A child process that never outlives us.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;
use std::{env, io};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::error::Error;
use crate::wait::within;

/// Reads until we are gone, then ends the process group `$1` and clears the
/// folder `$2`. `Drop` is not enough: a killed test and a `static` have none.
const WATCH: &str =
    r#"read -r _; kill -s KILL -- "-$1" 2>/dev/null; [ -z "$2" ] || rm -rf -- "$2""#;

/// A started program, in a process group of its own, so that Ctrl-C in the
/// terminal reaches only us and everything ends in the right order. Dropped, it
/// is killed with all it started; it is killed too when our process ends.
#[derive(Debug)]
pub struct Process {
    child: Child,
    watchdog: Child,
}

impl Process {
    /// Starts `command`; `program` is its name in errors, and `folder` is
    /// deleted if our process ends without dropping this value.
    ///
    /// # Errors
    /// When the program is missing or the system refuses to start it.
    pub fn spawn(
        program: &'static str,
        command: &mut Command,
        folder: Option<&Path>,
    ) -> Result<Process, Error> {
        let mut child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| not_started(program, error))?;
        match watch(child.id(), folder) {
            Ok(watchdog) => Ok(Process { child, watchdog }),
            Err(error) => {
                // Without a watchdog the child could outlive us; it is seconds old.
                let _ = child.kill();
                let _ = child.wait();
                Err(Error::io("cannot start sh")(error))
            }
        }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the process says, if `command` piped it; once.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// How the process ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks the process to end (SIGTERM) and waits; after 5 seconds it is killed.
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
        self.signal(Signal::CONT);
        if !within(Duration::from_secs(5), || self.ended().is_some()) {
            self.kill();
        }
    }

    /// Kills the process and all it started (SIGKILL), and waits.
    pub fn kill(&mut self) {
        if self.ended().is_none()
            && let Some(group) = self.pid()
        {
            // An error means that it has ended meanwhile.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }

    pub(crate) fn signal(&mut self, signal: Signal) {
        if self.ended().is_none()
            && let Some(pid) = self.pid()
        {
            // An error means that it has ended meanwhile.
            let _ = kill_process(pid, signal);
        }
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()).ok()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The watchdog first: it knows the child by its id alone, and an id is
        // free for others once we have waited for its process.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        self.kill();
    }
}

fn watch(group: u32, folder: Option<&Path>) -> io::Result<Child> {
    Command::new("sh")
        .args(["-c", WATCH, "testkit-watchdog", &group.to_string()])
        .arg(folder.unwrap_or(Path::new("")))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

fn not_started(program: &'static str, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::MissingProgram(program),
        _ => Error::io(format!("cannot start {program}"))(error),
    }
}

/// Whether `program` is installed.
#[must_use]
pub fn is_installed(program: &'static str) -> bool {
    find(program).is_ok()
}

/// Where `program` is; Debian keeps servers in folders that only root's `PATH` has.
pub(crate) fn find(program: &'static str) -> Result<PathBuf, Error> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .ok_or(Error::MissingProgram(program))
}
