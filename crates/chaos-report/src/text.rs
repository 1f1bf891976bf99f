//! Tables on a terminal.

/// Rows in columns, the first left-aligned, the others right-aligned if all of their cells look like
/// numbers; the first line is the header. A cell is one line of harmless text, which is the caller's to
/// see to.
#[must_use]
pub fn columns(header: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row.get(column).map_or(0, |cell| cell.chars().count()))
            .chain([header[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..header.len()).map(width).collect();
    let numeric: Vec<_> = (0..header.len())
        .map(|column| {
            column > 0 && rows.iter().all(|row| row.get(column).is_none_or(|cell| is_number(cell)))
        })
        .collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().enumerate().map(|(column, cell)| {
            let pad = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
            if numeric[column] { format!("{pad}{cell}") } else { format!("{cell}{pad}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let titles: Vec<String> = header.iter().map(|&title| title.to_owned()).collect();
    std::iter::once(&titles).chain(rows).map(|cells| line(cells)).collect()
}

fn is_number(cell: &str) -> bool {
    cell.chars().next().is_none_or(|first| first.is_ascii_digit() || "+-−–±".contains(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right_and_words_to_the_left() {
        let row = |name: &str, size: &str| vec![name.to_owned(), size.to_owned()];
        let rows = [row("b", "9"), row("longer", "−10")];
        let lines = columns(&["name", "size"], &rows);
        assert_eq!(lines, ["name    size", "b          9", "longer   −10"]);
        let words = [row("b", "nine"), row("c", "")];
        assert_eq!(columns(&["name", "size"], &words), ["name  size", "b     nine", "c"]);
    }
}
