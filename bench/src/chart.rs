//! Pictures of bars, as SVG.

const WIDTH: usize = 860;
const LINE: usize = 24;
const NAMES: usize = 330;
const INK: &str = "#222222";
/// Readable on a page of any colour.
const PAPER: &str = "#FFFFFF";
const OURS: &str = "#00796B";
const OTHERS: &str = "#B0BEC5";

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

/// The picture of `panels`, with a line `under` them.
pub(crate) fn svg(panels: &[Panel], under: &str) -> String {
    let lines: usize = panels.iter().map(|panel| panel.bars.len() + 2).sum();
    let height = (lines + 2) * LINE;
    let mut svg = format!(
        "<svg width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         xmlns=\"http://www.w3.org/2000/svg\">\n"
    );
    svg += &rectangle((0, 0), (WIDTH, height), PAPER);
    let mut y = LINE;
    for panel in panels {
        svg += &text(panel.heading, (12, y), "start", 15.0);
        let longest = panel.bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
        for bar in &panel.bars {
            y += LINE;
            svg += &bar.draw(longest, y);
        }
        y += 2 * LINE;
    }
    svg + &text(under, (12, y), "start", 11.0) + "</svg>\n"
}

impl Bar {
    fn draw(&self, longest: f64, y: usize) -> String {
        // Room for the number behind the longest bar.
        let room = (WIDTH - NAMES - 130) as f64;
        let length = (self.value / longest * room).max(1.0) as usize;
        let colour = if self.is_ours { OURS } else { OTHERS };
        let name = text(&self.name, (NAMES - 8, y), "end", 13.0);
        let bar = rectangle((NAMES, y - LINE / 3), (length, 2 * LINE / 3), colour);
        name + &bar + &text(&self.label, (NAMES + length + 6, y), "start", 13.0)
    }
}

fn rectangle((x, y): (usize, usize), (width, height): (usize, usize), colour: &str) -> String {
    format!(
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" opacity=\"1\" \
         fill=\"{colour}\" stroke=\"none\"/>\n"
    )
}

/// `size` is a line's, of which the letters are a part.
fn text(words: &str, (x, y): (usize, usize), anchor: &str, size: f64) -> String {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let (words, size) = (words.replace('\'', "&apos;"), size / 1.24);
    format!(
        "<text x=\"{x}\" y=\"{y}\" dy=\"0.5ex\" text-anchor=\"{anchor}\" \
         font-family=\"sans-serif\" font-size=\"{size}\" opacity=\"1\" fill=\"{INK}\">\n\
         {words}\n</text>\n"
    )
}
