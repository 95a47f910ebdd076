//! Everybody asks for one cold page at the same moment.

use crate::app::App;
use crate::client::burst;
use crate::contest::{Contender, Measure, Outcome, compete};
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
    let waiting = Table {
        id: BURST,
        title: "A burst on one cold page whose render waits 50 ms",
        about: "1,000 clients, each on a connection of its own that is open before they all ask. The render waits, as \
                for a database; the application has 2 workers."
            .to_owned(),
        reference: Some(BARE),
        columns: COLUMNS.to_vec(),
        rows: compete(contenders(stage, "--waiting-ms", 1000), stage.effort.rounds),
    };
    let clients = stage.effort.pick(100, 1000);
    let computing = Table {
        id: "burst-computing",
        title: "A burst on one cold page whose render computes 50 ms",
        about: format!("{clients} clients, as above. The render keeps a core busy."),
        reference: Some(BARE),
        columns: COLUMNS.to_vec(),
        // Without the attribute a round takes 25 s.
        rows: compete(contenders(stage, "--computing-ms", clients), 1),
    };
    Ok(vec![waiting, computing])
}

fn contenders<'a>(stage: &'a Stage, kind: &'static str, clients: usize) -> Vec<Contender<'a>> {
    let contender = |name: &str, handler: &'static str| {
        Contender::new(name, move || prepare(stage, handler, kind, clients))
    };
    vec![
        contender(BARE, "bare"),
        contender(OURS, "annotated"),
        contender("by hand: moka", "moka"),
    ]
}

fn prepare<'a>(
    stage: &'a Stage,
    handler: &str,
    kind: &str,
    clients: usize,
) -> Outcome<Measure<'a>> {
    let app = App::start(stage, &[handler, kind, "50"])?;
    Ok(Box::new(move |round| {
        let before = app.renders();
        let page = stage.usual();
        let target = format!("/{}/burst-{round}", page.name);
        let burst = burst(app.port, page, &target, clients)?;
        Ok([
            ("renders", (app.renders() - before) as f64),
            ("until_last_seconds", burst.until_last.as_secs_f64()),
            ("failed", burst.failed as f64),
        ]
        .into())
    }))
}
