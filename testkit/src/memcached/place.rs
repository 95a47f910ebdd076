//! Where a memcached listens.

use std::fmt;
use std::fs::Permissions;
use std::net::Ipv4Addr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::error::Error;
use crate::user::unprivileged;

/// Whose rights it has where root starts it.
pub(super) const ACCOUNTS: &[&str] = &["memcache", "memcached", "nobody"];

#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Of 127.0.0.1.
    Port(u16),
    Socket(Socket),
}

impl Place {
    /// What is to be deleted with it.
    pub(super) fn folder(&self) -> Option<&Path> {
        match self {
            Place::Port(_) => None,
            Place::Socket(socket) => Some(socket.folder.path()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Port(port) => write!(f, "{}:{port}", Ipv4Addr::LOCALHOST),
            Place::Socket(socket) => write!(f, "unix:{}", socket.path().display()),
        }
    }
}

/// A socket in a folder of its own, which goes with the last of these.
#[derive(Clone, Debug)]
pub(super) struct Socket {
    folder: Arc<TempDir>,
}

impl Socket {
    pub(super) fn make() -> Result<Socket, Error> {
        let failed = "cannot make a folder for memcached's socket";
        let folder = tempfile::Builder::new()
            .prefix("memcached-")
            // nginx's worker runs as another user where root starts it.
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .map_err(Error::io(failed))?;
        // memcached makes its socket after it has given up root's rights.
        if let Some(account) = unprivileged(ACCOUNTS) {
            chown(folder.path(), Some(account.user_id), None).map_err(Error::io(failed))?;
        }
        Ok(Socket {
            folder: Arc::new(folder),
        })
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("memcached.sock")
    }
}
