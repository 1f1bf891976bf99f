use std::collections::{BTreeMap, BTreeSet};

use super::{
    Group, KnownLog, KnownWitness, Member, POLICY_BYTES_MAX, POLICY_MEMBERS_MAX, Policy,
    PolicyError,
};

/// The name that stands for no quorum, and for nothing else.
const NONE: &[u8] = b"none";

const LINES: &str = "`log <vkey> [<url>]`, `witness <name> <vkey> [<url>]`, \
    `group <name> <all, any or number> <name>...` or `quorum <name>`";

/// Reads a policy file. It is bytes: names may be in any encoding and are compared as they are.
pub(super) fn policy(bytes: &[u8]) -> Result<Policy, PolicyError> {
    if bytes.len() > POLICY_BYTES_MAX {
        return Err(PolicyError::TooLong { bytes: bytes.len() });
    }
    let mut reader = Reader::default();
    for (position, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        reader.line = position + 1;
        let text = line.strip_suffix(b"\n").ok_or_else(|| reader.characters())?;
        if text.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
            return Err(reader.characters());
        }
        let words: Vec<&[u8]> = text
            .split(|byte| matches!(byte, b' ' | b'\t'))
            .filter(|word| !word.is_empty())
            .collect();
        match words.as_slice() {
            [] => {}
            [first, ..] if first.starts_with(b"#") => {}
            [b"log", rest @ ..] => reader.log(rest)?,
            [b"witness", rest @ ..] => reader.witness(rest)?,
            [b"group", rest @ ..] => reader.group(rest)?,
            [b"quorum", rest @ ..] => reader.quorum(rest)?,
            _ => return Err(reader.form(LINES)),
        }
    }
    let [quorum] = reader.quorums[..] else {
        return Err(PolicyError::Quorum { found: reader.quorums.len() });
    };
    Ok(Policy { logs: reader.logs, witnesses: reader.witnesses, groups: reader.groups, quorum })
}

#[derive(Default)]
struct Reader<'a> {
    line: usize,
    logs: Vec<KnownLog>,
    witnesses: Vec<KnownWitness>,
    groups: Vec<Group>,
    quorums: Vec<Option<Member>>,
    names: BTreeMap<&'a [u8], Member>,
    members: BTreeSet<&'a [u8]>,
}

impl<'a> Reader<'a> {
    fn log(&mut self, words: &[&'a [u8]]) -> Result<(), PolicyError> {
        let expected = "`log <vkey> [<url>]`";
        let (key, url) = match *words {
            [key] => (key, None),
            [key, url] => (key, Some(shown(url))),
            _ => return Err(self.form(expected)),
        };
        let key: crate::key::VerifierKey = self.key(key)?;
        if self.logs.iter().any(|log| log.key.public() == key.public()) {
            return Err(PolicyError::Duplicate { line: self.line });
        }
        self.ensure_room(self.logs.len())?;
        self.logs.push(KnownLog { key, url });
        Ok(())
    }

    fn witness(&mut self, words: &[&'a [u8]]) -> Result<(), PolicyError> {
        let expected = "`witness <name> <vkey> [<url>]`";
        let (name, key, url) = match *words {
            [name, key] => (name, key, None),
            [name, key, url] => (name, key, Some(shown(url))),
            _ => return Err(self.form(expected)),
        };
        let key: crate::cosignature::WitnessVerifier = self.key(key)?;
        if self.witnesses.iter().any(|witness| witness.key.public() == key.public()) {
            return Err(PolicyError::Duplicate { line: self.line });
        }
        self.ensure_room(self.witnesses.len())?;
        self.define(name, Member::Witness(self.witnesses.len()))?;
        self.witnesses.push(KnownWitness { name: shown(name), key, url });
        Ok(())
    }

    fn group(&mut self, words: &[&'a [u8]]) -> Result<(), PolicyError> {
        let expected = "`group <name> <all, any or number> <name>...`";
        let [name, threshold, names @ ..] = words else { return Err(self.form(expected)) };
        if names.is_empty() {
            return Err(self.form(expected));
        }
        let threshold = self.threshold(threshold, names.len())?;
        let mut members = Vec::new();
        for member in names {
            members.push(self.defined(member)?);
            if !self.members.insert(member) {
                let name = shown(member);
                return Err(PolicyError::SecondMembership { line: self.line, name });
            }
        }
        self.ensure_room(self.groups.len())?;
        self.define(name, Member::Group(self.groups.len()))?;
        self.groups.push(Group { name: shown(name), threshold, members });
        Ok(())
    }

    fn quorum(&mut self, words: &[&'a [u8]]) -> Result<(), PolicyError> {
        let [name] = words else { return Err(self.form("`quorum <name>`")) };
        let member = if *name == NONE { None } else { Some(self.defined(name)?) };
        self.quorums.push(member);
        Ok(())
    }

    fn threshold(&self, word: &[u8], members: usize) -> Result<usize, PolicyError> {
        let number = match word {
            b"all" => Some(members),
            b"any" => Some(1),
            digits => std::str::from_utf8(digits)
                .ok()
                .and_then(|digits| digits.parse().ok().filter(|k: &usize| k.to_string() == digits)),
        };
        number.filter(|k| (1..=members).contains(k)).ok_or_else(|| PolicyError::Threshold {
            line: self.line,
            found: shown(word),
            members,
        })
    }

    fn key<K: std::str::FromStr<Err = crate::key::KeyError>>(
        &self,
        word: &[u8],
    ) -> Result<K, PolicyError> {
        let line = self.line;
        let text =
            std::str::from_utf8(word).map_err(|_| self.form("a key, whose name is UTF-8"))?;
        text.parse().map_err(|source| PolicyError::Key { line, source })
    }

    fn define(&mut self, name: &'a [u8], member: Member) -> Result<(), PolicyError> {
        if name == NONE || self.names.insert(name, member).is_some() {
            return Err(PolicyError::Redefined { line: self.line, name: shown(name) });
        }
        Ok(())
    }

    fn defined(&self, name: &[u8]) -> Result<Member, PolicyError> {
        let undefined = || PolicyError::Undefined { line: self.line, name: shown(name) };
        self.names.get(name).copied().ok_or_else(undefined)
    }

    const fn ensure_room(&self, number: usize) -> Result<(), PolicyError> {
        if number < POLICY_MEMBERS_MAX {
            Ok(())
        } else {
            Err(PolicyError::TooMany { line: self.line })
        }
    }

    const fn characters(&self) -> PolicyError {
        PolicyError::Characters { line: self.line }
    }

    const fn form(&self, expected: &'static str) -> PolicyError {
        PolicyError::Form { line: self.line, expected }
    }
}

fn shown(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}
