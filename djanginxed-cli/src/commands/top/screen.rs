//! The picture, drawn from a view alone.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph, Row, Table, Widget};

use super::view::{Application, Count, Nginx, Ratio, Server, View};

/// Of `--once`, in characters.
const WIDTH: u16 = 120;

const UNKNOWN: &str = "?";

/// Draws all of it.
pub(super) fn draw(buffer: &mut Buffer, view: &View) {
    let lists = longest(view).clamp(3, 14);
    let servers = u16::try_from(view.servers.len()).unwrap_or(u16::MAX);
    let parts = Layout::vertical([
        Constraint::Length(6),
        Constraint::Length(rows(view.unreached.len())),
        Constraint::Length(if servers == 0 {
            0
        } else {
            servers.saturating_add(2)
        }),
        Constraint::Length(lists.saturating_add(2)),
    ]);
    let [summary, unreached, servers, lists] = parts.areas(buffer.area);
    sums(view).render(summary, buffer);
    missing(view).render(unreached, buffer);
    Widget::render(memcached(view), servers, buffer);
    let columns = [
        Constraint::Percentage(36),
        Constraint::Percentage(32),
        Constraint::Percentage(32),
    ];
    let [left, middle, right] = Layout::horizontal(columns).spacing(2).areas(lists);
    refusals(buffer, left, view);
    hottest(buffer, middle, view);
    slowest(buffer, right, view);
}

/// The same without a terminal.
pub(super) fn text(view: &View) -> String {
    let rows = rows(view.unreached.len() + view.servers.len()) + longest(view).min(14) + 14;
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

fn sums(view: &View) -> Paragraph<'static> {
    let title = match view.seconds {
        Some(seconds) => format!("djanginxed top  the last {seconds:.0} s"),
        None => "djanginxed top".to_owned(),
    };
    let mut lines = vec![Line::from(title).bold()];
    lines.extend(match &view.nginx {
        Some(nginx) => nginx_lines(nginx),
        None => vec![Line::from(
            "nginx        not known: nothing tells of its hits (the feed of hits, docs/nginx.md)",
        )],
    });
    lines.extend(match &view.application {
        Some(application) => application_lines(application),
        None => vec![Line::from(
            "application  not known: give --metrics or --admin",
        )],
    });
    Paragraph::new(lines)
}

fn nginx_lines(nginx: &Nginx) -> Vec<Line<'static>> {
    let (hits, bytes) = (rate(nginx.hits), nginx.bytes.per_second);
    let bytes = bytes.map_or_else(|| UNKNOWN.to_owned(), |bytes| size(bytes as u64));
    vec![Line::from(format!(
        "nginx        {}  {hits} hits/s  {bytes}/s  {} hits in all",
        ratio(nginx.hit_ratio),
        nginx.hits.total,
    ))]
}

fn application_lines(application: &Application) -> Vec<Line<'static>> {
    let known = |number: Option<u64>| number.map_or_else(|| UNKNOWN.to_owned(), |n| n.to_string());
    let bytes = application
        .queue_bytes
        .map_or_else(|| UNKNOWN.to_owned(), size);
    vec![
        Line::from(format!(
            "application  {}  {} requests/s  {} bypasses/s  {} stale/s",
            ratio(application.hit_ratio),
            rate(application.requests),
            rate(application.bypasses),
            rate(application.stale),
        )),
        Line::from(format!(
            "             render {} (all: {})  {} stores/s  queue {} pages, {bytes}  {} {}",
            seconds(application.render_seconds.now),
            seconds(application.render_seconds.total),
            rate(application.stores),
            known(application.queue_entries),
            application.processes,
            if application.processes == 1 {
                "process"
            } else {
                "processes"
            },
        )),
    ]
}

fn missing(view: &View) -> Paragraph<'static> {
    let lines = view.unreached.iter().map(|one| {
        let line = format!("cannot reach {}: {}", one.what, one.why);
        Line::from(line).style(Style::new().fg(Color::Red))
    });
    Paragraph::new(lines.collect::<Vec<_>>())
}

fn memcached(view: &View) -> Table<'static> {
    let widths = [
        Constraint::Fill(3),
        Constraint::Length(20),
        Constraint::Length(9),
        Constraint::Length(7),
        Constraint::Length(16),
        Constraint::Length(12),
        Constraint::Length(7),
    ];
    let names = [
        "Memcached",
        "memory",
        "items",
        "hits",
        "evictions",
        "connections",
        "breaker",
    ];
    let rows = view.servers.iter().map(server);
    Table::new(rows, widths)
        .header(Row::new(names).style(Style::new().bold()))
        .block(Block::new().borders(Borders::TOP))
}

fn server(server: &Server) -> Row<'static> {
    let known = |number: Option<u64>| number.map_or_else(|| UNKNOWN.to_owned(), |n| n.to_string());
    let of = |some: Option<u64>, all: Option<u64>, shown: fn(u64) -> String| match (some, all) {
        (Some(some), Some(all)) => format!("{} of {}", shown(some), shown(all)),
        (Some(some), None) => shown(some),
        _ => UNKNOWN.to_owned(),
    };
    let evictions = server.evictions.map_or_else(
        || UNKNOWN.to_owned(),
        |count| format!("{} {}/s", count.total, rate(count)),
    );
    let breaker = match server.breaker_open {
        Some(true) => "OPEN",
        Some(false) => "closed",
        None => UNKNOWN,
    };
    let ratio = server.hit_ratio.now.or(server.hit_ratio.total);
    let row = Row::new([
        server.address.clone(),
        of(server.memory, server.memory_limit, size),
        known(server.items),
        percent(ratio),
        evictions,
        of(server.connections, server.max_connections, |number| {
            number.to_string()
        }),
        breaker.to_owned(),
    ]);
    let is_well = server.reached && server.breaker_open != Some(true);
    match is_well {
        true => row,
        false => row.style(Style::new().fg(Color::Red)),
    }
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
    let rows = pages.map(|page| (page.target.clone(), format!("{} ms", page.milliseconds)));
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
    let widest = u16::try_from(widest.unwrap_or_default()).unwrap_or(u16::MAX);
    let rows = match rows.is_empty() {
        true => vec![Row::new([none.to_owned()])],
        false => rows
            .into_iter()
            .map(|(name, number)| Row::new([name, number]))
            .collect(),
    };
    let block = Block::new().borders(Borders::TOP).title(title);
    let widths = [Constraint::Fill(1), Constraint::Length(widest)];
    Widget::render(Table::new(rows, widths).block(block), area, buffer);
}

fn rate(count: Count) -> String {
    match count.per_second {
        Some(rate) if rate >= 100.0 || rate == 0.0 => format!("{rate:.0}"),
        Some(rate) => format!("{rate:.1}"),
        None => UNKNOWN.to_owned(),
    }
}

fn ratio(ratio: Ratio) -> String {
    format!(
        "{} hits (all: {})",
        percent(ratio.now),
        percent(ratio.total)
    )
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
