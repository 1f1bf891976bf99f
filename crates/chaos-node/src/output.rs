//! What people and scripts see: data on stdout, talk on stderr.

mod escape;
mod start;
mod width;

use std::{
    fmt::Display,
    io::{self, ErrorKind, IsTerminal as _, Write as _},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chaos_report::text;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

pub(crate) use self::escape::{Painted, one_line};
use crate::exit::{Failure, Kind, OrFail as _};

/// Whether to colour: a terminal, and nobody asked for no colour.
fn colours(terminal: bool) -> bool {
    terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn paint(code: &'static str, text: &str, terminal: bool) -> Painted {
    Painted::new(colours(terminal).then_some(code), text)
}

/// The first write of data that failed, kept until the command has done its work.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Whether the reader of the data went away.
static GONE: AtomicBool = AtomicBool::new(false);

/// One line of data, or several, their control characters escaped. Data that could hold a newline of
/// its own goes through [`one_line`] first. What cannot be written is told at the end, by
/// [`ensure_written`].
pub(crate) fn line(text: impl Display) {
    let text = escape::lines(text);
    note(start::ensure_open().and_then(|()| writeln!(io::stdout(), "{text}")));
}

/// Data in words, folded where a terminal reads it. What a script reads, or a person copies whole, is a
/// [`line()`].
pub(crate) fn sentence(text: impl Display) {
    let text = width::folded(&escape::lines(text), width::of(io::stdout().is_terminal()));
    note(start::ensure_open().and_then(|()| writeln!(io::stdout(), "{text}")));
}

/// A number of things in words: one entry, two entries.
pub(crate) fn count(number: u64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

/// Keeps the first failure to write data. A reader that went away has read enough: that is none.
fn note(written: io::Result<()>) {
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => GONE.store(true, Ordering::Relaxed),
        Err(error) => {
            LOST.get_or_init(|| error);
        }
    }
}

/// Whether all data so far went out to a reader: what did not was told to nobody.
pub(crate) fn is_read() -> bool {
    note(io::stdout().flush());
    LOST.get().is_none() && !GONE.load(Ordering::Relaxed)
}

/// Refuses to end well when data did not reach its reader.
pub(crate) fn ensure_written() -> Result<(), Failure> {
    note(io::stdout().flush());
    match LOST.get() {
        Some(error) => Err(Failure::message(
            Kind::Storage,
            format_args!("cannot write the output: {error}"),
        )
        .hint(
            "the work is done and stays, only what it prints was lost: what reads can be run \
                     again, what adds to a log or a folder would add twice",
        )),
        None => Ok(()),
    }
}

/// Prints the help, or what is wrong with the command line.
pub(crate) fn usage(error: &clap::Error) {
    let written = error.print();
    if !error.use_stderr() {
        note(start::ensure_open().and(written));
    }
}

/// One line of talk, as [`line()`].
pub(crate) fn say(text: impl Display) {
    let _closed = writeln!(std::io::stderr(), "{}", escape::lines(text));
}

/// Talk in words, folded where a terminal reads it.
pub(crate) fn tell(text: impl Display) {
    let text = width::folded(&escape::lines(text), width::of(io::stderr().is_terminal()));
    let _closed = writeln!(io::stderr(), "{text}");
}

/// One JSON document on one line.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).or_fail(Kind::Check)?;
    line(text);
    Ok(())
}

/// What a server says once it listens. Whoever does not learn where it listens cannot use it.
pub(crate) fn ready(value: &impl Serialize) -> Result<(), Failure> {
    json(value)?;
    ensure_written()
}

/// Some errors draw the place in several lines; the further ones are set in, so that none of them
/// reads as a line of its own.
pub(crate) fn error(text: &str) {
    talk("error:", "1;31", &text.replace('\n', "\n       "));
}

pub(crate) fn hint(text: &str) {
    say("");
    talk("hint:", "36", text);
}

/// Talk that begins with a word in a colour, folded where a terminal reads it.
fn talk(word: &str, code: &'static str, text: &str) {
    let is_terminal = io::stderr().is_terminal();
    let word = escape::lines(paint(code, word, is_terminal));
    let text = width::hung(&word, &escape::lines(text), width::of(is_terminal));
    let _closed = writeln!(io::stderr(), "{text}");
}

/// A word in the colour of its meaning.
pub(crate) fn good(text: &str) -> Painted {
    paint("32", text, std::io::stdout().is_terminal())
}

/// A word in the colour of its meaning.
pub(crate) fn bad(text: &str) -> Painted {
    paint("1;31", text, std::io::stdout().is_terminal())
}

/// A quieter word.
pub(crate) fn dim(text: &str) -> Painted {
    paint("2", text, std::io::stdout().is_terminal())
}

/// A louder word.
pub(crate) fn bold(text: &str) -> Painted {
    paint("1", text, std::io::stdout().is_terminal())
}

/// A progress bar on stderr, hidden where stderr is not a terminal.
pub(crate) fn progress(what: &str, total: u64) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    if let Ok(style) =
        ProgressStyle::with_template("{msg} {bar:32} {percent} % {pos}/{len} {elapsed}, {eta} left")
    {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Whether somebody watches what is said.
pub(crate) fn is_talk_on_a_terminal() -> bool {
    io::stderr().is_terminal()
}

/// What there is to say of a work beside its count, with the time that it still takes.
pub(crate) fn beside(bar: &ProgressBar, text: &str) {
    if bar.prefix().is_empty() {
        let template = "{prefix} {bar:24} {pos}/{len} {msg}, {elapsed}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(bar.message());
    }
    bar.set_message(text.to_owned());
}

/// Rows in columns, the first left-aligned, the others right-aligned if they look like numbers.
/// A row is one line, whatever its cells hold; where a terminal is narrower than that, its last cell stands in
/// further ones.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| one_line(cell)).collect()).collect();
    let mut lines = text::columns(header, &rows);
    if let Some(columns) = width::of(io::stdout().is_terminal())
        && lines.iter().any(|line| width::visible(line) > columns)
    {
        lines = width::stacked(header, &rows, columns, text::columns);
    }
    let mut lines = lines.into_iter();
    line(bold(&lines.next().unwrap_or_default()));
    lines.for_each(line);
}
