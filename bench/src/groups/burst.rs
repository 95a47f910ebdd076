//! Everybody asks for one cold page at the same moment.

use std::io;
use std::time::{Duration, Instant};

use anyhow::Result;
use testkit::http::{Connection, Request};

use crate::app::{App, Handler, Variant};
use crate::contest::{Measure, compete};
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

pub(crate) fn measure(stage: &Stage) -> Result<Vec<Table>> {
    let table = |[waiting_ms, computing_ms]: [u64; 2], clients, rounds| {
        let prepare = |handler| {
            let variant = Variant {
                waiting_ms,
                computing_ms,
                ..Variant::of(handler)
            };
            prepare(stage, variant, clients)
        };
        let handlers = [
            (BARE, Handler::Bare),
            (OURS, Handler::Annotated),
            ("by hand: moka", Handler::Moka),
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
            rows: compete(handlers, rounds, prepare),
        }
    };
    Ok(vec![
        table([50, 0], 1000, stage.rounds),
        Table {
            id: "burst-computing",
            title: "A burst on one cold page whose render computes 50 ms",
            // Without the attribute a round takes 25 s.
            ..table([0, 50], stage.pick(100, 1000), 1)
        },
    ])
}

fn prepare(stage: &Stage, variant: Variant, clients: usize) -> Result<Measure<'_>> {
    let app = App::start(variant, None)?;
    let page = stage.usual();
    Ok(Box::new(move |round| {
        let request = Request::get(format!("/{}/burst-{round}", page.name));
        let connections = (0..clients).map(|_| open(app.port()));
        let mut connections = connections.collect::<io::Result<Vec<_>>>()?;
        let (before, began) = (app.renders(), Instant::now());
        for connection in &mut connections {
            connection.send(&request)?;
        }
        let mut failed = 0.0;
        for connection in &mut connections {
            let answer = connection.receive();
            let is_page = |body: &[u8]| body == page.html.as_bytes();
            if !answer.is_ok_and(|answer| answer.status == 200 && is_page(&answer.body)) {
                failed += 1.0;
            }
        }
        Ok([
            ("renders", (app.renders() - before) as f64),
            ("until_last_seconds", began.elapsed().as_secs_f64()),
            ("failed", failed),
        ]
        .into())
    }))
}

fn open(port: u16) -> io::Result<Connection> {
    let mut connection = Connection::open(port)?;
    connection.set_patience(Duration::from_secs(60))?;
    Ok(connection)
}
