use std::sync::Mutex;

use super::*;
use crate::provide::{
    Development,
    development::{Scenario, Seed, Shape, Window},
};

/// The kernel's side of the interface over an ordinary folder: entries appear with their files, a
/// write to `inblob` raises the generation and makes a quote, and removing takes the files along.
struct Kernel {
    machine: Development,
    provider: &'static str,
    trouble: Mutex<Vec<Trouble>>,
    /// How many of the next names are taken.
    taken: Mutex<u32>,
}

/// What goes wrong with the next quote.
#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    None,
    /// Somebody else asks for a quote after we did.
    Race,
    /// The same, and the kernel notices.
    WouldBlock,
    /// The quote ends too early.
    Short,
    /// The file is not there.
    Missing,
    /// The quote is longer than quotes are.
    Long,
    /// The kernel answers an earlier question.
    Stale,
    /// The platform does not answer.
    Broken,
}

impl Kernel {
    fn next_trouble(&self) -> Trouble {
        self.trouble.lock().unwrap().pop().unwrap_or(Trouble::None)
    }

    fn ask(&self, entry: &Path, report_data: &[u8]) -> io::Result<()> {
        let generation = entry.join("generation");
        let number: u64 = fs::read_to_string(&generation)?.trim().parse().unwrap();
        fs::write(generation, format!("{}\n", number + 1))?;
        let report_data = ReportData::from_bytes(report_data.try_into().unwrap());
        fs::write(entry.join("outblob"), self.machine.quote(&report_data).unwrap().quote)
    }
}

impl Files for Kernel {
    fn create_entry(&self, path: &Path) -> io::Result<()> {
        let mut taken = self.taken.lock().unwrap();
        if *taken > 0 {
            *taken -= 1;
            fs::create_dir(path)?;
        }
        System.create_entry(path)?;
        fs::write(path.join("provider"), format!("{}\n", self.provider))?;
        fs::write(path.join("generation"), "0\n")?;
        fs::write(path.join("inblob"), "")
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        System.write(path, bytes)?;
        self.ask(path.parent().unwrap(), bytes)
    }

    fn read(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
        if !path.ends_with("outblob") {
            return System.read(path, bytes_max);
        }
        let entry = path.parent().unwrap();
        match self.next_trouble() {
            Trouble::None => {}
            Trouble::Race => self.ask(entry, &[0xff; 64])?,
            Trouble::WouldBlock => return Err(io::ErrorKind::WouldBlock.into()),
            Trouble::Short => fs::write(path, &fs::read(path)?[..600])?,
            Trouble::Missing => fs::remove_file(path)?,
            Trouble::Long => fs::write(path, [fs::read(path)?, vec![0; QUOTE_BYTES_MAX]].concat())?,
            Trouble::Stale => {
                let report_data = ReportData::bind("another question", &[]);
                fs::write(path, self.machine.quote(&report_data).unwrap().quote)?;
            }
            Trouble::Broken => return Err(io::ErrorKind::TimedOut.into()),
        }
        System.read(path, bytes_max)
    }

    fn remove_entry(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }
}

struct Guest {
    folder: tempfile::TempDir,
    provider: Configfs,
}

/// A guest whose kernel has these troubles, one a quote.
fn guest(provider: &'static str, troubles: &[Trouble]) -> Guest {
    guest_after(0, provider, troubles)
}

/// The same, where a killed process left so many entries.
fn guest_after(taken: u32, provider: &'static str, troubles: &[Trouble]) -> Guest {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("report")).unwrap();
    let scenario = Scenario::new(Window::of_day(1_790_000_000)).shape(Shape::V5Td15);
    let kernel = Kernel {
        machine: Development::simulating(&Seed::well_known(), scenario),
        provider,
        trouble: Mutex::new(troubles.iter().rev().copied().collect()),
        taken: Mutex::new(taken),
    };
    let provider = Configfs { root: folder.path().to_owned(), files: Arc::new(kernel) };
    Guest { folder, provider }
}

fn report_data() -> ReportData {
    ReportData::bind("test", &[b"configfs"])
}

#[track_caller]
fn check_refused(guest: &Guest, part: &str) {
    let refusal = guest.provider.quote(&report_data()).unwrap_err();
    assert_eq!(refusal.code, ReasonCode::ProviderUnavailable);
    assert!(refusal.detail.contains(part), "{refusal}");
    assert_eq!(entries(guest), 0);
}

fn entries(guest: &Guest) -> usize {
    fs::read_dir(guest.folder.path().join("report")).unwrap().count()
}

#[test]
fn a_quote_is_over_the_bytes_asked_for_and_leaves_no_entry() {
    let guest = guest("tdx_guest", &[]);
    for part in [b"one", b"two"] {
        let report_data = ReportData::bind("test", &[part]);
        let evidence = guest.provider.quote(&report_data).unwrap();
        let quote = Quote::parse(&evidence.quote).unwrap();
        assert_eq!(quote.report_data(), report_data.as_bytes());
        assert_eq!((evidence.collateral, evidence.event_log), (None, None));
        assert_eq!(entries(&guest), 0);
    }
}

#[test]
fn entries_that_a_killed_process_left_are_passed_over() {
    let left = guest_after(3, "tdx_guest", &[]);
    left.provider.quote(&report_data()).unwrap();
    assert_eq!(entries(&left), 3);
    let left = guest_after(4, "tdx_guest", &[]);
    let refusal = left.provider.quote(&report_data()).unwrap_err();
    assert!(refusal.detail.contains("cannot create"), "{refusal}");
}

#[test]
fn a_race_is_noticed_and_the_quote_asked_for_again() {
    for race in [Trouble::Race, Trouble::WouldBlock] {
        let guest = guest("tdx_guest", &[race, race, race]);
        let evidence = guest.provider.quote(&report_data()).unwrap();
        let quote = Quote::parse(&evidence.quote).unwrap();
        assert_eq!(quote.report_data(), report_data().as_bytes());
    }
}

#[test]
fn a_race_without_end_is_given_up() {
    check_refused(&guest("tdx_guest", &[Trouble::Race; 4]), "in each of 4 attempts");
}

#[test]
fn other_providers_are_refused() {
    check_refused(&guest("sev_guest", &[]), "expected reports of `tdx_guest`, found `sev_guest`");
}

#[test]
fn what_is_no_quote_over_the_bytes_asked_for_is_refused() {
    check_refused(&guest("tdx_guest", &[Trouble::Short]), "outblob holds no quote");
    check_refused(&guest("tdx_guest", &[Trouble::Long]), "quote-too-large");
    check_refused(&guest("tdx_guest", &[Trouble::Stale]), "a quote over other report data");
    check_refused(&guest("tdx_guest", &[Trouble::Missing]), "cannot read");
    check_refused(&guest("tdx_guest", &[Trouble::Broken]), "timed out");
}

#[test]
fn a_system_without_the_interface_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = Configfs::new(folder.path().join("tsm")).quote(&report_data()).unwrap_err();
    assert_eq!(refusal.code, ReasonCode::ProviderUnavailable);
    assert!(refusal.detail.contains("is this a TDX guest"), "{refusal}");
}

#[test]
fn an_entry_without_files_is_refused_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("report")).unwrap();
    let refusal = Configfs::new(folder.path().to_owned()).quote(&report_data()).unwrap_err();
    assert!(refusal.detail.contains("provider: No such file"), "{refusal}");
    assert_eq!(fs::read_dir(folder.path().join("report")).unwrap().count(), 0);
}
