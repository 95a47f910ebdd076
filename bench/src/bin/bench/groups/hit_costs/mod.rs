//! What ignored parameters, variants, groups and parts add to a hit that nginx answers.

mod cases;
mod visit;

use testkit::Memcached;

use crate::app::{App, memcached};
use crate::columns;
use crate::contest::{Contender, Measure, Outcome, compete};
use crate::peers::generated;
use crate::stage::Stage;
use crate::table::{Column, Shown, Table};
use crate::wrk::{Load, Targets};

use cases::{Case, PLAIN, cases};
use visit::Visit;

const NGINX: Column = Column {
    metric: "nginx_seconds",
    heading: "nginx's processor time a hit",
    shown: Shown::Nanoseconds,
};

const NGINX_RATIO: Column = Column {
    heading: "of the reference's",
    shown: Shown::Ratio,
    ..NGINX
};

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    let memcached = memcached(64)?;
    let contender = |case: Case| Contender::new(case.name, || prepare(stage, &memcached, case));
    Ok(vec![Table {
        id: "hit-costs",
        title: "What variants, groups, ignored parameters and parts add to a hit",
        about: "The generated file, layout body, one page of 10 kB that is stored plain; one nginx worker, memcached with \
             2 threads, wrk with 1 thread and 32 connections. Every row is sent the same fields: Accept-Language, and \
             four cookies."
            .to_owned(),
        reference: Some(PLAIN),
        columns: columns::load(&[NGINX, NGINX_RATIO]),
        rows: compete(cases().map(contender).into(), stage.effort.pick(2, 4)),
    }])
}

fn prepare<'a>(stage: &'a Stage, memcached: &'a Memcached, case: Case) -> Outcome<Measure<'a>> {
    let mut arguments = vec!["parts", "--key-prefix", case.stored.prefix];
    if case.stored.parts {
        arguments.push("--parts");
    }
    arguments.extend(case.stored.vary.iter().flat_map(|rule| ["--vary", rule]));
    let app = App::with(stage, memcached, &arguments)?;
    let nginx = generated(memcached, case.stored, app.port)?;
    let page = stage.usual();
    let visit = Visit::of(&case, page)?;
    visit.answer(&nginx)?;
    app.flush();
    let load = Load {
        fields: (visit.fields.iter())
            .map(|(name, value)| format!("{name}: {value}"))
            .collect(),
        seconds: stage.effort.pick(1, 2),
        ..Load::usual(stage, nginx.port, Targets::One(visit.target.clone()))
    };
    Ok(Box::new(move |_| {
        visit.settle(&nginx, page)?;
        let (renders, before) = (app.renders(), nginx.processor_time()?);
        let mut sample = load.run(stage)?;
        let took = nginx.processor_time()? - before;
        app.only_hits(renders, &sample)?;
        visit.check(&nginx, page)?;
        sample.insert(NGINX.metric, took.as_secs_f64() / sample["requests"]);
        Ok(sample)
    }))
}
