//! Lines that fit a terminal.
//!
//! Whoever reads a file or a pipe looks for lines as they are; only what goes to a terminal is folded.

/// How many columns a terminal has that says nothing else.
const COLUMNS: usize = 80;

/// Within so many columns stands what a line begins with: a mark, a check's name, a label.
const HEAD_MAX: usize = 24;

/// How far the further lines of a sentence are set in that begins with nothing.
const SET_IN: usize = 2;

/// How many columns there are, where it is a terminal: as `COLUMNS` says, if it is sensible.
pub(super) fn of(is_terminal: bool) -> Option<usize> {
    let said = || std::env::var("COLUMNS").ok()?.parse().ok();
    is_terminal.then(|| said().filter(|said| (40..=1_000).contains(said)).unwrap_or(COLUMNS))
}

/// Text whose lines have so many columns at most, unless a word is longer. They are broken at spaces, and what
/// follows stands under what came after the line's beginning.
pub(super) fn folded(text: &str, columns: Option<usize>) -> String {
    let Some(columns) = columns else { return text.to_owned() };
    let lines = text.split('\n').map(|line| {
        let (start, hang) = head(line);
        fold(line, columns, (start, hang))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A line that begins with `first`, folded so that the rest stands under what follows that.
pub(super) fn hung(first: &str, text: &str, columns: Option<usize>) -> String {
    let line = format!("{first} {text}");
    let Some(columns) = columns else { return line };
    let hang = visible(first) + 1;
    let mut lines = line.split('\n').map(|line| fold(line, columns, (0, hang)));
    let first = lines.next().unwrap_or_default();
    lines.fold(first, |text, line| text + "\n" + &line)
}

/// Rows whose last column stands in a line of its own, under the second one.
pub(super) fn stacked(
    header: &[&str],
    rows: &[Vec<String>],
    columns: usize,
    lay_out: impl Fn(&[&str], &[Vec<String>]) -> Vec<String>,
) -> Vec<String> {
    let Some((last, others)) = header.split_last() else { return Vec::new() };
    let lines = lay_out(others, &rows.iter().map(|row| cut(row, others.len())).collect::<Vec<_>>());
    let first = rows.iter().filter_map(|row| Some(visible(row.first()?)));
    let set_in = first.chain(others.first().map(|title| visible(title))).max().unwrap_or(0) + 2;
    let cells = std::iter::once(Some(*last))
        .chain(rows.iter().map(|row| row.get(others.len()).map(String::as_str)));
    let pairs = lines.into_iter().zip(cells);
    pairs
        .map(|(line, cell)| match cell {
            None => line,
            Some(cell) => {
                let set_in = set_in.min(columns.saturating_sub(visible(cell)).max(SET_IN));
                let cell = format!("{}{cell}", " ".repeat(set_in));
                format!("{line}\n{}", folded(&cell, Some(columns)))
            }
        })
        .collect()
}

fn cut(row: &[String], columns: usize) -> Vec<String> {
    row.iter().take(columns).cloned().collect()
}

/// Where the text of a line begins, after the last wide gap near its start: its byte and its column.
fn head(line: &str) -> (usize, usize) {
    let (mut found, mut column, mut spaces, mut is_code) = ((0, SET_IN), 0, 0, false);
    for (at, c) in line.char_indices() {
        match c {
            '\x1b' => is_code = true,
            'm' if is_code => is_code = false,
            _ if is_code => {}
            _ if column > HEAD_MAX => break,
            ' ' => {
                spaces += 1;
                column += 1;
            }
            _ => {
                if spaces >= 2 {
                    found = (at, column);
                }
                spaces = 0;
                column += 1;
            }
        }
    }
    found
}

fn fold(line: &str, columns: usize, (start, hang): (usize, usize)) -> String {
    if visible(line) <= columns {
        return line.to_owned();
    }
    let mut text = line[..start].to_owned();
    let mut column = visible(&text);
    for (number, word) in line[start..].split(' ').enumerate() {
        let (length, gap) = (visible(word), usize::from(number > 0));
        if column + gap + length <= columns || column + gap <= SET_IN {
            text.push_str(&" ".repeat(gap));
            column += gap + length;
        } else {
            // A word that is too long for its place, as a digest, stands further to the left.
            let set_in = hang.min(columns.saturating_sub(length).max(SET_IN));
            text.truncate(text.trim_end().len());
            text.push('\n');
            text.push_str(&" ".repeat(set_in));
            column = set_in + length;
        }
        text.push_str(word);
    }
    text
}

/// How many columns a text takes, colours aside.
pub(super) fn visible(text: &str) -> usize {
    let mut is_code = false;
    text.chars()
        .filter(|c| {
            let shown = !is_code && *c != '\x1b';
            is_code = if is_code { *c != 'm' } else { *c == '\x1b' };
            shown
        })
        .count()
}

#[cfg(test)]
mod tests;
