//! nginx's file for this site, from the site's own settings.

use djanginxed::PageCache;
use djanginxed::nginx::{Error, Site};

/// The upstreams, maps and servers for an nginx that listens on `listen`, and
/// for itself on `inner`, in front of this site on `app`.
pub(crate) fn file(
    pages: &PageCache,
    app: &str,
    listen: &str,
    inner: &str,
) -> Result<String, Error> {
    let files = Site::new(pages)
        .server_name("127.0.0.1")
        .server_name("localhost")
        .listen(listen)
        .inner(inner)
        .app(app)
        .never_cache("/metrics")
        .page("/style.css", crate::STYLE_PREFIX, "text/css")
        .page("/docs/pictures/", crate::PICTURE_PREFIX, "image/svg+xml")
        .generate()?;
    Ok(files.site())
}
