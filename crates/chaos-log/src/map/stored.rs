//! Changes and proofs of a map that is stored by groups.

use std::collections::BTreeMap;

use super::{
    EMPTY, End, Hash, Key, Proof, ReadError, Step, Value,
    group::{
        GROUP_KEYS_MAX, GROUP_WIDTH, Group, GroupId, Parted, Roots, parted, root_of_keys,
        root_of_roots,
    },
};

/// Read access to the groups of a map.
pub trait GroupRead {
    /// Why the storage could not be read.
    type Error;

    /// What is stored for a group, if anything is.
    ///
    /// # Errors
    /// If the storage fails; nothing stored is no failure.
    fn read_group(&self, id: GroupId) -> Result<Option<Group>, Self::Error>;

    /// What is stored for the groups right below one, in order.
    ///
    /// # Errors
    /// If the storage fails.
    fn read_below(&self, id: GroupId) -> Result<Vec<(GroupId, Group)>, Self::Error>;
}

/// Groups that a change writes anew; nothing in the place of those that are no longer stored.
pub type Groups = BTreeMap<GroupId, Option<Group>>;

/// What puts a stored map from one root to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regrouped {
    /// The new root.
    pub root: Hash,
    /// What is stored otherwise.
    pub groups: Groups,
}

/// Puts values in the place of what their keys held, one after another, and says what is stored otherwise
/// after that. Nothing is written.
///
/// # Errors
/// If a group on the way cannot be read, is missing, or does not have the root that it should.
pub fn regroup<R: GroupRead>(
    stored: &R,
    root: &Hash,
    puts: impl IntoIterator<Item = (Key, Value)>,
) -> Result<Regrouped, ReadError<R::Error>> {
    let mut work = Work { stored, changed: Groups::new() };
    let mut root = (*root != EMPTY).then_some(*root);
    for (key, value) in puts {
        root = Some(work.put(GroupId::ROOT, root, (key, value))?);
    }
    Ok(Regrouped { root: root.unwrap_or(EMPTY), groups: work.changed })
}

/// Everything that is stored for a map with these keys, which are in order.
#[must_use]
pub fn grouped(keys: Vec<(Key, Value)>) -> BTreeMap<GroupId, Group> {
    let mut changed = Groups::new();
    if !keys.is_empty() {
        let _root = spread(&mut changed, GroupId::ROOT, keys);
    }
    changed.into_iter().filter_map(|(id, group)| Some((id, group?))).collect()
}

/// Proves what the stored map with root `root` holds for `key`.
///
/// # Errors
/// As [`regroup`].
pub fn prove_grouped<R: GroupRead>(
    stored: &R,
    root: &Hash,
    key: &Key,
) -> Result<Proof, ReadError<R::Error>> {
    let mut steps = Vec::new();
    if *root == EMPTY {
        return Ok(Proof::made(steps, End::Empty));
    }
    let (mut id, mut expected) = (GroupId::ROOT, *root);
    loop {
        match read(stored, id, &expected)? {
            Read::Keys(keys) => {
                let end = way_through_keys(&keys, key, &mut steps);
                return Ok(Proof::made(steps, end));
            }
            Read::Stored(roots) | Read::Below(roots) => {
                let digit = way_through_roots(&*roots, id.bit(), key, &mut steps);
                expected = roots[digit].ok_or(ReadError::Missing { hash: expected })?;
                id = id.below(digit);
            }
        }
    }
}

/// The way of a key among keys in order: which sides it leaves, and the key where it ends.
fn way_through_keys(keys: &[(Key, Value)], key: &Key, steps: &mut Vec<Step>) -> End {
    match parted(keys) {
        Parted::One(key, value) => End::Leaf { key, value },
        Parted::More { bit, left, right } => {
            let (own, other) = if key.bit(bit) { (right, left) } else { (left, right) };
            steps.push(Step { bit, sibling: root_of_keys(other) });
            way_through_keys(own, key, steps)
        }
    }
}

/// The way of a key among groups: which sides it leaves, and the digit of the group where it goes on.
fn way_through_roots(roots: &[Option<Hash>], bit: u8, key: &Key, steps: &mut Vec<Step>) -> usize {
    if roots.len() == 1 {
        return 0;
    }
    let middle = roots.len() / 2;
    let (left, right) = roots.split_at(middle);
    let goes_right = match (root_of_roots(left, bit + 1), root_of_roots(right, bit + 1)) {
        (Some(left), Some(right)) => {
            let (goes_right, sibling) = if key.bit(bit) { (true, left) } else { (false, right) };
            steps.push(Step { bit, sibling });
            goes_right
        }
        (left, _) => left.is_none(),
    };
    if goes_right {
        middle + way_through_roots(right, bit + 1, key, steps)
    } else {
        way_through_roots(left, bit + 1, key, steps)
    }
}

/// A group as it was read, whose root is the one that was expected.
enum Read {
    Keys(Vec<(Key, Value)>),
    /// Roots as they are stored.
    Stored(Box<Roots>),
    /// Roots that those right below state.
    Below(Box<Roots>),
}

fn read<R: GroupRead>(
    stored: &R,
    id: GroupId,
    expected: &Hash,
) -> Result<Read, ReadError<R::Error>> {
    let (read, found) = match stored.read_group(id).map_err(ReadError::Read)? {
        Some(Group::Keys { root, keys }) => {
            let found = root_of_keys(&keys);
            if root != found {
                return Err(ReadError::Other { expected: root, found });
            }
            (Read::Keys(keys), Some(found))
        }
        Some(Group::Roots(roots)) => {
            let found = root_of_roots(&*roots, id.bit());
            (Read::Stored(roots), found)
        }
        None => {
            let mut roots: Roots = [None; GROUP_WIDTH];
            if !id.is_last() {
                let below = stored.read_below(id).map_err(ReadError::Read)?;
                for (below, group) in below {
                    let digit = (0..GROUP_WIDTH).find(|digit| id.below(*digit) == below);
                    if let (Some(digit), Group::Keys { root, .. }) = (digit, group) {
                        roots[digit] = Some(root);
                    }
                }
            }
            (Read::Below(Box::new(roots)), root_of_roots(&roots, id.bit()))
        }
    };
    match found {
        Some(found) if found == *expected => Ok(read),
        // What is stored is a map, and not the one that was asked for.
        Some(found) if id != GroupId::ROOT => Err(ReadError::Other { expected: *expected, found }),
        Some(_) | None => Err(ReadError::Missing { hash: *expected }),
    }
}

/// The stored groups with what has changed since.
struct Work<'a, R> {
    stored: &'a R,
    changed: Groups,
}

impl<R: GroupRead> GroupRead for Work<'_, R> {
    type Error = R::Error;

    fn read_group(&self, id: GroupId) -> Result<Option<Group>, R::Error> {
        match self.changed.get(&id) {
            Some(group) => Ok(group.clone()),
            None => self.stored.read_group(id),
        }
    }

    fn read_below(&self, id: GroupId) -> Result<Vec<(GroupId, Group)>, R::Error> {
        Ok(overlaid(self.stored.read_below(id)?, &self.changed, id))
    }
}

/// What is stored right below a group, with what has changed since.
#[must_use]
pub fn overlaid(
    stored: Vec<(GroupId, Group)>,
    changed: &Groups,
    id: GroupId,
) -> Vec<(GroupId, Group)> {
    let [first, .., last] = id.all_below();
    let mut below: BTreeMap<GroupId, Group> = stored.into_iter().collect();
    for (id, group) in changed.range(first..=last) {
        match group {
            Some(group) => drop(below.insert(*id, group.clone())),
            None => drop(below.remove(id)),
        }
    }
    below.into_iter().collect()
}

impl<R: GroupRead> Work<'_, R> {
    /// Puts a key into a group with this root, and answers the root after that.
    fn put(
        &mut self,
        id: GroupId,
        root: Option<Hash>,
        entry: (Key, Value),
    ) -> Result<Hash, ReadError<R::Error>> {
        let Some(root) = root else { return Ok(self.set_keys(id, vec![entry])) };
        let (mut roots, is_stored) = match read(&*self, id, &root)? {
            Read::Keys(mut keys) => {
                match keys.binary_search_by(|(key, _)| key.cmp(&entry.0)) {
                    Ok(at) if keys[at].1 == entry.1 => return Ok(root),
                    Ok(at) => keys[at] = entry,
                    Err(at) => keys.insert(at, entry),
                }
                if keys.len() <= GROUP_KEYS_MAX || id.is_last() {
                    return Ok(self.set_keys(id, keys));
                }
                return Ok(spread(&mut self.changed, id, keys));
            }
            Read::Stored(roots) => (roots, true),
            Read::Below(roots) => (roots, false),
        };
        let digit = id.digit(&entry.0);
        let below = id.below(digit);
        let own = self.put(below, roots[digit], entry)?;
        if roots[digit].replace(own) == Some(own) {
            return Ok(root);
        }
        // The roots of groups that hold their keys stand with those; one that no longer does is stored here.
        if is_stored || !matches!(self.changed.get(&below), Some(Some(Group::Keys { .. }))) {
            self.changed.insert(id, Some(Group::Roots(roots.clone())));
        }
        Ok(root_of_roots(&*roots, id.bit()).expect("one of them has a key"))
    }

    fn set_keys(&mut self, id: GroupId, keys: Vec<(Key, Value)>) -> Hash {
        let root = root_of_keys(&keys);
        self.changed.insert(id, Some(Group::Keys { root, keys }));
        root
    }
}

/// Stores keys in order, of which there is at least one, in a group and those below it.
fn spread(changed: &mut Groups, id: GroupId, keys: Vec<(Key, Value)>) -> Hash {
    if keys.len() <= GROUP_KEYS_MAX || id.is_last() {
        let root = root_of_keys(&keys);
        changed.insert(id, Some(Group::Keys { root, keys }));
        return root;
    }
    let mut roots: Roots = [None; GROUP_WIDTH];
    let mut lie_deeper = false;
    for part in keys.chunk_by(|(one, _), (next, _)| id.digit(one) == id.digit(next)) {
        let digit = id.digit(&part[0].0);
        roots[digit] = Some(spread(changed, id.below(digit), part.to_vec()));
        lie_deeper |= part.len() > GROUP_KEYS_MAX && !id.below(digit).is_last();
    }
    changed.insert(id, lie_deeper.then(|| Group::Roots(Box::new(roots))));
    root_of_roots(&roots, id.bit()).expect("one of them has a key")
}
