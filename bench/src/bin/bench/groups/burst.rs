//! Everybody asks for one cold page at the same moment.

use std::io;
use std::time::{Duration, Instant};

use testkit::http::{Connection, Request};

use crate::app::App;
use crate::contest::{Contender, Measure, Outcome, compete, said};
use crate::stage::Stage;
use crate::table::{Column, Shown, Table, column};

pub(crate) const BURST: &str = "burst-waiting";
pub(crate) const BARE: &str = "without the attribute";
pub(crate) const OURS: &str = "#[cache_page]";

const COLUMNS: [Column; 4] = [
    column("renders", "renders", Shown::Count),
    column(
        "until_last_seconds",
        "until the last is served",
        Shown::Seconds,
    ),
    column("until_last_seconds", "of the reference's", Shown::Ratio),
    column("failed", "failed", Shown::Count),
];

pub(crate) fn measure(stage: &Stage) -> Outcome<Vec<Table>> {
    let table = |kind, clients, rounds| {
        let contender = |(name, handler): (&str, &'static str)| {
            Contender::new(name, || prepare(stage, &[handler, kind, "50"], clients))
        };
        let variants = [
            (BARE, "bare"),
            (OURS, "annotated"),
            ("by hand: moka", "moka"),
        ];
        Table {
            id: BURST,
            title: "A burst on one cold page whose render waits 50 ms",
            about: format!(
                "{clients} clients, each on a connection of its own that is open before they all ask; the application \
                 has 2 workers."
            ),
            reference: Some(BARE),
            columns: COLUMNS.to_vec(),
            rows: compete(variants.map(contender).into(), rounds),
        }
    };
    Ok(vec![
        table("--waiting-ms", 1000, stage.effort.rounds),
        Table {
            id: "burst-computing",
            title: "A burst on one cold page whose render computes 50 ms",
            // Without the attribute a round takes 25 s.
            ..table("--computing-ms", stage.effort.pick(100, 1000), 1)
        },
    ])
}

fn prepare<'a>(stage: &'a Stage, arguments: &[&str], clients: usize) -> Outcome<Measure<'a>> {
    let app = App::start(stage, arguments)?;
    let page = stage.usual();
    Ok(Box::new(move |round| {
        let request = Request::get(format!("/{}/burst-{round}", page.name));
        let connections = (0..clients).map(|_| open(app.port));
        let mut connections = said(connections.collect::<io::Result<Vec<_>>>())?;
        let (before, began) = (app.renders(), Instant::now());
        for connection in &mut connections {
            said(connection.send(&request))?;
        }
        let is_page = |connection: &mut Connection| {
            let answer = connection.receive();
            answer.is_ok_and(|answer| answer.status == 200 && answer.body == page.html.as_bytes())
        };
        let served = connections
            .iter_mut()
            .filter_map(|one| is_page(one).then_some(()));
        let failed = clients - served.count();
        Ok([
            ("renders", (app.renders() - before) as f64),
            ("until_last_seconds", began.elapsed().as_secs_f64()),
            ("failed", failed as f64),
        ]
        .into())
    }))
}

fn open(port: u16) -> io::Result<Connection> {
    let mut connection = Connection::open(port)?;
    connection.set_patience(Duration::from_secs(60))?;
    Ok(connection)
}
