//! Pictures of bars.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const WIDTH: i32 = 860;
const LINE: i32 = 24;
const NAMES: i32 = 330;
const INK: RGBColor = RGBColor(34, 34, 34);
/// Readable on a page of any colour.
const PAPER: RGBColor = RGBColor(255, 255, 255);
const OURS: RGBColor = RGBColor(0, 121, 107);
const OTHERS: RGBColor = RGBColor(176, 190, 197);

/// A bar.
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) label: String,
    pub(crate) is_ours: bool,
}

/// Bars under a heading, in their order.
pub(crate) struct Panel {
    pub(crate) heading: &'static str,
    pub(crate) bars: Vec<Bar>,
}

type Drawn<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The picture of `panels`, with a line `under` them.
pub(crate) fn svg(panels: &[Panel], under: &str) -> Drawn<String> {
    let lines: i32 = panels.iter().map(|panel| panel.bars.len() as i32 + 2).sum();
    let size = (WIDTH as u32, (lines * LINE + 2 * LINE) as u32);
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
    area.fill(&PAPER)?;
    let mut y = LINE;
    for panel in panels {
        text(&area, panel.heading, (12, y), HPos::Left, 15)?;
        y += LINE;
        let longest = panel.bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
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
    let colour = if bar.is_ours { OURS } else { OTHERS };
    text(area, &bar.name, (NAMES - 8, y), HPos::Right, 13)?;
    let corners = [(NAMES, y - LINE / 3), (end, y + LINE / 3)];
    area.draw(&Rectangle::new(corners, colour.filled()))?;
    text(area, &bar.label, (end + 6, y), HPos::Left, 13)
}

fn text(area: &Area<'_>, words: &str, at: (i32, i32), side: HPos, size: u32) -> Drawn {
    let font = ("sans-serif", size).into_font().color(&INK);
    let style = font.pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(words.to_owned(), at, style))?;
    Ok(())
}
