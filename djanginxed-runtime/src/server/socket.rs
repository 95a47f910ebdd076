//! The path of a unix socket, as nginx's file carries it and the system takes it.

use std::io;
use std::path::{Path, PathBuf};

/// What an address of a unix socket begins with.
pub(crate) const SCHEME: &str = "unix:";

/// The longest path of a socket's address in Linux, without its final zero byte.
const LONGEST: usize = 107;

/// Refuses what nginx would not take unquoted, what is no path of a socket, and
/// what would be another file for nginx than for the application.
pub(crate) fn check(path: &str) -> Result<(), &'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"./_-@+~".contains(&byte);
    if path.is_empty() {
        Err("it has no path; write it as in \"unix:/run/memcached/memcached.sock\"")
    } else if !path.starts_with('/') {
        Err(
            "its path is relative, and nginx has another folder than the application; begin it \
             with \"/\"",
        )
    } else if !path.bytes().all(plain) {
        Err(
            "its path has a character other than A-Z a-z 0-9 . / _ - @ + ~, which nginx's file \
             may not carry unquoted",
        )
    } else if path.ends_with('/') {
        Err("its path is a folder's; name the socket in it")
    } else if path.split('/').any(|part| part == "..") {
        Err("its path has \"..\", which symbolic links may lead elsewhere; write where it leads")
    } else if path.len() > LONGEST {
        Err("its path is longer than 107 bytes, which is all that a socket's address holds")
    } else if cfg!(not(unix)) {
        Err("this system has no unix sockets; use TCP")
    } else {
        Ok(())
    }
}

/// One form for the ways to write the same path: doubled slashes and `.`.
pub(super) fn identity(path: &str) -> String {
    let path: PathBuf = Path::new(path).components().collect();
    path.to_string_lossy().into_owned()
}

/// What a failed connection to a socket means: the system says less of a socket
/// than of a port.
pub fn explain(error: io::Error) -> io::Error {
    let meaning = match error.kind() {
        io::ErrorKind::NotFound => {
            "there is no such socket: is Memcached running, and with this path behind -s?"
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied: this process's user may not write to the socket, or not enter \
             its folder; see Memcached's -a, and the group of both"
        }
        io::ErrorKind::ConnectionRefused => {
            "connection refused: nobody listens there any more; the file is left over"
        }
        // A full queue of connections: Linux does not wait for its end, as with TCP.
        io::ErrorKind::WouldBlock => return io::ErrorKind::TimedOut.into(),
        _ => return error,
    };
    io::Error::new(error.kind(), meaning)
}
