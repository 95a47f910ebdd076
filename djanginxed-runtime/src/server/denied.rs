//! Whether nginx may write to a unix socket of this machine.

use std::path::Path;

/// Why none of the workers of the nginx that listens on `port` may write to the socket, as
/// the modes of files say; none where one may, or where nothing can be known. Where no port
/// is given, or nobody says whose it is, of all of nginx's workers on this machine.
#[cfg(target_os = "linux")]
#[must_use]
pub fn denied_to_nginx(path: &Path, port: Option<u16>) -> Option<String> {
    let workers = linux::workers(port);
    let mut denied = workers.iter().map(|worker| linux::obstacle(path, worker));
    let first = denied.next()??;
    denied.all(|obstacle| obstacle.is_some()).then_some(first)
}

/// Nothing is known here.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn denied_to_nginx(_: &Path, _: Option<u16>) -> Option<String> {
    None
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, Metadata};
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};

    /// Whose rights a process has.
    #[derive(Debug)]
    pub(super) struct Worker {
        user: u32,
        groups: Vec<u32>,
    }

    pub(super) fn workers(port: Option<u16>) -> Vec<Worker> {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let is_worker = |folder: &Path| {
            let command = fs::read(folder.join("cmdline")).unwrap_or_default();
            command.starts_with(b"nginx: worker process")
        };
        let all: Vec<PathBuf> = processes
            .map(|process| process.path())
            .filter(|folder| is_worker(folder))
            .collect();
        // There may be several nginxes on a machine.
        let sockets = port.map(listening).unwrap_or_default();
        let listens = |folder: &&PathBuf| has_one_of(folder, &sockets);
        let these: Vec<&PathBuf> = all.iter().filter(listens).collect();
        let these = if these.is_empty() {
            all.iter().collect()
        } else {
            these
        };
        these
            .into_iter()
            .filter_map(|folder| Worker::read(&fs::read_to_string(folder.join("status")).ok()?))
            .collect()
    }

    /// The sockets of this machine that listen on `port`, as `/proc/PID/fd` names them.
    fn listening(port: u16) -> Vec<PathBuf> {
        const LISTENS: &str = "0A";
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
        let tables: String = tables.into_iter().flatten().collect();
        let socket = |line: &str| {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let (_, found) = words.get(1)?.rsplit_once(':')?;
            let is_it = u16::from_str_radix(found, 16) == Ok(port) && words.get(3)? == &LISTENS;
            is_it.then(|| PathBuf::from(format!("socket:[{}]", words.get(9).unwrap_or(&""))))
        };
        tables.lines().filter_map(socket).collect()
    }

    /// Whether the process has one of these sockets; others than its user and root are
    /// not told.
    fn has_one_of(process: &Path, sockets: &[PathBuf]) -> bool {
        let files = fs::read_dir(process.join("fd")).into_iter().flatten();
        let mut targets = files.flatten().flat_map(|file| fs::read_link(file.path()));
        targets.any(|target| sockets.contains(&target))
    }

    impl Worker {
        /// Of `/proc/PID/status`: the second number is the effective one.
        pub(super) fn read(status: &str) -> Option<Worker> {
            let numbers = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name))?;
                let words = line.split_ascii_whitespace();
                words
                    .map(|word| word.parse().ok())
                    .collect::<Option<Vec<u32>>>()
            };
            let mut groups = numbers("Groups:")?;
            groups.push(*numbers("Gid:")?.get(1)?);
            Some(Worker {
                user: *numbers("Uid:")?.get(1)?,
                groups,
            })
        }

        /// Whether one of the three bits of `right` is this process's.
        fn may(&self, file: &Metadata, right: u32) -> bool {
            let shift = if self.user == 0 {
                return true;
            } else if file.uid() == self.user {
                6
            } else if self.groups.contains(&file.gid()) {
                3
            } else {
                0
            };
            file.mode() >> shift & right == right
        }
    }

    /// What keeps `worker` from the socket.
    pub(super) fn obstacle(path: &Path, worker: &Worker) -> Option<String> {
        const WRITE: u32 = 2;
        const ENTER: u32 = 1;
        let user = worker.user;
        let folders: Vec<_> = path.ancestors().skip(1).collect();
        for folder in folders.into_iter().rev() {
            let facts = fs::metadata(folder).ok()?;
            if !worker.may(&facts, ENTER) {
                let (folder, about) = (folder.display(), about(&facts));
                return Some(format!(
                    "nginx's worker (user {user}) may not enter {folder} ({about})"
                ));
            }
        }
        let facts = fs::metadata(path).ok()?;
        if worker.may(&facts, WRITE) {
            return None;
        }
        let (path, about) = (path.display(), about(&facts));
        Some(format!(
            "nginx's worker (user {user}) may not write to {path} ({about})"
        ))
    }

    fn about(file: &Metadata) -> String {
        let mode = file.mode() & 0o7777;
        format!("mode {mode:o}, user {}, group {}", file.uid(), file.gid())
    }

    #[cfg(test)]
    mod tests {
        use std::fs::{File, Permissions, set_permissions};
        use std::os::unix::fs::PermissionsExt;

        use super::*;

        fn worker(user: u32, groups: &[u32]) -> Worker {
            Worker {
                user,
                groups: groups.to_vec(),
            }
        }

        #[test]
        fn a_process_is_its_effective_user_and_all_its_groups() {
            let status = "Name:\tnginx\nUid:\t0\t33\t33\t33\nGid:\t0\t34\t34\t34\nGroups:\t7 8 \n";
            let read = Worker::read(status).unwrap();
            assert_eq!((read.user, read.groups.as_slice()), (33, &[7, 8, 34][..]));
            assert!(Worker::read("Uid:\tx\n").is_none());
        }

        #[test]
        fn who_listens_on_a_port_is_known() {
            let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            let us = Path::new("/proc/self");
            assert!(has_one_of(us, &listening(port)));
            drop(listener);
            assert!(!has_one_of(us, &listening(port)));
        }

        #[test]
        fn user_group_and_others_have_their_own_bits() {
            let folder = tempfile::tempdir().unwrap();
            set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
            let path = folder.path().join("socket");
            let facts = File::create(&path).unwrap().metadata().unwrap();
            let (user, group) = (facts.uid(), facts.gid());
            let denied = |mode, user, groups: &[u32]| {
                set_permissions(&path, Permissions::from_mode(mode)).unwrap();
                obstacle(&path, &worker(user, groups))
            };
            assert_eq!(denied(0o660, user + 1, &[group]), None);
            assert_eq!(denied(0o606, user + 1, &[group + 1]), None);
            assert_eq!(denied(0o000, 0, &[]), None);
            let said = denied(0o606, user + 1, &[group]).unwrap();
            assert!(
                said.contains("may not write") && said.contains("mode 606"),
                "{said}"
            );
            assert!(denied(0o660, user + 1, &[group + 1]).is_some());
            set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
            let said = denied(0o666, user + 1, &[group + 1]).unwrap();
            assert!(said.contains("may not enter"), "{said}");
        }
    }
}
