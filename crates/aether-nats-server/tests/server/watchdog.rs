//! Nothing is left behind, however the process that started a server ends.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aether_nats_server::NatsServer;
use nix::errno::Errno;
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::eventually;

/// Tells the test below what to do; without it that test does nothing.
const ENV_ROLE: &str = "AETHER_TEST_WATCHDOG_ROLE";

/// Not a test of its own: the process that the tests here start and end.
#[test]
fn child() {
    let Ok(role) = std::env::var(ENV_ROLE) else { return };
    let server = NatsServer::builder().start().expect("a server");
    if role == "restarted" {
        server.restart().expect("restarted");
    }
    if role == "down" {
        server.kill().expect("killed");
    }
    if role == "paused" {
        server.pause().expect("paused");
    }
    // Straight to the pipe: the test harness captures what is printed.
    let report = format!("{} {}\n", server.pid().unwrap_or_default(), server.dir().display());
    std::fs::write("/dev/stderr", report).expect("reported");
    assert_ne!(role, "panics", "as intended by the test");
    // Until the parent ends this process, or has ended itself.
    let _ = std::io::stdin().read(&mut [0]);
}

fn start_child(role: &str) -> (Child, i32, String) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "watchdog::child", "--nocapture"])
        .env(ENV_ROLE, role)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a child");
    let mut report = String::new();
    BufReader::new(child.stderr.take().expect("piped")).read_line(&mut report).expect("a report");
    let (pid, dir) = report.trim().split_once(' ').expect("pid and directory");
    let pid = pid.parse().expect("a pid");
    assert!(role == "down" || is_alive(pid), "the server does not run");
    assert!(Path::new(dir).is_dir());
    (child, pid, dir.to_owned())
}

fn is_alive(pid: i32) -> bool {
    signal::kill(Pid::from_raw(pid), None) != Err(Errno::ESRCH)
}

fn assert_gone(pid: i32, dir: &str) {
    eventually("the server is gone", || pid == 0 || !is_alive(pid));
    eventually("its directory is gone", || !Path::new(dir).exists());
}

#[test]
fn nothing_is_left_when_the_process_is_killed() {
    for role in ["running", "paused", "restarted", "down"] {
        let (mut child, pid, dir) = start_child(role);
        child.kill().expect("killed");
        child.wait().expect("reaped");
        assert_gone(pid, &dir);
    }
}

#[test]
fn nothing_is_left_when_a_test_panics() {
    let (mut child, pid, dir) = start_child("panics");
    assert!(!child.wait().expect("reaped").success());
    assert_gone(pid, &dir);
}

/// A terminal sends Ctrl-C to a whole process group; a test runner kills the group of a test that takes too long.
#[test]
fn nothing_is_left_after_a_signal_to_the_whole_group() {
    for (role, signal) in
        [("running", Signal::SIGINT), ("paused", Signal::SIGINT), ("running", Signal::SIGKILL)]
    {
        let (mut child, pid, dir) = start_child(role);
        let group = i32::try_from(child.id()).expect("a pid");
        signal::killpg(Pid::from_raw(group), signal).expect("sent");
        child.wait().expect("reaped");
        assert_gone(pid, &dir);
    }
}
