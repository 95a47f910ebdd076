//! What it takes to compile.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::contest::{Contender, Measure, Outcome, compete};
use crate::stage::root;
use crate::table::{Column, Sample, Shown, Table, column};

pub(crate) const BUILD: &str = "build";
pub(crate) const DJANGINXED: &str = "actix-web and djanginxed";
pub(crate) const MEMCACHE: &str = "actix-web and memcache";

const COLUMNS: [Column; 4] = [
    column("seconds", "clean release build", Shown::Seconds),
    column("seconds", "of the reference's", Shown::Ratio),
    column("crates", "crates", Shown::Count),
    column("bytes", "binary, stripped", Shown::Kilobytes),
];

const ACTIX: &str =
    r#"actix-web = { version = "4.18", default-features = false, features = ["macros"] }"#;
const CLIENT: &str =
    r#"memcache = { version = "0.21", default-features = false, features = ["tokio"] }"#;

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

pub(crate) fn measure() -> Outcome<Table> {
    let ours = format!("djanginxed = {{ path = {:?} }}", root());
    let examples = [(MEMCACHE, CLIENT, BY_HAND), (DJANGINXED, &ours, ANNOTATED)];
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let contender = |(name, dependency, main): (&'static str, &str, &str)| {
        let folder = folder.path().join(name);
        Contender::new(name, move || {
            write(&folder, dependency, main)
                .map_err(|error| format!("cannot write an example: {error}"))?;
            Ok(Box::new(move |_| build(&folder)) as Measure)
        })
    };
    Ok(Table {
        id: BUILD,
        title: "What it takes to compile",
        about: "One cached handler, compiled from nothing with every dependency (cargo build --release), which are \
                downloaded before."
            .to_owned(),
        reference: Some(MEMCACHE),
        columns: COLUMNS.to_vec(),
        rows: compete(examples.map(contender).into(), 1),
    })
}

fn write(folder: &Path, dependency: &str, main: &str) -> std::io::Result<()> {
    let manifest = format!(
        "[package]\nname = \"example\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\n{ACTIX}\n{dependency}\n\n[profile.release]\nstrip = true\n\n[workspace]\n"
    );
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("src/main.rs"), main)?;
    // The versions that everything else here was measured with.
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(())
}

fn build(folder: &Path) -> Outcome<Sample> {
    cargo(folder, &["fetch"])?;
    let began = Instant::now();
    let said = cargo(folder, &["build", "--release"])?;
    let seconds = began.elapsed().as_secs_f64();
    let crates = said.lines().filter(|line| line.contains("Compiling "));
    let binary = fs::metadata(folder.join("target/release/example"));
    let binary = binary.map_err(|error| format!("no binary was built: {error}"))?;
    Ok([
        ("seconds", seconds),
        ("crates", crates.count() as f64),
        ("bytes", binary.len() as f64),
    ]
    .into())
}

/// What cargo says; from nothing, since each folder is new.
fn cargo(folder: &Path, arguments: &[&str]) -> Outcome<String> {
    let output = Command::new("cargo")
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.success() {
        true => Ok(said),
        false => Err(format!("cargo {} failed: {said}", arguments.join(" "))),
    }
}
