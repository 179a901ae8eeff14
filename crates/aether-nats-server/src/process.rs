//! One server process, under its watchdog.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;
use std::{fs, thread};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use super::error::ServerError;

const WATCHDOG: &str = include_str!("watchdog.sh");

/// How long a shell may take to start a process.
const SPAWN_TIMEOUT: Duration = Duration::from_secs(20);

/// What the watchdog tells about its server.
#[derive(Debug)]
struct Exited(i32);

/// A server process and the watchdog above it. Dropping it kills the server and removes its directory.
#[derive(Debug)]
pub(super) struct Process {
    watchdog: Child,
    /// The pipe whose end means the end of the server; `None` once let go.
    pipe: Option<ChildStdin>,
    pid: i32,
    exits: Receiver<Exited>,
    status: Option<i32>,
}

impl Process {
    /// Starts `command`, a program and its arguments, its output appended to `log`. `dir` is removed when the process is
    /// dropped, or when the test process ends.
    pub(super) fn spawn(command: &[OsString], dir: &Path, log: &Path) -> Result<Self, ServerError> {
        let mut watchdog = Command::new("sh")
            .args(["-c", &without_comments(WATCHDOG), "aether-watchdog"])
            .args([dir, log])
            .args(command)
            .current_dir("/")
            // Ctrl-C in a terminal goes to a whole process group; the watchdog must live on to clean up.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(ServerError::io("start the watchdog shell `sh`"))?;
        let pipe = watchdog.stdin.take();
        let stdout = watchdog.stdout.take();

        let (pid_sender, pids) = mpsc::channel();
        let (exit_sender, exits) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.into_iter().flat_map(|out| BufReader::new(out).lines()) {
                let Ok(line) = line else { return };
                match line.strip_prefix("exit ") {
                    Some(status) => drop(exit_sender.send(Exited(status.trim().parse().unwrap_or(-1)))),
                    None => drop(pid_sender.send(line.trim().parse::<i32>().ok())),
                }
            }
        });
        let mut process = Self { watchdog, pipe, pid: 0, exits, status: None };
        match pids.recv_timeout(SPAWN_TIMEOUT) {
            Ok(Some(pid)) if pid > 1 => process.pid = pid,
            _ => {
                let source = std::io::Error::other("the watchdog did not tell the server's pid");
                return Err(ServerError::Io { action: format!("start {command:?}"), source });
            }
        }
        Ok(process)
    }

    /// The server's process id, while it runs.
    pub(super) fn pid(&mut self) -> Option<i32> {
        self.status(Duration::ZERO).is_none().then_some(self.pid)
    }

    /// The exit status, waited for so long.
    pub(super) fn status(&mut self, wait: Duration) -> Option<i32> {
        if self.status.is_none() {
            let exited =
                if wait.is_zero() { self.exits.try_recv().ok() } else { self.exits.recv_timeout(wait).ok() };
            self.status = exited.map(|Exited(status)| status);
        }
        self.status
    }

    /// Sends a signal; `false` when the server has ended already.
    pub(super) fn signal(&mut self, signal: Signal) -> Result<bool, ServerError> {
        let Some(pid) = self.pid() else { return Ok(false) };
        match signal::kill(Pid::from_raw(pid), signal) {
            Ok(()) => Ok(true),
            Err(nix::errno::Errno::ESRCH) => Ok(false),
            Err(errno) => {
                Err(ServerError::Io { action: format!("send {signal} to {pid}"), source: errno.into() })
            }
        }
    }

    /// Whether every thread of the server has stopped (SIGSTOP reaches them one by one).
    pub(super) fn is_stopped(&mut self) -> bool {
        let Some(pid) = self.pid() else { return false };
        match fs::read_dir(format!("/proc/{pid}/task")) {
            Ok(tasks) => tasks.flatten().all(|task| {
                let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
                // The state follows the command's name, which may itself hold spaces and parentheses.
                stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
            }),
            // A system without /proc.
            Err(_) => Command::new("ps")
                .args(["-o", "stat=", "-p", &pid.to_string()])
                .output()
                .is_ok_and(|output| output.stdout.trim_ascii_start().starts_with(b"T")),
        }
    }

    /// Lets the watchdog go without removing the directory, for a successor that guards it already. Only for a server
    /// that has ended.
    pub(super) fn release(mut self) {
        if let Some(pipe) = &mut self.pipe {
            // A watchdog that is gone has nothing to be told.
            let _ = pipe.write_all(b"keep\n");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.pipe = None;
        // Reaps the shell, after it has killed the server and removed the directory.
        let _ = self.watchdog.wait();
    }
}

/// A script as short as `ps` should show it.
fn without_comments(script: &str) -> String {
    let lines = script.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| format!("{line}\n")).collect()
}

/// A fresh directory for one server, in the system's directory for temporary files.
pub(super) fn fresh_dir(name: &str) -> Result<PathBuf, ServerError> {
    let dir = std::env::temp_dir().join(super::unique_name(&format!("aether-{name}")));
    fs::create_dir_all(dir.join("ports")).map_err(ServerError::io(format!("create {}", dir.display())))?;
    Ok(dir)
}

/// The last lines of a log, for error messages.
pub(super) fn log_tail(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
}
