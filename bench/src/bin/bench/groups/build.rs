//! What it takes to compile.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use crate::contest::{Contender, Measure, Outcome, compete};
use crate::stage::{Stage, root};
use crate::table::{Column, Shown, Table};

pub(crate) const BUILD: &str = "build";
pub(crate) const DJANGINXED: &str = "actix-web and djanginxed";
pub(crate) const MEMCACHE: &str = "actix-web and memcache";

const COLUMNS: [Column; 4] = [
    Column {
        metric: "seconds",
        heading: "clean release build",
        shown: Shown::Seconds,
    },
    Column {
        metric: "seconds",
        heading: "of the reference's",
        shown: Shown::Ratio,
    },
    Column {
        metric: "crates",
        heading: "crates",
        shown: Shown::Count,
    },
    Column {
        metric: "bytes",
        heading: "binary, stripped",
        shown: Shown::Kilobytes,
    },
];

const ACTIX: &str =
    r#"actix-web = { version = "4.18", default-features = false, features = ["macros"] }"#;
const CLIENT: &str =
    r#"memcache = { version = "0.21", default-features = false, features = ["tokio"] }"#;

const PLAIN: &str = r#"use actix_web::{App, HttpServer, Responder, get, web};

#[get("/articles/{id}")]
async fn article(id: web::Path<u32>) -> impl Responder {
    actix_web::web::Html::new(format!("<h1>Article {id}</h1>"))
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    HttpServer::new(|| App::new().service(article))
        .bind(("127.0.0.1", 8080))?
        .run()
        .await
}
"#;

/// The cache that one writes by hand.
const BY_HAND: &str = r#"use std::time::Duration;

use actix_web::{App, HttpServer, Responder, get, web};
use memcache::exp::{AsyncMetaClient, Get, Set};

#[get("/articles/{id}")]
async fn article(id: web::Path<u32>, client: web::Data<AsyncMetaClient>) -> impl Responder {
    let key = format!("article-{id}");
    if let Ok(found) = client.run(Get::new(&key)).await
        && let Some(Ok(page)) = found.value.map(String::from_utf8)
    {
        return web::Html::new(page);
    }
    let page = format!("<h1>Article {id}</h1>");
    let _ = client.run(Set::new(key, &page).ttl(Duration::from_secs(900))).await;
    web::Html::new(page)
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = AsyncMetaClient::connect("127.0.0.1:11211").await?;
    let client = web::Data::new(client);
    HttpServer::new(move || App::new().app_data(client.clone()).service(article))
        .bind(("127.0.0.1", 8080))?
        .run()
        .await?;
    Ok(())
}
"#;

const ANNOTATED: &str = r#"use actix_web::{App, HttpServer, Responder, get, web};
use djanginxed::{PageCache, cache_page};

#[get("/articles/{id}")]
#[cache_page(60 * 15)]
async fn article(id: web::Path<u32>) -> impl Responder {
    web::Html::new(format!("<h1>Article {id}</h1>"))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pages = PageCache::builder()
        .memcached(["127.0.0.1:11211"])
        .key_prefix("site1")
        .build()?;
    HttpServer::new(move || App::new().app_data(pages.clone()).service(article))
        .bind(("127.0.0.1", 8080))?
        .run()
        .await?;
    Ok(())
}
"#;

pub(crate) fn measure(stage: &Stage) -> Outcome<Table> {
    let ours = format!("djanginxed = {{ path = {:?} }}", root());
    let examples = [
        ("actix-web", vec![ACTIX], PLAIN),
        (MEMCACHE, vec![ACTIX, CLIENT], BY_HAND),
        (DJANGINXED, vec![ACTIX, &ours], ANNOTATED),
    ];
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let contender =
        |(number, (name, dependencies, main)): (usize, (&'static str, Vec<&str>, &str))| {
            let folder = folder.path().join(number.to_string());
            Contender::new(name, move || {
                write(&folder, &dependencies, main)
                    .map_err(|error| format!("cannot write an example: {error}"))?;
                let folder = folder.clone();
                Ok(Box::new(move |_| build(&folder)) as Measure)
            })
        };
    let contenders = examples.into_iter().enumerate().map(contender).collect();
    Ok(Table {
        id: BUILD,
        title: "What it takes to compile",
        about: "One cached handler, compiled from nothing with every dependency (cargo build --release), which are \
                downloaded before."
            .to_owned(),
        reference: Some(MEMCACHE),
        columns: COLUMNS.to_vec(),
        rows: compete(contenders, stage.effort.few()),
    })
}

fn write(folder: &Path, dependencies: &[&str], main: &str) -> std::io::Result<()> {
    let manifest = format!(
        "[package]\nname = \"example\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\n{}\n\n[profile.release]\nstrip = true\n\n[workspace]\n",
        dependencies.join("\n")
    );
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("src/main.rs"), main)?;
    // The versions that everything else here was measured with.
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(())
}

fn build(folder: &Path) -> Outcome<crate::table::Sample> {
    cargo(folder, &["fetch"])?;
    let target = folder.join("target");
    if target.exists() {
        fs::remove_dir_all(&target).map_err(|error| format!("cannot clean: {error}"))?;
    }
    let began = Instant::now();
    cargo(folder, &["build", "--release"])?;
    let seconds = began.elapsed().as_secs_f64();
    let binary = fs::metadata(target.join("release/example"));
    let binary = binary.map_err(|error| format!("no binary was built: {error}"))?;
    Ok([
        ("seconds", seconds),
        ("crates", crates(folder)? as f64),
        ("bytes", binary.len() as f64),
    ]
    .into())
}

/// What is compiled, the example itself among it.
fn crates(folder: &Path) -> Outcome<usize> {
    let tree = ["tree", "--edges", "normal,build", "--prefix", "none"];
    let output = cargo(folder, &[&tree[..], &["--format", "{p}"]].concat())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut packages: Vec<&str> = text
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .collect();
    packages.retain(|package| !package.is_empty());
    packages.sort_unstable();
    packages.dedup();
    Ok(packages.len())
}

fn cargo(folder: &Path, arguments: &[&str]) -> Outcome<Output> {
    let output = Command::new("cargo")
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    match output.status.success() {
        true => Ok(output),
        false => Err(format!(
            "cargo {} failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}
