//! Running other programs.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

/// A program to run at the root of the workspace.
#[derive(Debug)]
pub(crate) struct Cmd {
    command: Command,
    shown: Vec<OsString>,
}

impl Cmd {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program.as_ref());
        command.current_dir(root()).stdin(Stdio::null());
        Self { command, shown: vec![program.as_ref().to_owned()] }
    }

    /// The cargo that runs this task.
    pub(crate) fn cargo<const N: usize>(args: [&str; N]) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut cmd = Self::new(cargo).args(args);
        if let Some(program) = cmd.shown.first_mut() {
            *program = "cargo".into();
        }
        cmd
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg.as_ref());
        self.shown.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(self, args: I) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it to its end; its output is ours.
    pub(crate) fn status(mut self) -> Result<ExitStatus> {
        let line = self.announce();
        self.command.status().with_context(|| format!("cannot run `{line}`"))
    }

    /// Runs it as [`status`](Self::status) does; anything but success is an error.
    pub(crate) fn run(self) -> Result<()> {
        let line = self.line();
        let status = self.status()?;
        if !status.success() {
            bail!("`{line}` failed ({status})");
        }
        Ok(())
    }

    /// Runs it in silence, and gives what it said.
    pub(crate) fn output(mut self) -> Result<Output> {
        let line = self.line();
        self.command.output().with_context(|| format!("cannot run `{line}`"))
    }

    /// Runs it in silence; true if it can be run and succeeds.
    pub(crate) fn succeeds(self) -> bool {
        self.output().is_ok_and(|output| output.status.success())
    }

    /// Runs it to its end, passes its output on line by line, and gives the lines back, without colours.
    pub(crate) fn watch(mut self) -> Result<(ExitStatus, Vec<String>)> {
        let line = self.announce();
        if std::io::stderr().is_terminal() {
            // Its output is a pipe now, but a terminal is behind it.
            self.command.env("CARGO_TERM_COLOR", "always");
        }
        let context = || format!("cannot run `{line}`");
        let mut child =
            self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().with_context(context)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let on_stderr = thread::spawn(move || pass_on(stderr, std::io::stderr()));
        let mut lines = pass_on(stdout, std::io::stdout());
        lines.extend(on_stderr.join().unwrap_or_default());
        Ok((child.wait().with_context(context)?, lines))
    }

    fn announce(&self) -> String {
        let line = self.line();
        eprintln!("$ {line}");
        line
    }

    fn line(&self) -> String {
        self.shown.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }
}

/// Copies a stream line by line, and gives the lines back, without colours.
fn pass_on(from: Option<impl Read>, mut to: impl Write) -> Vec<String> {
    let mut lines = Vec::new();
    let Some(from) = from else { return lines };
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        // Who listens to us may have gone; the program still has to come to its end.
        let _ = to.write_all(&line).and_then(|()| to.write_all(b"\n"));
        lines.push(without_colours(&String::from_utf8_lossy(&line)));
    }
    lines
}

/// A line without its terminal escape sequences.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // `ESC [ … letter`
            let _ = chars.by_ref().skip(1).find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_off() {
        assert_eq!(without_colours("\u{1b}[32;1m   Summary\u{1b}[0m 3 tests"), "   Summary 3 tests");
        assert_eq!(without_colours("plain"), "plain");
    }

    #[test]
    fn a_failing_program_is_an_error_that_shows_its_line() {
        let error = Cmd::new("sh").args(["-c", "exit 3"]).run().expect_err("it fails");
        assert!(error.to_string().contains("sh -c exit 3"), "{error}");
        assert!(Cmd::new("no-such-program").run().is_err());
    }

    #[test]
    fn what_it_says_is_seen() {
        let (status, lines) = Cmd::new("sh").args(["-c", "echo one; echo two >&2"]).watch().expect("it runs");
        assert!(status.success());
        assert_eq!(lines, ["one", "two"]);
    }
}
