//! Which pages are asked for.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;

use super::Args;
use super::sitemap::{self, Sitemap};
use crate::failure::Failure;
use crate::hit_feed;
use crate::http::{Request, Trust, Url, encoded};
use crate::output::tell;
use crate::targets::lines;

/// More sitemaps than any site has: what names more goes round in circles.
const MOST_SITEMAPS: usize = 10_000;

/// How often one address may lead to another.
const MOST_REDIRECTS: usize = 5;

/// As many as the application itself asks a feed for.
const HOTTEST: usize = 1000;

/// What is to be asked for.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Every URL once, in the order of the sources.
    pub(super) urls: Vec<Url>,
    /// Sitemaps and addresses that could not be read; each has been told.
    pub(super) unread: usize,
}

impl Sources {
    /// Says what is wrong, and goes on with the others.
    fn refuse(&mut self, problem: &str) {
        tell(problem);
        self.unread += 1;
    }
}

pub(super) async fn sources(args: &Args, trust: &Trust) -> Result<Sources, Failure> {
    let mut sources = Sources::default();
    for word in &args.urls {
        match word.as_str() {
            "-" => add(&mut sources, lines(std::io::stdin().lock())?)?,
            url => sources.urls.push(Url::parse(url)?),
        }
    }
    for path in &args.file {
        let file = File::open(path)
            .map_err(|error| Failure::Usage(format!("file {}: {error}", path.display())))?;
        add(&mut sources, lines(BufReader::new(file))?)?;
    }
    if let (Some(site), Some(path)) = (&args.hot, &args.hit_feed) {
        add_hottest(&mut sources, &Url::parse(site)?, path, args).await?;
    }
    from_sitemaps(args, trust, &mut sources).await;
    let mut seen = HashSet::new();
    sources.urls.retain(|url| seen.insert(url.to_string()));
    Ok(sources)
}

fn add(sources: &mut Sources, texts: Vec<String>) -> Result<(), Failure> {
    for text in texts {
        sources.urls.push(Url::parse(&text)?);
    }
    Ok(())
}

/// Adds the hottest pages of `site`, those first. A feed that cannot be read is told.
async fn add_hottest(
    sources: &mut Sources,
    site: &Url,
    path: &str,
    args: &Args,
) -> Result<(), Failure> {
    if site.target != "/" {
        return Err(Failure::Usage(format!(
            "--hot {site}: give the site alone, such as https://www.example.com"
        )));
    }
    let report = match hit_feed::ask(path.to_owned(), HOTTEST, args.site.patience()).await {
        Ok(report) => report,
        Err(problem) => {
            sources.refuse(&format!("the feed of hits {path}: {problem}"));
            return Ok(());
        }
    };
    if report.hottest.is_empty() {
        tell(format_args!(
            "the feed of hits {path} knows of no hit in the last minutes"
        ));
    }
    for hot in report.hottest {
        match encoded(&hot.target) {
            Ok(target) => sources.urls.push(Url {
                origin: site.origin.clone(),
                target,
            }),
            Err(problem) => sources.refuse(&format!("target {:?}: {problem}", hot.target)),
        }
    }
    Ok(())
}

/// Where a sitemap is.
#[derive(Clone, Debug)]
enum Place {
    Url(Url),
    File(String),
}

impl Place {
    fn parse(text: &str) -> Result<Place, Failure> {
        match text.contains("://") {
            true => Url::parse(text).map(Place::Url),
            false => Ok(Place::File(text.to_owned())),
        }
    }

    /// What `text` means in the sitemap that is here.
    fn join(&self, text: &str) -> Result<Url, String> {
        let joined = match self {
            Place::Url(url) => url.join(text),
            Place::File(_) => Url::parse(text),
        };
        joined.map_err(|failure| failure.to_string())
    }

    /// The same for a sitemap, which may be a file beside this one.
    fn join_sitemap(&self, text: &str) -> Result<Place, String> {
        match self {
            Place::File(_) if !text.contains("://") => Ok(Place::File(text.to_owned())),
            _ => self.join(text).map(Place::Url),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Url(url) => url.fmt(f),
            Place::File(path) => f.write_str(path),
        }
    }
}

/// Sitemaps name sitemaps; each is read once. One that cannot be read is told,
/// and the others are read.
async fn from_sitemaps(args: &Args, trust: &Trust, sources: &mut Sources) {
    let mut waiting: Vec<Place> = Vec::new();
    for text in args.sitemap.iter().rev() {
        match Place::parse(text) {
            Ok(place) => waiting.push(place),
            Err(failure) => sources.refuse(&format!("sitemap {text}: {failure}")),
        }
    }
    let mut seen: HashSet<String> = waiting.iter().map(ToString::to_string).collect();
    while let Some(place) = waiting.pop() {
        let (place, bytes) = match read(args, trust, place.clone()).await {
            Ok(found) => found,
            Err(problem) => {
                sources.refuse(&format!("sitemap {place}: {problem}"));
                continue;
            }
        };
        let (found, problem) = sitemap::parse(&bytes);
        if let Some(problem) = problem {
            sources.refuse(&format!("sitemap {place}: {problem}"));
        }
        match found {
            Sitemap::Pages(texts) => {
                let urls = joined(sources, &place, &texts, Place::join);
                sources.urls.extend(urls);
            }
            Sitemap::Index(texts) => {
                let others = joined(sources, &place, &texts, Place::join_sitemap);
                let new = others.into_iter().rev();
                waiting.extend(
                    new.filter(|other| {
                        seen.len() < MOST_SITEMAPS && seen.insert(other.to_string())
                    }),
                );
            }
        }
    }
}

/// What `texts` mean at `place`; one that means nothing is told.
fn joined<T>(
    sources: &mut Sources,
    place: &Place,
    texts: &[String],
    join: impl Fn(&Place, &str) -> Result<T, String>,
) -> Vec<T> {
    let mut tell = |problem: &String| sources.refuse(&format!("sitemap {place}: {problem}"));
    let joined = texts.iter().map(|text| join(place, text));
    joined
        .filter_map(|found| found.inspect_err(&mut tell).ok())
        .collect()
}

/// The sitemap at `place`, and where it was found in the end.
async fn read(args: &Args, trust: &Trust, place: Place) -> Result<(Place, Vec<u8>), String> {
    let mut url = match place {
        Place::File(path) => {
            let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
            return Ok((Place::File(path), bytes));
        }
        Place::Url(url) => url,
    };
    for _ in 0..=MOST_REDIRECTS {
        let mut client = args.site.client(&url.origin, trust);
        let answer = client.send(&Request::get(&url.target)).await;
        let answer = answer.map_err(|problem| problem.to_string())?;
        match (answer.status, answer.header("location")) {
            (200, _) => return Ok((Place::Url(url), answer.body.to_vec())),
            (301 | 302 | 303 | 307 | 308, Some(to)) => {
                url = url.join(&to).map_err(|failure| failure.to_string())?;
            }
            (status, _) => return Err(format!("it is answered with status {status}")),
        }
    }
    Err(format!(
        "it leads from one address to another {MOST_REDIRECTS} times"
    ))
}
