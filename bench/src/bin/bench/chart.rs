//! Pictures of bars.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::contest::Outcome;
use crate::groups::names::{HIT, MISS, NGINX_HIT};
use crate::table::Table;

const WIDTH: i32 = 860;
const LINE: i32 = 24;
const NAMES: i32 = 330;
const INK: RGBColor = RGBColor(34, 34, 34);
/// Readable on a page of any colour.
const PAPER: RGBColor = RGBColor(255, 255, 255);
const OURS: RGBColor = RGBColor(0, 121, 107);
const OTHERS: RGBColor = RGBColor(176, 190, 197);

/// What a run's picture shows of it.
const SHOWN: [&str; 3] = [NGINX_HIT, HIT, MISS];

/// A bar.
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) label: String,
    pub(crate) is_ours: bool,
}

/// Bars under a heading, in their order.
pub(crate) struct Panel {
    pub(crate) heading: String,
    pub(crate) bars: Vec<Bar>,
}

/// Draws the tables of requests a second, longest bars first; nothing where none was
/// measured.
pub(crate) fn draw(tables: &[Table], under: &str, file: &Path) -> Outcome {
    let panels: Vec<Panel> = SHOWN
        .iter()
        .filter_map(|id| tables.iter().find(|table| table.id == *id))
        .map(panel)
        .filter(|panel| !panel.bars.is_empty())
        .collect();
    if panels.is_empty() {
        return Ok(());
    }
    std::fs::write(file, svg(&panels, under)?)
        .map_err(|error| format!("cannot write {}: {error}", file.display()))
}

/// The picture of `panels`.
pub(crate) fn svg(panels: &[Panel], under: &str) -> Outcome<String> {
    picture(panels, under).map_err(|error| format!("cannot draw the chart: {error}"))
}

fn panel(table: &Table) -> Panel {
    let bar = |row: &crate::table::Row| {
        let value = row.summary("requests_per_second")?.median;
        let reference = table.reference.and_then(|name| table.row(name));
        let ratio = reference.and_then(|other| row.ratio(other, "requests_per_second"));
        let label = match ratio {
            Some(ratio) => format!("{value:.0} ({:.2})", ratio.median),
            None => format!("{value:.0}"),
        };
        Some(Bar {
            is_ours: row.name.contains("generated") || row.name.contains("#[cache_page]"),
            name: row.name.clone(),
            value,
            label,
        })
    };
    let mut bars: Vec<Bar> = table.rows.iter().filter_map(bar).collect();
    bars.sort_by(|a, b| b.value.total_cmp(&a.value));
    let reference = table.reference.unwrap_or_default();
    Panel {
        heading: format!("{}: requests/s (ratio to: {reference})", table.title),
        bars,
    }
}

type Drawn<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn picture(panels: &[Panel], under: &str) -> Drawn<String> {
    let lines: i32 = panels.iter().map(|panel| panel.bars.len() as i32 + 2).sum();
    let size = (WIDTH as u32, (lines * LINE + 2 * LINE) as u32);
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
    area.fill(&PAPER)?;
    let mut y = LINE;
    for panel in panels {
        text(&area, &panel.heading, (12, y), HPos::Left, 15)?;
        y += LINE;
        let longest = panel.bars.iter().map(|bar| bar.value).fold(1.0, f64::max);
        for bar in &panel.bars {
            draw_bar(&area, bar, longest, y)?;
            y += LINE;
        }
        y += LINE;
    }
    text(&area, under, (12, y), HPos::Left, 11)?;
    area.present()?;
    drop(area);
    Ok(svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw_bar(area: &Area<'_>, bar: &Bar, longest: f64, y: i32) -> Drawn {
    // Room for the number behind the longest bar.
    let room = f64::from(WIDTH - NAMES - 130);
    let end = NAMES + (bar.value / longest * room).max(1.0) as i32;
    let colour = match bar.is_ours {
        true => OURS,
        false => OTHERS,
    };
    text(area, &bar.name, (NAMES - 8, y), HPos::Right, 13)?;
    let (top, bottom) = (y - LINE / 3, y + LINE / 3);
    area.draw(&Rectangle::new(
        [(NAMES, top), (end, bottom)],
        colour.filled(),
    ))?;
    text(area, &bar.label, (end + 6, y), HPos::Left, 13)
}

fn text(area: &Area<'_>, words: &str, at: (i32, i32), side: HPos, size: u32) -> Drawn {
    let style = ("sans-serif", size)
        .into_font()
        .color(&INK)
        .pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(words.to_owned(), at, style))?;
    Ok(())
}
