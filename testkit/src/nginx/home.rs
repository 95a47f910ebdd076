//! The folder that an nginx runs in.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::conf::{ACCOUNTS, Installed, whole};
use super::{NginxBuilder, PROGRAM};
use crate::error::Error;
use crate::process::{Process, find};
use crate::user::unprivileged;
use crate::wait::{PATIENCE, within};

/// A folder whose files get the group of nginx's workers, in which files may be
/// made by us.
///
/// # Errors
/// When the system refuses.
pub fn folder_shared_with_nginx() -> Result<TempDir, Error> {
    let failed = "cannot make a folder to share with nginx";
    let folder = tempfile::Builder::new()
        .prefix("shared-")
        .tempdir()
        .map_err(Error::io(failed))?;
    if let Some(account) = unprivileged(ACCOUNTS) {
        chown(folder.path(), None, Some(account.group_id)).map_err(Error::io(failed))?;
    }
    // The set-group-ID bit hands the group on.
    fs::set_permissions(folder.path(), Permissions::from_mode(0o2750))
        .map_err(Error::io(failed))?;
    Ok(folder)
}

/// nginx's folder, and what its configuration is made of.
#[derive(Debug)]
pub(super) struct Home {
    program: PathBuf,
    folder: TempDir,
    load: String,
    settings: NginxBuilder,
}

impl Home {
    pub(super) fn make(settings: NginxBuilder) -> Result<Home, Error> {
        let program = find(PROGRAM)?;
        let load = Installed::ask(&program)?.load(&settings.modules)?;
        let folder = tempfile::Builder::new()
            .prefix("nginx-")
            // nginx's worker runs as another user where root starts it.
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .map_err(Error::io("cannot make a temporary folder"))?;
        let home = Home {
            program,
            folder,
            load,
            settings,
        };
        fs::create_dir(home.path("temp")).map_err(Error::io("cannot make nginx's folder"))?;
        for (name, contents) in &home.settings.files {
            home.write(name, contents)?;
        }
        Ok(home)
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn workers(&self) -> usize {
        usize::try_from(self.settings.workers).unwrap_or(usize::MAX)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, contents: &str) -> Result<(), Error> {
        fs::write(self.path(name), contents).map_err(Error::io(format!("cannot write {name}")))
    }

    pub(super) fn write_conf(&self, http: &str) -> Result<(), Error> {
        let NginxBuilder { workers, main, .. } = &self.settings;
        self.write("nginx.conf", &whole(&self.load, *workers, main, http))
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read(self.path(name))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("-p")
            .arg(self.folder.path())
            .args(["-c", "nginx.conf"])
            // Else nginx complains of its compiled-in log before it reads the file.
            .arg("-e")
            .arg(self.path("error.log"));
        command
    }

    pub(super) fn test(&self) -> Result<(), String> {
        let output = self.command().arg("-t").output();
        match output {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(format!("cannot run nginx -t: {error}")),
        }
    }

    pub(super) fn launch(&self) -> Result<Process, Error> {
        let log = File::create(self.path("stderr.log"))
            .map_err(Error::io("cannot write nginx's stderr.log"))?;
        let mut command = self.command();
        command.stdout(Stdio::null()).stderr(log);
        let mut process = Process::spawn(PROGRAM, &mut command, Some(self.folder.path()))?;
        // nginx writes its pid file after it has bound its sockets.
        let pid = format!("{}\n", process.id());
        let mut listens = false;
        within(PATIENCE, || {
            listens = self.read("nginx.pid") == pid;
            listens || process.ended().is_some()
        });
        if listens {
            Ok(process)
        } else {
            Err(Error::failed(PROGRAM, self.read("stderr.log")))
        }
    }
}
