//! Which files are pages of the site, and what they hold.

use std::path::{Path, PathBuf};
use std::{fs, io};

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, ResponseError};

use crate::layout;
use crate::markdown::title;

/// The documents of the project, found when the server starts. Their text is
/// read at each render, so that an edited file shows when its page expires.
pub(crate) struct Site {
    root: PathBuf,
    documents: Vec<Document>,
}

/// One Markdown file, and where it is on the site.
pub(crate) struct Document {
    /// Relative to the project's folder, with `/`.
    pub(crate) file: String,
    pub(crate) url: String,
    pub(crate) title: String,
}

/// A line of the navigation.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) title: String,
}

/// Why a page cannot be shown.
#[derive(Debug)]
pub(crate) enum SiteError {
    /// With the links that do lead somewhere.
    NoSuchPage(Vec<Link>),
    Unreadable(String, io::Error),
}

impl Site {
    pub(crate) fn open(root: impl Into<PathBuf>) -> Result<Site, SiteError> {
        let root = root.into();
        let files = ["README.md".to_owned(), "CHANGELOG.md".to_owned()]
            .into_iter()
            .filter(|file| root.join(file).is_file())
            .chain(guides(&root));
        let documents = files
            .map(|file| Document::new(&root, file))
            .collect::<Result<_, _>>()?;
        Ok(Site { root, documents })
    }

    pub(crate) fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// The document at `url` and its text.
    pub(crate) fn read(&self, url: &str) -> Result<(&Document, String), SiteError> {
        let document = self
            .documents
            .iter()
            .find(|document| document.url == url)
            .ok_or_else(|| SiteError::NoSuchPage(self.links()))?;
        Ok((document, text(&self.root, &document.file)?))
    }

    /// A picture of the guides.
    pub(crate) fn picture(&self, name: &str) -> Result<String, SiteError> {
        let folder = self.root.join("docs/pictures");
        let is_there = |entry: fs::DirEntry| entry.file_name().to_str() == Some(name);
        let mut names = fs::read_dir(folder).into_iter().flatten().flatten();
        match names.any(is_there) {
            true => text(&self.root, &format!("docs/pictures/{name}")),
            false => Err(SiteError::NoSuchPage(self.links())),
        }
    }

    /// Where a link in `from` leads, if `to` is another document.
    pub(crate) fn url_of(&self, from: &Document, to: &str) -> Option<&str> {
        let folder = Path::new(&from.file).parent()?;
        let mut path: Vec<&str> = folder.iter().filter_map(|part| part.to_str()).collect();
        for part in to.split('/') {
            match part {
                "." => {}
                ".." => drop(path.pop()?),
                name => path.push(name),
            }
        }
        let file = path.join("/");
        let document = self.documents.iter().find(|known| known.file == file)?;
        Some(&document.url)
    }

    pub(crate) fn links(&self) -> Vec<Link> {
        let link = |document: &Document| Link {
            url: document.url.clone(),
            title: document.title.clone(),
        };
        self.documents.iter().map(link).collect()
    }
}

impl Document {
    fn new(root: &Path, file: String) -> Result<Document, SiteError> {
        let title = title(&text(root, &file)?).unwrap_or_else(|| file.clone());
        let url = match file.strip_suffix(".md").unwrap_or(&file) {
            top @ ("README" | "CHANGELOG") => format!("/{}", top.to_lowercase()),
            guide => format!("/{guide}"),
        };
        Ok(Document { file, url, title })
    }
}

/// The Markdown files right under docs/, by name; none where there is no such folder.
fn guides(root: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(root.join("docs"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".md"))
        .map(|name| format!("docs/{name}"))
        .collect();
    names.sort();
    names
}

fn text(root: &Path, file: &str) -> Result<String, SiteError> {
    fs::read_to_string(root.join(file))
        .map_err(|error| SiteError::Unreadable(file.to_owned(), error))
}

impl std::fmt::Display for SiteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SiteError::NoSuchPage(_) => f.write_str("there is no such page"),
            SiteError::Unreadable(file, error) => write!(f, "cannot read {file}: {error}"),
        }
    }
}

impl ResponseError for SiteError {
    fn status_code(&self) -> StatusCode {
        match self {
            SiteError::NoSuchPage(_) => StatusCode::NOT_FOUND,
            SiteError::Unreadable(..) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code())
            .content_type(ContentType::html())
            .body(layout::failure(self))
    }
}
