//! The picture, drawn from a view alone.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Borders, Paragraph, Row, Table, Widget};

use super::view::{Application, Count, Nginx, Ratio, Server, View};

/// Of `--once`, in characters.
const WIDTH: u16 = 120;

/// From this width on there is room for three lists side by side.
const WIDE: u16 = 110;

const UNKNOWN: &str = "?";

/// What somebody tells, as it is shown.
fn known<T>(value: Option<T>, shown: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), shown)
}

fn number(number: u64) -> String {
    number.to_string()
}

/// Draws all of it.
pub(super) fn draw(buffer: &mut Buffer, view: &View) {
    let sums = sums(view, buffer.area.width);
    let missing = missing(view, buffer.area.width);
    let servers = rows(view.servers.len());
    let parts = Layout::vertical([
        Constraint::Length(rows(sums.len()).saturating_add(1)),
        Constraint::Length(rows(missing.len())),
        Constraint::Length(if servers == 0 {
            0
        } else {
            servers.saturating_add(3)
        }),
        Constraint::Min(3),
    ]);
    let [summary, unreached, servers, rest] = parts.areas(buffer.area);
    Paragraph::new(sums).render(summary, buffer);
    Paragraph::new(missing).render(unreached, buffer);
    memcached(buffer, servers, view);
    let [hot, slow, refused] = lists(rest);
    hottest(buffer, hot, view);
    slowest(buffer, slow, view);
    refusals(buffer, refused, view);
}

/// Side by side; where that is too narrow, two of them one above the other.
fn lists(area: Rect) -> [Rect; 3] {
    const EVEN: [Constraint; 2] = [Constraint::Fill(1); 2];
    const SPACE: u16 = 2;
    if area.width >= WIDE {
        return Layout::horizontal([Constraint::Fill(1); 3])
            .spacing(SPACE)
            .areas(area);
    }
    let [left, right] = Layout::horizontal(EVEN).spacing(SPACE).areas(area);
    let [above, below] = Layout::vertical(EVEN).areas(right);
    [left, above, below]
}

/// The same without a terminal.
pub(super) fn text(view: &View) -> String {
    let lines_before = missing(view, WIDTH).len() + view.servers.len();
    let rows = rows(lines_before) + longest(view).min(14) + 14;
    let mut buffer = Buffer::empty(Rect::new(0, 0, WIDTH, rows));
    draw(&mut buffer, view);
    lines(&buffer)
}

fn lines(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let lines = buffer.content.chunks(width).map(|cells| {
        let line: String = cells.iter().map(Cell::symbol).collect();
        line.trim_end().to_owned()
    });
    let lines: Vec<String> = lines.collect();
    lines.join("\n").trim_end().to_owned()
}

fn rows(items: usize) -> u16 {
    u16::try_from(items).unwrap_or(u16::MAX / 2)
}

fn longest(view: &View) -> u16 {
    let hottest = view.hottest.as_ref().map_or(0, Vec::len);
    let slowest = view.slowest.as_ref().map_or(0, Vec::len);
    rows(view.refusals.len().max(hottest).max(slowest))
}

fn sums(view: &View, width: u16) -> Vec<Line<'static>> {
    let mut title = vec!["djanginxed top".bold().cyan()];
    if let Some(seconds) = view.seconds {
        title.push(format!("  the last {seconds:.0} s").into());
    }
    let mut lines = vec![Line::from(title)];
    lines.extend(match &view.nginx {
        Some(nginx) => flow("nginx", nginx_sums(nginx), width),
        None => flow(
            "nginx",
            vec![Line::from(
                "not known: nothing tells of its hits (the feed of hits, docs/nginx.md)",
            )],
            width,
        ),
    });
    lines.extend(match &view.application {
        Some(application) => flow("application", application_sums(application), width),
        None => flow(
            "application",
            vec![Line::from(match view.asks_application {
                true => "not known: no process tells",
                false => "not known: give --metrics or --admin",
            })],
            width,
        ),
    });
    lines
}

/// A name, and behind it what is known, in as many lines as it takes.
fn flow(name: &'static str, parts: Vec<Line<'static>>, width: u16) -> Vec<Line<'static>> {
    const NAMES: usize = 13;
    let mut lines = vec![Line::from(format!("{name:NAMES$}").bold())];
    let mut is_first = true;
    for part in parts {
        let current = lines.last().map_or(0, Line::width);
        if !is_first && current + 2 + part.width() > usize::from(width) {
            lines.push(Line::from(" ".repeat(NAMES)));
            is_first = true;
        }
        if let Some(line) = lines.last_mut() {
            if !is_first {
                line.push_span("  ");
            }
            line.spans.extend(part.spans);
        }
        is_first = false;
    }
    lines
}

fn nginx_sums(nginx: &Nginx) -> Vec<Line<'static>> {
    let bytes = known(nginx.bytes.per_second, |bytes| size(bytes as u64));
    vec![
        ratio(nginx.hit_ratio, Style::new().green()),
        Line::from(format!("{} hits/s", rate(nginx.hits))),
        Line::from(format!("{bytes}/s")),
        Line::from(format!("{} hits in all", nginx.hits.total)),
    ]
}

fn application_sums(application: &Application) -> Vec<Line<'static>> {
    let bytes = known(application.queue_bytes, size);
    let render = application.render_seconds;
    let processes = match application.processes {
        1 => "1 process".to_owned(),
        many => format!("{many} processes"),
    };
    let sums = [
        format!("{} requests/s", rate(application.requests)),
        format!("{} bypasses/s", rate(application.bypasses)),
        format!("{} stale/s", rate(application.stale)),
        format!(
            "render {} (all: {})",
            seconds(render.now),
            seconds(render.total)
        ),
        format!("{} stores/s", rate(application.stores)),
        match application.queue_entries {
            Some(0) => "queue 0".to_owned(),
            entries => format!("queue {} pages, {bytes}", known(entries, number)),
        },
        processes,
    ];
    let sums = sums.into_iter().map(Line::from);
    [ratio(application.hit_ratio, Style::new())]
        .into_iter()
        .chain(sums)
        .chain(pending(application))
        .collect()
}

/// Until they are made up for, pages of before a change may be there.
fn pending(application: &Application) -> Option<Line<'static>> {
    let waiting = match application.pending_purges? {
        0 => return None,
        1 => "1 purge waits".to_owned(),
        many => format!("{many} purges wait"),
    };
    Some(Line::from(waiting).red())
}

/// Each in as many lines as it takes.
fn missing(view: &View, width: u16) -> Vec<Line<'static>> {
    let lines = view.unreached.iter().flat_map(|one| {
        let said: Vec<char> = format!("cannot reach {}: {}", one.what, one.why)
            .chars()
            .collect();
        let pieces = said.chunks(usize::from(width).max(1));
        let pieces: Vec<String> = pieces.map(|piece| piece.iter().collect()).collect();
        pieces.into_iter().map(|piece| Line::from(piece).red())
    });
    lines.collect()
}

fn memcached(buffer: &mut Buffer, area: Rect, view: &View) {
    const NAMES: [&str; 7] = [
        "",
        "memory",
        "items",
        "hits",
        "evictions",
        "connections",
        "breaker",
    ];
    if view.servers.is_empty() {
        return;
    }
    let mut cells: Vec<_> = view.servers.iter().map(server).collect();
    let widest = |column: usize| {
        let cells = cells.iter().map(|row| row[column].len());
        cells.chain([NAMES[column].len()]).max().unwrap_or(0)
    };
    let widths: [usize; 7] = std::array::from_fn(widest);
    let space = if area.width >= WIDE { 2 } else { 1 };
    let others: usize = widths[1..]
        .iter()
        .map(|width| width + usize::from(space))
        .sum();
    let room = usize::from(area.width).saturating_sub(others);
    for row in &mut cells {
        row[0] = end_of(&row[0], room);
    }
    let mut widths = widths.map(|width| Constraint::Length(rows(width)));
    widths[0] = Constraint::Fill(1);
    let table = cells.into_iter().zip(&view.servers).map(|(cells, server)| {
        let is_well = server.reached && server.breaker_open != Some(true);
        match is_well {
            true => row_of(cells),
            false => row_of(cells).style(Style::new().fg(Color::Red)),
        }
    });
    let names = row_of(NAMES.map(str::to_owned));
    let table = Table::new(table, widths)
        .header(names)
        .column_spacing(space)
        .block(part("Memcached"));
    Widget::render(table, area, buffer);
}

/// The first to the left, and numbers to the right.
fn row_of<const N: usize>(cells: [String; N]) -> Row<'static> {
    let cells = cells.into_iter().enumerate();
    cells
        .map(|(column, cell)| match column {
            0 => Text::from(cell),
            _ => Text::from(cell).right_aligned(),
        })
        .collect()
}

/// What begins with a line and a title.
fn part(title: &'static str) -> Block<'static> {
    let line = Style::new().dim();
    let block = Block::new().borders(Borders::TOP).border_style(line);
    block.title(title.bold().cyan().not_dim())
}

/// Of a text that is too long, its end: of a path, whole folders where it can be.
fn end_of(text: &str, room: usize) -> String {
    let surplus = text.chars().count().saturating_sub(room);
    if surplus == 0 {
        return text.to_owned();
    }
    let mut folders = text.match_indices('/').map(|(at, _)| &text[at..]);
    match folders.find(|end| end.chars().count() < room) {
        Some(end) => format!("…{end}"),
        None => ['…']
            .into_iter()
            .chain(text.chars().skip(surplus + 1))
            .collect(),
    }
}

/// Of a text that is too long, its beginning.
fn beginning_of(text: String, room: usize) -> String {
    match text.chars().count() > room {
        true => text
            .chars()
            .take(room.saturating_sub(1))
            .chain(['…'])
            .collect(),
        false => text,
    }
}

fn server(server: &Server) -> [String; 7] {
    let of = |some: Option<u64>, all: Option<u64>, shown: fn(u64) -> String| match (some, all) {
        (Some(some), Some(all)) => part_of(&shown(some), &shown(all)),
        (some, _) => known(some, shown),
    };
    let evictions = known(server.evictions, |count| {
        format!("{} {}/s", count.total, rate(count))
    });
    let breaker = match server.breaker_open {
        Some(true) => "OPEN",
        Some(false) => "closed",
        None => UNKNOWN,
    };
    let ratio = server.hit_ratio.now.or(server.hit_ratio.total);
    [
        server.address.clone(),
        of(server.memory, server.memory_limit, size),
        known(server.items, number),
        percent(ratio),
        evictions,
        of(server.connections, server.max_connections, number),
        breaker.to_owned(),
    ]
}

/// The unit of both once, where it is the same.
fn part_of(some: &str, all: &str) -> String {
    let units = some.split_once(' ').zip(all.split_once(' '));
    let same = units.filter(|((_, unit), (_, of_all))| unit == of_all);
    let some = same.map_or(some, |((number, _), _)| number);
    format!("{some} of {all}")
}

fn refusals(buffer: &mut Buffer, area: Rect, view: &View) {
    let rows = view.refusals.iter().map(|one| {
        let what = format!("{} {}", one.kind, one.reason);
        (what, format!("{} {}/s", one.count.total, rate(one.count)))
    });
    let none = match view.application {
        Some(_) => "nothing",
        None => "not known",
    };
    list(buffer, area, "refusals", rows.collect(), none);
}

fn hottest(buffer: &mut Buffer, area: Rect, view: &View) {
    let pages = view.hottest.iter().flatten();
    let rows = pages.map(|page| (page.target.clone(), page.hits.to_string()));
    let none = match view.hottest {
        Some(_) => "none",
        None => "not known: --hit-feed, --admin",
    };
    list(buffer, area, "hottest, 5 min", rows.collect(), none);
}

fn slowest(buffer: &mut Buffer, area: Rect, view: &View) {
    let pages = view.slowest.iter().flatten();
    let time = |milliseconds| match milliseconds {
        0 => "< 1 ms".to_owned(),
        more => format!("{more} ms"),
    };
    let rows = pages.map(|page| (page.target.clone(), time(page.milliseconds)));
    let none = match view.slowest {
        Some(_) => "none",
        None => "not known: --admin",
    };
    list(buffer, area, "slowest renders", rows.collect(), none);
}

/// Names and their numbers, or `none`.
fn list(
    buffer: &mut Buffer,
    area: Rect,
    title: &'static str,
    rows: Vec<(String, String)>,
    none: &'static str,
) {
    let widest = rows.iter().map(|(_, number)| number.len()).max();
    let widest = widest.unwrap_or_default();
    let room = usize::from(area.width).saturating_sub(widest + 1);
    let rows = match rows.is_empty() {
        true => vec![Row::new([none.dim()])],
        false => rows
            .into_iter()
            .map(|(name, number)| row_of([beginning_of(name, room), number]))
            .collect(),
    };
    let widths = [Constraint::Fill(1), Constraint::Length(self::rows(widest))];
    let table = Table::new(rows, widths).block(part(title));
    Widget::render(table, area, buffer);
}

fn rate(count: Count) -> String {
    match count.per_second {
        Some(rate) if rate >= 100.0 || rate == 0.0 => format!("{rate:.0}"),
        Some(rate) => format!("{rate:.1}"),
        None => UNKNOWN.to_owned(),
    }
}

fn ratio(ratio: Ratio, style: Style) -> Line<'static> {
    let all = percent(ratio.total);
    match ratio.now {
        None => Line::from(format!("idle (all: {all} hits)")),
        now => Line::from(vec![
            Span::styled(percent(now), style.bold()),
            format!(" hits (all: {all})").into(),
        ]),
    }
}

fn percent(part: Option<f64>) -> String {
    part.map_or_else(|| "-".to_owned(), |part| format!("{:.1}%", part * 100.0))
}

fn seconds(time: Option<f64>) -> String {
    match time {
        Some(time) if time < 0.01 => format!("{:.2} ms", time * 1e3),
        Some(time) if time < 1.0 => format!("{:.0} ms", time * 1e3),
        Some(time) => format!("{time:.1} s"),
        None => "-".to_owned(),
    }
}

fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut number, mut unit) = (bytes as f64, 0);
    while number >= 1000.0 && unit + 1 < UNITS.len() {
        number /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        _ => format!("{number:.1} {}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests;
