//! A program that ends with the process that started it, and all its own children with it.
//!
//! Killing a process leaves its children alive, and a process that is killed runs no destructor. So a
//! program is started by a guard, a shell of a few words that leads a process group of its own: it
//! starts the program, then waits for the end of its input, whose other end this process holds and
//! the system closes however this process ends, and then kills the group.

use std::{
    ffi::OsStr,
    io::{self, ErrorKind},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process_group};

/// What the guard runs. It lets go of the outputs, so that they close when the program ends.
const GUARD: &str = r#""$@" </dev/null & exec >/dev/null 2>&1; read -r _; kill -KILL 0"#;

/// A running program with its children. Dropping it ends them all.
#[derive(Debug)]
pub struct ProcessGroup {
    guard: Child,
}

impl ProcessGroup {
    /// Starts the program; its stdout and stderr can be taken once each.
    ///
    /// # Errors
    /// If the program is not there or may not be run.
    pub fn start<S: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
    ) -> io::Result<Self> {
        ensure_executable(program)?;
        let guard = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        Ok(Self { guard })
    }

    /// What the program prints.
    #[must_use]
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.guard.stdout.take()
    }

    /// What the program says.
    #[must_use]
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.guard.stderr.take()
    }

    /// The operating system's number of the group.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.guard.id()
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // The guard is not waited for yet, so its number still names this group and no other. All may
        // have ended by themselves; then there is nothing left to do.
        let _gone = kill_process_group(Pid::from_child(&self.guard), Signal::KILL);
        let _gone = self.guard.wait();
    }
}

/// The shell would tell of a program that it cannot run only in words.
fn ensure_executable(program: &Path) -> io::Result<()> {
    let metadata = std::fs::metadata(program)?;
    if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 {
        return Ok(());
    }
    Err(ErrorKind::PermissionDenied.into())
}

#[cfg(test)]
mod tests;
