//! 304 for who has the page already.

use testkit::http::{Request, Response};

use super::backends::{Backends, CACHED, HIT};
use super::{WHOLE, WHOLE_GZIP};
use crate::app::App;
use crate::columns;
use crate::contest::{Contender, Measure, Outcome, compete};
use crate::page_set::Page;
use crate::peers::{self, Peer};
use crate::stage::Stage;
use crate::table::Table;
use crate::wrk::{Load, Targets};

pub(crate) const UNMODIFIED: &str = "nginx-304";
pub(crate) const PROXY_CACHE: &str = "proxy_cache";

pub(super) fn measure(stage: &Stage, backends: &Backends) -> Table {
    let whole = |gzip| {
        let (app, peer) = backends.whole(gzip);
        Ok((app.as_ref(), peer?))
    };
    // The same application, whose responses have an entity tag.
    let proxy_cache = || {
        let app = backends.whole(false).0;
        Ok((app.as_ref(), peers::proxy_cache(app.port, false)?))
    };
    let contenders = vec![
        Contender::new(WHOLE, || measured(stage, whole(false), HIT)),
        Contender::new(WHOLE_GZIP, || measured(stage, whole(true), HIT)),
        Contender::new(PROXY_CACHE, || measured(stage, proxy_cache(), CACHED)),
    ];
    Table {
        id: UNMODIFIED,
        title: "304 from nginx for who has the page",
        about: "If-None-Match with the page's own entity tag; the load and the page of 10 kB as for a hit.".to_owned(),
        reference: Some(PROXY_CACHE),
        columns: columns::load(&[]),
        rows: compete(contenders, stage.effort.rounds),
    }
}

fn measured<'a>(
    stage: &'a Stage,
    started: Outcome<(&App, Peer)>,
    hit: (&'static str, &'static str),
) -> Outcome<Measure<'a>> {
    let (app, peer) = started?;
    let page = stage.usual();
    ask(&peer, page, None)?;
    app.flush();
    let tag = ask(&peer, page, None)?;
    let tag = tag.header("etag").ok_or("no entity tag came")?.to_owned();
    is_unmodified(&ask(&peer, page, Some(&tag))?, hit)?;
    let load = Load {
        fields: vec![format!("If-None-Match: {tag}")],
        ..Load::usual(stage, peer.port, Targets::One(page.target()))
    };
    Ok(Box::new(move |_| {
        let sample = load.run(stage)?;
        is_unmodified(&ask(&peer, page, Some(&tag))?, hit)?;
        Ok(sample)
    }))
}

fn ask(peer: &Peer, page: &Page, tag: Option<&str>) -> Outcome<Response> {
    let mut request = Request::get(page.target()).header("Accept-Encoding", "gzip");
    if let Some(tag) = tag {
        request = request.header("If-None-Match", tag);
    }
    let failed = |error| format!("GET {}: {error}", page.target());
    request.try_send(peer.port).map_err(failed)
}

fn is_unmodified(answer: &Response, (name, value): (&str, &str)) -> Outcome {
    if answer.status != 304 || !answer.body.is_empty() {
        return Err(format!("status {}, not 304 without a body", answer.status));
    }
    match answer.header(name) {
        Some(said) if said.contains(value) => Ok(()),
        said => Err(format!("{name} is {said:?}, not {value:?}")),
    }
}
