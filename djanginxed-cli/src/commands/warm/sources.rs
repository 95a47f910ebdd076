//! Which pages are asked for.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;

use super::Args;
use super::sitemap::{self, Sitemap};
use crate::failure::Failure;
use crate::http::{Client, Request, Trust, Url};
use crate::targets::lines;

/// Every URL once, in the order of the sources.
pub(super) async fn urls(args: &Args, trust: &Trust) -> Result<Vec<Url>, Failure> {
    let mut texts = Vec::new();
    for word in &args.urls {
        match word.as_str() {
            "-" => texts.extend(lines(std::io::stdin().lock())?),
            url => texts.push(url.to_owned()),
        }
    }
    for path in &args.file {
        let file = File::open(path)
            .map_err(|error| Failure::Usage(format!("file {}: {error}", path.display())))?;
        texts.extend(lines(BufReader::new(file))?);
    }
    texts.extend(from_sitemaps(args, trust).await?);
    let mut seen = HashSet::new();
    texts.retain(|text| seen.insert(text.clone()));
    texts.iter().map(|text| Url::parse(text)).collect()
}

/// Sitemaps name sitemaps; each is read once.
async fn from_sitemaps(args: &Args, trust: &Trust) -> Result<Vec<String>, Failure> {
    let mut pages = Vec::new();
    let mut seen: HashSet<String> = args.sitemap.iter().cloned().collect();
    let mut waiting: Vec<String> = args.sitemap.iter().rev().cloned().collect();
    while let Some(place) = waiting.pop() {
        let bytes = read(args, trust, &place).await?;
        let found = sitemap::parse(&bytes)
            .map_err(|problem| Failure::Failed(format!("sitemap {place}: {problem}")))?;
        match found {
            Sitemap::Pages(urls) => pages.extend(urls),
            Sitemap::Index(urls) => {
                let new = urls
                    .into_iter()
                    .rev()
                    .filter(|url| seen.insert(url.clone()));
                waiting.extend(new);
            }
        }
    }
    Ok(pages)
}

async fn read(args: &Args, trust: &Trust, place: &str) -> Result<Vec<u8>, Failure> {
    let failed = |problem: String| Failure::Failed(format!("sitemap {place}: {problem}"));
    if !place.contains("://") {
        return std::fs::read(place).map_err(|error| failed(error.to_string()));
    }
    let url = Url::parse(place)?;
    let mut client = Client::new(
        url.origin.clone(),
        args.connect.clone(),
        args.patience(),
        trust,
    );
    let response = client
        .send(&Request::get(&url.target))
        .await
        .map_err(|problem| failed(problem.to_string()))?;
    match response.status {
        200 => Ok(response.body.to_vec()),
        status => Err(failed(format!("it is answered with status {status}"))),
    }
}
