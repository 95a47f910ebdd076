//! What was generated, tried with the nginx that is here.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use djanginxed::nginx::Files;

/// Where nginx is on most systems, besides `PATH`.
const FOLDERS: &[&str] = &[
    "/usr/sbin",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
    "/usr/local/openresty/nginx/sbin",
];

/// What `nginx -t` says against the whole file; none where it takes it, or where
/// there is no nginx, or not its module, to ask.
pub(super) fn refusal(files: &Files) -> Option<String> {
    let nginx = nginx()?;
    let folder = Folder::make()?;
    std::fs::write(folder.0.join("nginx.conf"), files.full()).ok()?;
    if let Some(script) = files.script() {
        std::fs::write(folder.0.join(super::SCRIPT_FILE), script).ok()?;
    }
    let output = Command::new(nginx)
        .args(["-t", "-q", "-c", "nginx.conf", "-p"])
        .arg(&folder.0)
        .arg("-e")
        .arg(folder.0.join("error.log"))
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let problems: Vec<_> = said
        .lines()
        .filter_map(|line| line.split_once("[emerg] "))
        .map(|(_, problem)| problem.trim())
        .filter(|problem| !of_this_machine(problem))
        .collect();
    (!output.status.success() && !problems.is_empty()).then(|| problems.join("; "))
}

/// What this machine lacks, and the one where the file will be may have: modules,
/// names, certificates, the right to open a port.
fn of_this_machine(problem: &str) -> bool {
    let signs = [
        "dlopen",
        "unknown directive \"set_md5\"",
        "unknown directive \"js_",
        "is not binary compatible",
        "host not found",
        "cannot load certificate",
        "BIO_new_file",
        "bind() to",
        "socket() ",
        "\"-e\"",
        "invalid option",
        "no such file",
        "No such file",
        "ermission denied",
    ];
    signs.iter().any(|sign| problem.contains(sign))
}

fn nginx() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(FOLDERS.iter().map(PathBuf::from));
    folders
        .map(|folder| folder.join("nginx"))
        .find(|file| file.is_file())
}

/// A folder of our own that goes with this value.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Option<Folder> {
        let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let unique = time.map_or(0, |time| time.as_nanos());
        let name = format!("djanginxed-{}-{unique:x}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // Not one that somebody has put there before us.
        let mut own = std::fs::DirBuilder::new();
        // What is written there may have a secret.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut own, 0o700);
        own.create(&folder).ok()?;
        Some(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays is worth no word.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
