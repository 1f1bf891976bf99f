//! Tables of text: a header, then a row per line (RFC 4180, without line ends within quotes).

use std::{borrow::Cow, io::BufRead};

use crate::{
    Columns, FeeHistory, Field, HistoryError,
    bytes::Limited,
    cell,
    columns::Layout,
    gather::{Gather, Row},
};

const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// Most columns of a table.
const COLUMNS_MAX: usize = 1_000;

pub(crate) fn read(
    lines: &mut Limited<impl BufRead>,
    columns: &Columns,
) -> Result<FeeHistory, HistoryError> {
    let mut bytes = Vec::new();
    lines.next(&mut bytes)?;
    let header = text(without_mark(&bytes), 1)?;
    if header.trim_start().starts_with(['{', '[']) {
        return Err(HistoryError::Json);
    }
    let mut names = Vec::new();
    split(header, 1, |_, name| names.push(name.trim().to_owned()))?;
    let layout = Layout::of(&names, columns)?;
    let mut gather = Gather::default();
    let (mut line, mut blank) = (1, None);
    while lines.next(&mut bytes)? {
        line += 1;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            blank = blank.or(Some(line));
            continue;
        }
        if let Some(line) = blank {
            return Err(HistoryError::Blank { line });
        }
        gather.push(&row(text(&bytes, line)?, line, &layout)?, line)?;
    }
    gather.finish()
}

/// The bytes of a first line without a byte order mark.
pub(crate) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

pub(crate) fn text(bytes: &[u8], line: u64) -> Result<&str, HistoryError> {
    std::str::from_utf8(bytes).map_err(|_| HistoryError::NotText { line })
}

fn row(text: &str, line: u64, layout: &Layout) -> Result<Row, HistoryError> {
    let mut values = [None; Field::COUNT];
    let mut extra = None;
    let mut problem = None;
    let found = split(text, line, |place, cell| {
        for field in Field::ALL {
            if layout.places[field as usize] == Some(place) {
                let value = match field {
                    Field::Timestamp => cell::time(&cell),
                    Field::ExtraData => {
                        extra = cell::extra_data(&cell);
                        continue;
                    }
                    _ => cell::number(&cell),
                };
                match value {
                    Ok(value) => values[field as usize] = value,
                    Err(error) => {
                        let found = cell.chars().take(80).collect();
                        problem = problem.take().or(Some((field, error, found)));
                    }
                }
            }
        }
    })?;
    if found != layout.width {
        return Err(HistoryError::Width { line, expected: layout.width, found });
    }
    match problem {
        Some((field, problem, found)) => Err(HistoryError::Cell { line, field, problem, found }),
        None => Row::new(values, extra, line),
    }
}

/// Calls `each` with the place and the content of every field, and returns how many there are.
pub(crate) fn split(
    text: &str,
    line: u64,
    mut each: impl FnMut(usize, Cow<'_, str>),
) -> Result<usize, HistoryError> {
    let (mut rest, mut place) = (text, 0);
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            None => {
                let (field, after) = match rest.split_once(',') {
                    Some((field, after)) => (field, Some(after)),
                    None => (rest, None),
                };
                if field.contains('"') {
                    return Err(HistoryError::Quote { line });
                }
                (Cow::Borrowed(field), after)
            }
            Some(quoted) => unquote(quoted, line)?,
        };
        each(place, field);
        place += 1;
        match after {
            Some(after) if place < COLUMNS_MAX => rest = after,
            Some(_) => {
                return Err(HistoryError::Width { line, expected: COLUMNS_MAX, found: place + 1 });
            }
            None => return Ok(place),
        }
    }
}

/// The field that begins after a quote, and what follows the comma behind it.
fn unquote(text: &str, line: u64) -> Result<(Cow<'_, str>, Option<&str>), HistoryError> {
    let mut end = 0;
    let mut doubled = false;
    loop {
        let at = text[end..].find('"').ok_or(HistoryError::Quote { line })? + end;
        if text[at + 1..].starts_with('"') {
            (end, doubled) = (at + 2, true);
            continue;
        }
        let field = &text[..at];
        let field =
            if doubled { Cow::Owned(field.replace("\"\"", "\"")) } else { Cow::Borrowed(field) };
        let after = &text[at + 1..];
        return match after.strip_prefix(',') {
            Some(after) => Ok((field, Some(after))),
            None if after.is_empty() => Ok((field, None)),
            None => Err(HistoryError::Quote { line }),
        };
    }
}
