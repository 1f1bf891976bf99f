//! The same in words, for a review on a terminal or on a page.

use chaos_review::words::{Line, Tone};

use super::{StudiedWrite, Study, StudyVerdict};

/// Parameters, and studies of one, that are shown.
const SHOWN: usize = 20;
/// Characters that are shown of a name.
const CHARACTERS_SHOWN: usize = 80;

impl StudiedWrite {
    /// A line each, as [`chaos_review::words::lines`] takes them.
    #[must_use]
    pub fn lines(writes: &[Self]) -> Vec<Line> {
        let mut lines = Vec::new();
        for write in writes.iter().take(SHOWN) {
            write.say(&mut lines);
        }
        more(&mut lines, 2, writes.len());
        if writes.iter().any(|write| write.studies.iter().flatten().next().is_some()) {
            let text = "  What an entry says is the word of who signed it, until its receipt is run again.";
            lines.push(plain(text.to_owned()));
        }
        lines
    }

    fn say(&self, lines: &mut Vec<Line>) {
        let Self { registry, chain, parameter, proposed, .. } = self;
        let current = self.current.as_deref().unwrap_or("no value");
        let text = format!("  {} of {}: {current} → {proposed}", short(parameter), short(chain));
        lines.push(Line { text, tone: Tone::Heading });
        lines.push(plain(format!("    in the registry {registry}")));
        if !self.is_known {
            lines.push(bad("    no simulation knows a parameter of this name".to_owned()));
        }
        match self.studies.as_deref() {
            None => {
                lines.push(bad("    no log is at hand: studies were not looked for".to_owned()))
            }
            Some([]) => {
                let text = format!("    no study of {} = {proposed} in the log", short(parameter));
                lines.push(bad(text));
            }
            Some(studies) => {
                studies.iter().take(SHOWN).for_each(|study| self.say_study(study, lines));
                more(lines, 4, studies.len());
            }
        }
        if !self.other_values.is_empty() {
            let values = self.other_values.iter().take(SHOWN).map(String::as_str);
            let values = values.collect::<Vec<_>>().join(", ");
            lines.push(plain(format!(
                "    other values of it that the log has studies of: {values}"
            )));
        }
    }

    fn say_study(&self, study: &Study, lines: &mut Vec<Line>) {
        let Study { entry, receipt, agent, says, evidence, current: start, .. } = study;
        lines.push(plain(format!("    entry {entry}, {agent} {says}")));
        lines.push(plain(format!("      receipt {receipt}")));
        lines.push(plain(format!(
            "      in the log, evidence {evidence}; claimed, not re-executed"
        )));
        match self.current.as_deref() {
            None => {
                let text = format!("      it starts from {start}; the registry has no value");
                lines.push(plain(text));
            }
            Some(current) if current != start => {
                let text = format!("      it starts from {start}, and the registry has {current}");
                lines.push(bad(text));
            }
            Some(_) => {}
        }
        if !study.is_alone {
            lines.push(bad("      together with other changes".to_owned()));
        }
        if study.verdicts.is_empty() {
            lines.push(plain("      no verdict on it in the log".to_owned()));
        }
        for StudyVerdict { entry, agent, says, holds, .. } in study.verdicts.iter().take(SHOWN) {
            let text = format!("      entry {entry}, {agent} {says}");
            lines.push(if *holds { plain(text) } else { bad(text) });
        }
        more(lines, 6, study.verdicts.len());
    }
}

/// A name in a registry is anybody's text, of any length.
fn short(text: &str) -> String {
    let shown: String = text.chars().take(CHARACTERS_SHOWN).collect();
    if shown.len() < text.len() { format!("{shown}…") } else { shown }
}

fn more(lines: &mut Vec<Line>, indent: usize, all: usize) {
    if all > SHOWN {
        let text = format!("{:indent$}… and {} more; --json has all of them", "", all - SHOWN);
        lines.push(plain(text));
    }
}

const fn plain(text: String) -> Line {
    Line { text, tone: Tone::Plain }
}

const fn bad(text: String) -> Line {
    Line { text, tone: Tone::Bad }
}
