//! One direction of one connection: reads, asks for a verdict on each message, and passes on.

use std::io::{self, Read};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};

use super::control::{Control, Mode, Settings, Toward, Verdict};
use super::frame::{Scan, scan};
use super::outlet::Outlet;

/// How much is read at once.
const READ: usize = 64 * 1024;

/// The two sockets of a connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) client: TcpStream,
    pub(super) server: TcpStream,
    /// Whether bytes were lost in a black hole: what would follow cannot be understood any more.
    pub(super) holed: AtomicBool,
}

impl Link {
    pub(super) fn close(&self) {
        // It may be closed already.
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }

    /// Passes on what goes in one direction, until either side closes; then closes both.
    pub(super) fn pump(&self, control: &Control, toward: Toward) {
        let (from, to) = match toward {
            Toward::Server => (&self.client, &self.server),
            Toward::Client => (&self.server, &self.client),
        };
        let mut outlet = to.try_clone().map(Outlet::new);
        // Dropped before the outlet, which may be stuck in a write; and also when a test's own closure panics.
        let _closer = Closer(self);
        if let Ok(outlet) = &mut outlet {
            // A connection that breaks is what a proxy is for; there is nobody to tell.
            let _ = self.run(control, toward, from, outlet);
        }
    }

    fn run(
        &self,
        control: &Control,
        toward: Toward,
        mut from: &TcpStream,
        to: &mut Outlet,
    ) -> io::Result<()> {
        let mut buffer = vec![0; READ];
        let mut filled = 0;
        loop {
            let read = match from.read(buffer.get_mut(filled..).unwrap_or_default()) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            filled += read;
            let settings = control.settings();
            let bytes = buffer.get(..filled).unwrap_or_default();
            let used = match settings.mode {
                Mode::Cut => return Ok(()),
                Mode::Pass if self.holed.load(Ordering::Acquire) => return Ok(()),
                Mode::Pass if control.framed => pass_frames(control, &settings, toward, bytes, to)?,
                Mode::Pass => {
                    to.write(bytes, settings.delay)?;
                    filled
                }
                Mode::Blackhole => {
                    self.holed.store(true, Ordering::Release);
                    control.count_lost(read);
                    filled
                }
            };
            buffer.copy_within(used..filled, 0);
            filled -= used;
            if filled == buffer.len() {
                // A frame larger than the buffer.
                buffer.resize(buffer.len() * 2, 0);
            }
        }
    }
}

/// Passes on the whole frames of `bytes`, as few writes as can be, and says how many bytes they took.
fn pass_frames(
    control: &Control,
    settings: &Settings,
    toward: Toward,
    bytes: &[u8],
    to: &mut Outlet,
) -> io::Result<usize> {
    let hook = settings.hook(toward);
    let (mut written, mut used) = (0, 0);
    loop {
        let (message, len) = match scan(bytes.get(used..).unwrap_or_default()) {
            Scan::Message(message, len) => (Some(message), len),
            Scan::Other(len) => (None, len),
            Scan::Incomplete => break,
            Scan::Malformed => return Err(io::ErrorKind::InvalidData.into()),
        };
        let verdict = match (hook, message) {
            (Some(hook), Some(message)) => hook(&message),
            _ => Verdict::Pass,
        };
        if verdict != Verdict::Pass {
            to.write(bytes.get(written..used).unwrap_or_default(), settings.delay)?;
            written = used + len;
        }
        match verdict {
            Verdict::Pass => {}
            Verdict::Drop => control.count_dropped(),
            Verdict::Delay(delay) => {
                control.count_delayed();
                to.write_later(bytes.get(used..used + len).unwrap_or_default(), settings.delay + delay);
            }
        }
        used += len;
    }
    to.write(bytes.get(written..used).unwrap_or_default(), settings.delay)?;
    Ok(used)
}

struct Closer<'a>(&'a Link);

impl Drop for Closer<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}
