use std::{
    fmt, fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{Evidence, Provider, Quote, ReasonCode, Refusal, ReportData, quote::QUOTE_BYTES_MAX};

/// A quote is asked for this often before a race with another writer counts as a failure.
const ATTEMPTS_MAX: u32 = 4;
/// The kernel's short answers (provider, generation) are at most this long, in bytes.
const ANSWER_BYTES_MAX: usize = 64;
/// What the kernel calls the reports of a TDX guest.
const PROVIDER: &str = "tdx_guest";

/// Quotes of the TDX trust domain that this process runs in, by the kernel's
/// [configfs-tsm](https://docs.kernel.org/ABI/testing/configfs-tsm.html) interface (Linux 6.7 and
/// later; needs permission to create entries there).
///
/// Each quote has an entry of its own. The generation counter shows if anybody else wrote to it;
/// then the quote is asked for again, a few times. Whatever the kernel gives is a quote over the 64
/// bytes asked for, or it is refused. Collateral comes from elsewhere, and the boot event log is not
/// read.
#[derive(Clone)]
pub struct Configfs {
    root: PathBuf,
    files: Arc<dyn Files>,
}

/// Where kernels mount the interface.
pub const TSM_ROOT: &str = "/sys/kernel/config/tsm";

impl Configfs {
    /// The interface below `root`, which holds the folder `report`: [`TSM_ROOT`] on a real system.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root, files: Arc::new(System) }
    }

    /// An entry under a name that nobody has: one that a killed process left is passed over.
    fn create_entry(&self) -> Result<Entry<'_>, Refusal> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("chaoschain-{}-{number}", process::id());
            let path = self.root.join("report").join(name);
            match self.files.create_entry(&path) {
                Ok(()) => return Ok(Entry { path, files: &*self.files }),
                Err(error)
                    if error.kind() == io::ErrorKind::AlreadyExists && attempts < ATTEMPTS_MAX => {}
                Err(error) => {
                    return Err(unavailable(format!(
                        "cannot create {}: {error}; is this a TDX guest with configfs mounted?",
                        path.display()
                    )));
                }
            }
        }
    }
}

impl Provider for Configfs {
    fn quote(&self, report_data: &ReportData) -> Result<Evidence, Refusal> {
        let entry = self.create_entry()?;
        entry.ensure_provider()?;
        for _ in 0..ATTEMPTS_MAX {
            if let Some(quote) = entry.attempt(report_data)? {
                return Ok(Evidence { quote, collateral: None, event_log: None });
            }
        }
        Err(unavailable(format!(
            "{} was written to by somebody else in each of {ATTEMPTS_MAX} attempts",
            entry.path.display()
        )))
    }

    fn about(&self) -> String {
        format!("TDX by configfs at {}", self.root.display())
    }
}

impl fmt::Debug for Configfs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configfs").field("root", &self.root).finish_non_exhaustive()
    }
}

/// One entry of the interface; dropping it removes it.
struct Entry<'a> {
    path: PathBuf,
    files: &'a dyn Files,
}

impl Entry<'_> {
    fn ensure_provider(&self) -> Result<(), Refusal> {
        let found = self.answer("provider")?;
        if found == PROVIDER {
            return Ok(());
        }
        Err(unavailable(format!("expected reports of `{PROVIDER}`, found `{found}`")))
    }

    /// One quote, or `None` if somebody else wrote to the entry meanwhile.
    fn attempt(&self, report_data: &ReportData) -> Result<Option<Vec<u8>>, Refusal> {
        let before = self.generation()?;
        self.write("inblob", report_data.as_bytes())?;
        let raw = match self.files.read(&self.path.join("outblob"), QUOTE_BYTES_MAX + 1) {
            Ok(raw) => raw,
            // The kernel's answers to a write between the request and the read.
            Err(error)
                if [io::ErrorKind::WouldBlock, io::ErrorKind::ResourceBusy]
                    .contains(&error.kind()) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(self.failed("read", "outblob", &error)),
        };
        if self.generation()? != before.wrapping_add(1) {
            return Ok(None);
        }
        let quote = Quote::parse(&raw)
            .map_err(|refusal| unavailable(format!("outblob holds no quote: {refusal}")))?;
        if quote.report_data() != report_data.as_bytes() {
            return Err(unavailable("outblob holds a quote over other report data".to_owned()));
        }
        Ok(Some(quote.bytes().to_vec()))
    }

    fn generation(&self) -> Result<u64, Refusal> {
        let text = self.answer("generation")?;
        text.parse()
            .map_err(|_| unavailable(format!("expected a number as generation, found `{text}`")))
    }

    fn answer(&self, file: &str) -> Result<String, Refusal> {
        let bytes = self
            .files
            .read(&self.path.join(file), ANSWER_BYTES_MAX)
            .map_err(|error| self.failed("read", file, &error))?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    fn write(&self, file: &str, bytes: &[u8]) -> Result<(), Refusal> {
        self.files
            .write(&self.path.join(file), bytes)
            .map_err(|error| self.failed("write", file, &error))
    }

    fn failed(&self, what: &str, file: &str, error: &io::Error) -> Refusal {
        unavailable(format!("cannot {what} {}: {error}", self.path.join(file).display()))
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        // An entry that stays costs the kernel a few bytes and harms no later quote.
        let _ = self.files.remove_entry(&self.path);
    }
}

/// The four operations that the interface takes. The kernel is one implementation; the other is a
/// simulation of it over an ordinary folder, whose files do not react by themselves.
trait Files: Send + Sync {
    /// Creates an entry, whose files appear with it.
    fn create_entry(&self, path: &Path) -> io::Result<()>;
    /// Writes a file that exists, in one piece.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Reads at most `bytes_max` bytes of a file.
    fn read(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>>;
    /// Removes an entry with its files.
    fn remove_entry(&self, path: &Path) -> io::Result<()>;
}

struct System;

impl Files for System {
    fn create_entry(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::OpenOptions::new().write(true).open(path)?.write_all(bytes)
    }

    fn read(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        fs::File::open(path)?.take(bytes_max as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn remove_entry(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }
}

fn unavailable(detail: String) -> Refusal {
    Refusal::new(ReasonCode::ProviderUnavailable, detail)
}

#[cfg(test)]
mod tests;
