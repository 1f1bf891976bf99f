//! This program started again, so that a measure has a process of its own.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

use crate::{data::Data, memory, scenarios, study};

/// KiB in a MiB.
const KIB_PER_MIB: f64 = 1024.0;

/// What one child does: prepare, say `ready`, then answer each line with one line.
pub(crate) fn answer(kind: &str, data: &Data, count: Option<&String>) {
    let count = count.and_then(|count| count.parse().ok()).unwrap_or(0);
    let mut work: Box<dyn FnMut() -> String> = match kind {
        "scenarios" => {
            let inputs = data.inputs().expect("the parent has read the blocks");
            Box::new(move || scenarios::timed(&inputs, 1).to_string())
        }
        "memory" => {
            let inputs = data.inputs().expect("the parent has read the blocks");
            Box::new(move || memory::growth(&inputs, count))
        }
        "study" => {
            let observed = data.observed();
            Box::new(move || {
                let start = Instant::now();
                study::run(&observed);
                let seconds = start.elapsed().as_secs_f64();
                format!("{seconds} {}", peak_mib().unwrap_or(f64::NAN))
            })
        }
        other => unreachable!("no child is started as `{other}`"),
    };
    println!("ready");
    for _ in std::io::stdin().lines() {
        println!("{}", work());
    }
}

/// A started child. It ends when this is dropped, because its input ends.
pub(crate) struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts this program as `kind` and waits until it is prepared.
    pub(crate) fn start(kind: &str, data: &Data, count: usize) -> Result<Self, String> {
        let start = || -> std::io::Result<Self> {
            let mut child = Command::new(std::env::current_exe()?)
                .args(["--child", kind, "--count", &count.to_string(), "--data"])
                .arg(data.folder())
                // Large buffers of decoding go back to the system, so that they cannot hide growth.
                .env("MALLOC_MMAP_THRESHOLD_", "65536")
                .env("MALLOC_TRIM_THRESHOLD_", "65536")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            let input = child.stdin.take();
            let output = child.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
            Ok(Self { child, input, output: BufReader::new(output) })
        };
        let mut worker = start().map_err(|error| format!("no child process: {error}"))?;
        match worker.answer()?.as_str() {
            "ready" => Ok(worker),
            other => Err(format!("the child process began with `{other}`")),
        }
    }

    /// Lets the child work.
    pub(crate) fn ask(&mut self) -> Result<(), String> {
        let input = self.input.as_mut().expect("it is only taken when dropped");
        writeln!(input).map_err(|error| format!("the child process ended: {error}"))
    }

    /// Waits for the answer.
    pub(crate) fn answer(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(0) => Err("the child process ended".to_owned()),
            Ok(_) => Ok(line.trim().to_owned()),
            Err(error) => Err(format!("the child process ended: {error}")),
        }
    }

    /// Asks and waits, for answers that are numbers.
    pub(crate) fn numbers(&mut self) -> Result<Vec<f64>, String> {
        self.ask()?;
        let answer = self.answer()?;
        let numbers = answer.split(' ').map(|word| word.parse::<f64>());
        numbers.collect::<Result<_, _>>().map_err(|_| format!("the child answered `{answer}`"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.input.take());
        // It may have ended by itself; then there is nothing left to do.
        drop(self.child.wait());
    }
}

/// Most memory this process has held, in MiB; `None` where the system does not tell.
pub(crate) fn peak_mib() -> Option<f64> {
    status_mib("VmHWM:")
}

/// Memory this process holds, in MiB.
pub(crate) fn resident_mib() -> Option<f64> {
    status_mib("VmRSS:")
}

fn status_mib(key: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / KIB_PER_MIB)
}

/// Makes the peak start again from what is held now. Where that fails the peak stays, and the
/// measure that needs it sees that nothing grew.
pub(crate) fn reset_peak() {
    drop(fs::write("/proc/self/clear_refs", "5"));
}
