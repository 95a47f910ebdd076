//! The socket that nginx sends to. One process of a machine has it.

#[cfg(not(unix))]
pub(super) use self::none::Post;
#[cfg(unix)]
pub(super) use self::unix::Post;

/// What comes of a datagram.
pub(super) enum Next {
    Go,
    /// To who sent it.
    Answer(String),
    End,
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
    use std::io;
    use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    use std::path::{Path, PathBuf};
    use std::time::{Duration, Instant};

    use super::Next;
    use crate::feed::LIVE;
    use crate::feed::line::LONGEST;
    use crate::observe;
    use crate::server::denied::denied_to_nginx;
    use crate::sync::{Mutex, lock};

    /// nginx's user has it by its group.
    const MODE: u32 = 0o660;

    /// The file whose lock says whose the socket is.
    const LOCK: &str = ".lock";

    /// How long it takes until an end, or the loss of the file, is noticed.
    const LOOK: Duration = Duration::from_millis(250);

    /// nginx writes an error line for each hit that it may not tell of: where the modes of
    /// files say so, it is to try for so long, in case that they do not say all, ...
    const TRY: Duration = Duration::from_secs(1);

    /// ... and then not for so long.
    const REST: Duration = Duration::from_secs(300);

    /// How often the modes are looked at where they are right, until nginx has told anything.
    const AGAIN: Duration = Duration::from_secs(10);

    /// The socket, while it is this process's. The lock says so, which the system
    /// gives back however the process ends.
    #[derive(Debug)]
    pub(in crate::feed) struct Post {
        socket: UnixDatagram,
        path: PathBuf,
        inode: u64,
        held: Mutex<Option<File>>,
    }

    impl Post {
        /// None: another process has it.
        pub(in crate::feed) fn open(path: &str) -> io::Result<Option<Post>> {
            let path = PathBuf::from(path);
            let lock = open_lock(&beside(&path, LOCK)).map_err(|error| of_folder(&path, error))?;
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            remove_stale(&path)?;
            let socket = UnixDatagram::bind(&path).map_err(|error| of_folder(&path, error))?;
            fs::set_permissions(&path, Permissions::from_mode(MODE))?;
            socket.set_read_timeout(Some(LOOK))?;
            let inode = fs::symlink_metadata(&path)?.ino();
            show_life(&path)?;
            Ok(Some(Post {
                socket,
                path,
                inode,
                held: Mutex::new(Some(lock)),
            }))
        }

        /// Hands on each datagram, and now and then none, until the end. An error:
        /// the socket is of no use any more.
        pub(in crate::feed) fn read(
            &self,
            mut take: impl FnMut(Option<&[u8]>) -> Next,
        ) -> io::Result<()> {
            let answers = UnixDatagram::unbound()?;
            // Who does not take an answer does not get it.
            answers.set_nonblocking(true)?;
            let mut buffer = [0; LONGEST + 1];
            let mut trying = Trying::begin();
            loop {
                let (next, from) = match self.socket.recv_from(&mut buffer) {
                    Ok((length, from)) => {
                        // Who asks has a name, for the answer.
                        trying.has_succeeded |= from.is_unnamed();
                        (take(Some(&buffer[..length])), Some(from))
                    }
                    Err(error) if is_pause(&error) => {
                        if !self.is_there() {
                            return Err(io::Error::other("somebody has removed the socket"));
                        }
                        self.look_after(&mut trying)?;
                        (take(None), None)
                    }
                    Err(error) => return Err(error),
                };
                match next {
                    Next::Go => {}
                    Next::Answer(answer) => send(&answers, &answer, from.as_ref()),
                    Next::End => return Ok(()),
                }
            }
        }

        /// Lets nginx try, or not, where it may not write to the socket.
        fn look_after(&self, trying: &mut Trying) -> io::Result<()> {
            let held = lock(&self.held);
            if trying.has_succeeded || held.is_none() || Instant::now() < trying.until {
                return Ok(());
            }
            if !trying.is_shown {
                (trying.is_shown, trying.until) = (true, Instant::now() + TRY);
                return show_life(&self.path);
            }
            let Some(why) = denied_to_nginx(&self.path, None) else {
                trying.until = Instant::now() + AGAIN;
                return Ok(());
            };
            if !trying.is_told {
                observe::feed_denied(&self.path, &why);
            }
            (trying.is_shown, trying.is_told) = (false, true);
            trying.until = Instant::now() + REST;
            // An error means that somebody has removed it already.
            let _ = fs::remove_file(beside(&self.path, LIVE));
            Ok(())
        }

        fn is_there(&self) -> bool {
            lock(&self.held).is_none()
                || fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode)
        }

        /// Gives the socket up, for the next process; once.
        pub(in crate::feed) fn close(&self) {
            if let Some(held) = lock(&self.held).take() {
                // An error means that somebody has removed them already.
                let _ = fs::remove_file(beside(&self.path, LIVE));
                if fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
                    let _ = fs::remove_file(&self.path);
                }
                drop(held);
            }
        }
    }

    /// Whether nginx may send, as far as it shows.
    struct Trying {
        has_succeeded: bool,
        /// Whether nginx sees that somebody reads.
        is_shown: bool,
        /// Nothing is looked at before.
        until: Instant,
        is_told: bool,
    }

    impl Trying {
        fn begin() -> Trying {
            Trying {
                has_succeeded: false,
                is_shown: true,
                until: Instant::now() + TRY,
                is_told: false,
            }
        }
    }

    fn send(answers: &UnixDatagram, answer: &str, to: Option<&SocketAddr>) {
        if let Some(to) = to {
            let _ = answers.send_to_addr(answer.as_bytes(), to);
        }
    }

    fn is_pause(error: &io::Error) -> bool {
        use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
        matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
    }

    fn beside(path: &Path, end: &str) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    }

    /// Another user's file can be locked as well as one's own.
    fn open_lock(path: &Path) -> io::Result<File> {
        let made = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        match made {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                File::open(path).map_err(|_| error)
            }
            made => made,
        }
    }

    /// Removes what a process that was killed has left behind.
    fn remove_stale(path: &Path) -> io::Result<()> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Ok(file) if file.file_type().is_socket() => {}
            Ok(_) => return Err(io::Error::other("there is a file that is no socket")),
            Err(error) => return Err(error),
        }
        match UnixDatagram::unbound()?.connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
            Err(error) => Err(error),
            Ok(()) => Err(io::Error::other("another program listens there")),
        }
    }

    /// What nginx looks at before it sends: a link that leads nowhere once this
    /// process has ended, however it ends. Else nginx would write an error line
    /// for each hit until the next process reads.
    fn show_life(path: &Path) -> io::Result<()> {
        let process = PathBuf::from(format!("/proc/{}", std::process::id()));
        let is_seen = is_seen_by_all(&process);
        let life = Some(process).filter(|_| is_seen);
        // nginx's -e knows files, folders and links; a socket is none of these.
        let life = life.unwrap_or_else(|| beside(path, LOCK));
        let new = beside(path, ".new");
        let _ = fs::remove_file(&new);
        symlink(life, &new)?;
        fs::rename(&new, beside(path, LIVE))
    }

    /// Whether nginx sees the process by this number: in a container it may not.
    fn is_seen_by_all(process: &Path) -> bool {
        /// Linux's first namespace has this number on every machine.
        const FIRST: &str = "pid:[4026531836]";
        fs::read_link(process.join("ns/pid")).is_ok_and(|space| space == Path::new(FIRST))
    }

    fn of_folder(path: &Path, error: io::Error) -> io::Error {
        let folder = path.parent().unwrap_or(path).display();
        let meaning = match error.kind() {
            io::ErrorKind::NotFound => format!(
                "there is no folder {folder}: make it, as with RuntimeDirectory= in the service's \
                 unit"
            ),
            io::ErrorKind::PermissionDenied => {
                format!("permission denied: this process's user may not make files in {folder}")
            }
            _ => return error,
        };
        io::Error::new(error.kind(), meaning)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn folder() -> (tempfile::TempDir, String) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("hits.sock").display().to_string();
            (folder, path)
        }

        #[test]
        fn one_has_the_socket_and_gives_it_up() {
            let (folder, path) = folder();
            let first = Post::open(&path).unwrap().unwrap();
            assert!(Post::open(&path).unwrap().is_none());
            assert!(fs::exists(format!("{path}{LIVE}")).unwrap());
            first.close();
            let left: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
            assert_eq!(left.len(), 1, "the lock alone: {left:?}");
            assert!(Post::open(&path).unwrap().is_some());
        }

        #[test]
        fn what_a_killed_process_left_is_taken_over() {
            let (_folder, path) = folder();
            let first = Post::open(&path).unwrap().unwrap();
            // As the system does it: the socket is closed and the lock is free.
            drop(first);
            assert!(fs::exists(&path).unwrap());
            assert!(Post::open(&path).unwrap().is_some());
        }

        #[test]
        fn what_is_somebody_elses_is_left_alone() {
            let (_folder, path) = folder();
            let other = UnixDatagram::bind(&path).unwrap();
            let said = Post::open(&path).unwrap_err().to_string();
            assert!(said.contains("another program"), "{said}");
            drop(other);
            fs::remove_file(&path).unwrap();
            fs::write(&path, "precious").unwrap();
            assert!(Post::open(&path).is_err());
            assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        }

        #[test]
        fn a_missing_folder_is_named() {
            let (folder, _) = folder();
            let path = folder.path().join("none/hits.sock").display().to_string();
            let said = Post::open(&path).unwrap_err().to_string();
            assert!(said.contains("/none: make it"), "{said}");
        }
    }
}

#[cfg(not(unix))]
mod none {
    use std::io;

    use super::Next;

    /// Settings refuse a feed here.
    #[derive(Debug)]
    pub(in crate::feed) enum Post {}

    impl Post {
        pub(in crate::feed) fn open(_: &str) -> io::Result<Option<Post>> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(in crate::feed) fn read(&self, _: impl FnMut(Option<&[u8]>) -> Next) -> io::Result<()> {
            match *self {}
        }

        pub(in crate::feed) fn close(&self) {
            match *self {}
        }
    }
}
