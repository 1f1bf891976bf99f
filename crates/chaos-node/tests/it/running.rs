//! Programs that run on while a test talks to them: their lines are waited for, with a deadline.

use std::{
    io::{BufRead as _, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// Whatever a test waits for comes within this time, or the test fails.
const DEADLINE: Duration = Duration::from_secs(120);

/// A running program. It is killed when dropped.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<(bool, String)>,
    /// What was read so far, both outputs.
    pub(crate) said: String,
    ended: bool,
}

impl Running {
    /// Starts the program with a password set.
    pub(crate) fn start(arguments: &[&str], data: Option<&Path>) -> Self {
        Self::start_with(arguments, data, &[])
    }

    /// As [`Self::start`], with more variables.
    pub(crate) fn start_with(
        arguments: &[&str],
        data: Option<&Path>,
        variables: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chaoschain"));
        command.env("CHAOSCHAIN_HEADS", crate::program::heads());
        for name in ["CHAOSCHAIN_DATA", "CHAOSCHAIN_PRIVATE_KEY"] {
            command.env_remove(name);
        }
        command.args(arguments).env("CHAOSCHAIN_PASSWORD", "test");
        command.envs(variables.iter().copied());
        if let Some(data) = data {
            command.arg("--data").arg(data);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program was built");
        let (sender, lines) = channel();
        relay_lines(child.stdout.take().unwrap(), true, sender.clone());
        relay_lines(child.stderr.take().unwrap(), false, sender);
        Self { child, lines, said: String::new(), ended: false }
    }

    /// The next line of stdout that is a JSON object with this event.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, event: &str) -> Value {
        let found = self.wait(|is_stdout, line| {
            let value: Value = serde_json::from_str(line).ok().filter(|_| is_stdout)?;
            (value["event"] == event).then_some(value)
        });
        found.unwrap_or_else(|| panic!("no event `{event}` in:\n{}", self.said))
    }

    /// The next line that holds these words, on either output.
    #[track_caller]
    pub(crate) fn wait_for_words(&mut self, words: &str) -> String {
        let found = self.wait(|_, line| line.contains(words).then(|| line.to_owned()));
        found.unwrap_or_else(|| panic!("no `{words}` in:\n{}", self.said))
    }

    /// Waits until it is ready or has ended; whether it is ready.
    pub(crate) fn is_ready(&mut self) -> bool {
        let ready = |is_stdout, line: &str| {
            (is_stdout && line.contains(r#""event":"ready""#)).then_some(())
        };
        self.wait(ready).is_some()
    }

    /// Waits for its end and gives the exit code.
    #[track_caller]
    pub(crate) fn wait_for_end(&mut self) -> i32 {
        let nothing: Option<()> = self.wait(|_, _| None);
        assert!(nothing.is_none() && self.ended, "it runs on:\n{}", self.said);
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    fn wait<T>(&mut self, wanted: impl Fn(bool, &str) -> Option<T>) -> Option<T> {
        let until = Instant::now() + DEADLINE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok((is_stdout, line)) => {
                    self.said.push_str(&line);
                    self.said.push('\n');
                    if let Some(found) = wanted(is_stdout, &line) {
                        return Some(found);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.ended = true;
                    return None;
                }
                Err(RecvTimeoutError::Timeout) => return None,
            }
        }
    }

    /// Asks it to stop, as a service manager does, and gives the exit code.
    #[track_caller]
    pub(crate) fn stop(&mut self) -> i32 {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.wait_for_end()
    }

    /// Ends it without a warning.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn relay_lines(from: impl Read + Send + 'static, is_stdout: bool, to: Sender<(bool, String)>) {
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if to.send((is_stdout, line)).is_err() {
                break;
            }
        }
    });
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
