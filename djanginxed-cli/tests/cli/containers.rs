//! The example of docs/compose, with Debian's njs in place of the official image.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use djanginxed::PageKey;
use testkit::http::Request;
use testkit::{Memcached, Process, eventually, free_port};
use yaml_rust2::{Yaml, YamlLoader};

use crate::tool::{command, finish};

/// Where Debian keeps what `load_module modules/…` finds below the image's /etc/nginx.
const MODULES: &str = "/usr/lib/nginx/modules";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn read(name: &str) -> String {
    fs::read_to_string(docs().join(name)).unwrap()
}

fn services() -> Yaml {
    let mut files = YamlLoader::load_from_str(&read("compose/compose.yml")).unwrap();
    files.remove(0)["services"].clone()
}

/// The arguments of the one line in docs/operations.md that generates the file.
fn documented() -> Vec<String> {
    let text = read("operations.md").replace("\\\n", " ");
    let mut lines = text
        .lines()
        .filter(|line| line.starts_with("djanginxed nginx --md5 njs"));
    let line = lines.next().unwrap();
    assert!(lines.next().is_none());
    line.split_whitespace().skip(1).map(str::to_owned).collect()
}

/// Writes what the documented line generates below `folder`.
fn generate(folder: &Path) {
    let mut arguments = documented();
    let output = arguments.iter().position(|word| word == "-o").unwrap();
    arguments[output + 1] = folder.display().to_string();
    let done = finish(command().args(&arguments), "");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
}

/// nginx's folder as the containers have it, with the addresses of this machine.
fn folder(memcached: &str, port: u16) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    // nginx's worker is another user.
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let services = services();
    let volumes = services["nginx"]["volumes"].as_vec().unwrap();
    generate(&path("nginx"));
    fs::write(path("nginx.conf"), read("compose/nginx.conf")).unwrap();
    fs::create_dir(path("conf.d")).unwrap();
    // Each file that is mounted, where it is mounted.
    for volume in volumes {
        let mut parts = volume.as_str().unwrap().split(':');
        let (from, to) = (parts.next().unwrap(), parts.next().unwrap());
        let to = to.strip_prefix("/etc/nginx/").unwrap();
        let text = fs::read_to_string(folder.path().join(from)).unwrap();
        let text = text
            .replace("memcached:11211", memcached)
            .replace("app:8080", &format!("127.0.0.1:{}", free_port()))
            .replace("127.0.0.1:11280", &format!("127.0.0.1:{}", free_port()))
            .replace("listen 80", &format!("listen 127.0.0.1:{port}"))
            .replace("user nginx;", "user www-data;")
            .replace("/var/log/nginx/", "")
            .replace("/run/nginx.pid", "nginx.pid");
        fs::write(path(to), text).unwrap();
    }
    fs::copy("/etc/nginx/mime.types", path("mime.types")).unwrap();
    symlink(MODULES, path("modules")).unwrap();
    folder
}

fn nginx(folder: &Path) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("nginx");
    command
        .env("PATH", format!("{path}:/usr/sbin"))
        .arg("-p")
        .arg(folder)
        .args(["-c", "nginx.conf", "-e", "error.log"]);
    command
}

#[test]
fn nginx_with_njs_takes_the_example_and_finds_pages() {
    let memcached = Memcached::start().unwrap();
    let port = free_port();
    let folder = folder(&memcached.address(), port);
    let tested = nginx(folder.path()).arg("-t").output().unwrap();
    let said = String::from_utf8_lossy(&tested.stderr);
    assert!(tested.status.success() && !said.contains("warn"), "{said}");
    let mut command = nginx(folder.path());
    let log = File::create(folder.path().join("said")).unwrap();
    command
        .args(["-g", "daemon off;"])
        .stdout(Stdio::null())
        .stderr(log);
    let _nginx = Process::spawn("nginx", &mut command, Some(folder.path())).unwrap();
    let key = PageKey::new("site1", "/a?b").to_string();
    memcached.set(key, 0, 0, "stored");
    let request = Request::get("/a?b").header("Host", "www.example.com");
    eventually("nginx listens", || request.try_send(port).is_ok());
    let answer = request.send(port);
    assert_eq!((answer.status, answer.text()), (200, "stored"));
    assert_eq!(answer.header("cache-status"), Some("nginx; hit"));
}

#[test]
fn both_sides_of_the_example_have_the_same_settings() {
    let services = services();
    let environment = services["app"]["environment"].as_hash().unwrap();
    let arguments = documented();
    let given = |option: &str| {
        let at = arguments.iter().position(|word| word == option);
        at.map(|at| arguments[at + 1].as_str())
    };
    for (name, option) in [
        ("DJANGINXED_SERVERS", "--servers"),
        ("DJANGINXED_KEY_PREFIX", "--prefix"),
        ("DJANGINXED_BYPASS_COOKIES", "--bypass-cookie"),
        ("DJANGINXED_HOSTS", "--cached-host"),
    ] {
        let value = &environment[&Yaml::String(name.to_owned())];
        assert_eq!(value.as_str(), given(option), "{name}");
    }
    assert_eq!(environment.len(), 4);
    let server = given("--servers").unwrap();
    let (host, _) = server.split_once(':').unwrap();
    assert!(!services[host].is_badvalue(), "{host}");
}
