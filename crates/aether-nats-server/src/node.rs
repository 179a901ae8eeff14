//! One server under test.

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::binary::NatsBinary;
use super::builder::{Place, ServerBuilder};
use super::error::ServerError;
use super::process::{Process, fresh_dir, log_tail};
use super::wait::{Deadline, poll};
use super::{monitor, ports};

/// How long a server may take to end by itself before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// How often to try other ports when somebody was faster.
const PORT_ATTEMPTS: u32 = 5;

/// A nats-server of one's own. It ends, and its data with it, when this is dropped.
///
/// All methods take `&self`: one thread may kill the server while others use it.
#[derive(Debug)]
pub struct NatsServer {
    name: String,
    binary: NatsBinary,
    dir: PathBuf,
    addr: SocketAddr,
    /// What starts it: a command in front of its own.
    command: Vec<String>,
    /// Whether it is one of several, which it needs to be healthy.
    clustered: bool,
    start_timeout: Duration,
    running: Mutex<Option<Running>>,
}

/// The present process, or the last one, which guards the directory until there is a next.
#[derive(Debug)]
struct Running {
    process: Process,
    monitoring: Option<u16>,
    paused: bool,
}

impl NatsServer {
    /// How to start a server, or a cluster of three.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    pub(super) fn standalone(builder: &ServerBuilder) -> Result<Self, ServerError> {
        let mut attempt = 1;
        loop {
            let server = Self::prepare(builder, "r1", &Place::default(), "")?;
            match server.launch().and_then(|()| server.wait_healthy()) {
                Err(ServerError::Ended { log, .. })
                    if attempt < PORT_ATTEMPTS && log.contains("address already in use") =>
                {
                    attempt += 1;
                }
                Err(error) => return Err(error),
                Ok(()) => return Ok(server),
            }
        }
    }

    /// Writes directory and configuration, without starting anything.
    pub(super) fn prepare(
        builder: &ServerBuilder,
        name: &str,
        place: &Place,
        cluster: &str,
    ) -> Result<Self, ServerError> {
        let binary = builder.binary()?;
        let dir = fresh_dir(&format!("nats-{name}"))?;
        let config = dir.join("nats.conf");
        let addr = SocketAddr::from((place.ip, ports::free_port()?));
        fs::write(&config, builder.config(name, addr, &dir, cluster))
            .map_err(ServerError::io(format!("write {}", config.display())))?;
        let start_timeout = builder.start_timeout;
        let clustered = !cluster.is_empty();
        Ok(Self {
            name: name.to_owned(),
            binary,
            dir,
            addr,
            command: place.command.clone(),
            clustered,
            start_timeout,
            running: Mutex::new(None),
        })
    }

    /// Starts the process and waits until it takes connections.
    pub(super) fn launch(&self) -> Result<(), ServerError> {
        let mut running = self.running();
        let args = ["-c", "nats.conf", "--ports_file_dir", "ports"].map(|arg| match arg {
            "nats.conf" | "ports" => self.dir.join(arg).into_os_string(),
            option => option.into(),
        });
        let mut command: Vec<OsString> = self.command.iter().map(OsString::from).collect();
        command.push(self.binary.path().into());
        command.extend(args);
        let process = Process::spawn(&command, &self.dir, &self.log_path())?;
        let before = running.replace(Running { process, monitoring: None, paused: false });
        if let Some(before) = before {
            before.process.release();
        }
        let Some(running) = running.as_mut() else { return Err(self.not_running()) };
        let pid = running.process.pid().unwrap_or_default();
        let listening = poll(Deadline::after(self.start_timeout), || {
            if let Some(status) = running.process.status(Duration::ZERO) {
                let log = log_tail(&self.log_path());
                return Some(Err(ServerError::Ended { name: self.name.clone(), status, log }));
            }
            let port = ports::monitoring_port(&self.dir.join("ports"), pid)?;
            monitor::info(self.addr).map(|_| Ok(port))
        });
        let port = listening.unwrap_or_else(|| Err(self.not_ready("it does not take connections")))?;
        running.monitoring = Some(port);
        Ok(())
    }

    pub(super) fn wait_healthy(&self) -> Result<(), ServerError> {
        let mut reason = String::new();
        let healthy = poll(Deadline::after(self.start_timeout), || match self.health() {
            Ok(()) => Some(()),
            Err(complaint) => {
                reason = complaint;
                None
            }
        });
        healthy.ok_or_else(|| self.not_ready(&reason))
    }

    /// What clients connect to. Stays the same over restarts.
    pub fn url(&self) -> String {
        format!("nats://{}", self.addr())
    }

    /// The address behind [`url`](Self::url), for a [`Proxy`](super::Proxy).
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The server's name in its cluster, as in `n1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The server's version, as in `2.15.1`.
    pub fn version(&self) -> &str {
        self.binary.version()
    }

    /// The directory of its streams.
    pub fn store_dir(&self) -> PathBuf {
        self.dir.join("store")
    }

    /// The file that holds its log, over all restarts.
    pub fn log_path(&self) -> PathBuf {
        self.dir.join("server.log")
    }

    /// The directory that holds everything of this server. Removed in the end.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its process id, while it runs (a paused server runs).
    pub fn pid(&self) -> Option<i32> {
        self.running().as_mut().and_then(|running| running.process.pid())
    }

    /// Whether the process runs and is not paused.
    pub fn is_active(&self) -> bool {
        self.running().as_mut().is_some_and(|running| !running.paused && running.process.pid().is_some())
    }

    /// Kills it (`kill -9`) and waits until it is gone. Nothing to do when it has ended already.
    ///
    /// # Errors
    ///
    /// When the system does not let it be killed.
    pub fn kill(&self) -> Result<(), ServerError> {
        self.end(Signal::SIGKILL)
    }

    /// Tells it to stop (SIGTERM), also when it is paused, and waits until it has; kills it when that takes over 20 s.
    /// Nothing to do when it has ended already.
    ///
    /// # Errors
    ///
    /// When the system does not let it be signalled.
    pub fn stop(&self) -> Result<(), ServerError> {
        self.end(Signal::SIGTERM)
    }

    fn end(&self, signal: Signal) -> Result<(), ServerError> {
        let mut running = self.running();
        let Some(running) = running.as_mut() else { return Ok(()) };
        running.process.signal(signal)?;
        if signal != Signal::SIGKILL {
            // A stopped process takes no other signal than SIGKILL before it goes on.
            running.process.signal(Signal::SIGCONT)?;
        }
        if running.process.status(STOP_TIMEOUT).is_none() {
            running.process.signal(Signal::SIGKILL)?;
            running.process.status(STOP_TIMEOUT).ok_or_else(|| self.not_ready("it does not end"))?;
        }
        running.monitoring = None;
        running.paused = false;
        Ok(())
    }

    /// Freezes it (SIGSTOP) and waits until it is frozen: it keeps its connections and answers nobody.
    ///
    /// # Errors
    ///
    /// [`NotRunning`](ServerError::NotRunning) when it has ended.
    pub fn pause(&self) -> Result<(), ServerError> {
        self.set_paused(true)
    }

    /// Lets it go on after a [`pause`](Self::pause) (SIGCONT).
    ///
    /// # Errors
    ///
    /// [`NotRunning`](ServerError::NotRunning) when it has ended.
    pub fn resume(&self) -> Result<(), ServerError> {
        self.set_paused(false)
    }

    fn set_paused(&self, paused: bool) -> Result<(), ServerError> {
        let signal = if paused { Signal::SIGSTOP } else { Signal::SIGCONT };
        let mut running = self.running();
        let running = running.as_mut().ok_or_else(|| self.not_running())?;
        if !running.process.signal(signal)? {
            return Err(self.not_running());
        }
        running.paused = paused;
        if !paused {
            return Ok(());
        }
        let stopped = poll(Deadline::after(STOP_TIMEOUT), || running.process.is_stopped().then_some(()));
        stopped.ok_or_else(|| self.not_ready("it does not pause"))
    }

    /// Starts it again on the same data and the same port, and waits until it takes connections; a server of its own is
    /// then also healthy, a node of a cluster need not be (see [`NatsCluster::wait_ready`](super::NatsCluster::wait_ready)).
    /// One that still runs is stopped first.
    ///
    /// # Errors
    ///
    /// When it does not start (with the end of its log), or not in time.
    pub fn restart(&self) -> Result<(), ServerError> {
        self.stop()?;
        self.launch()?;
        if self.clustered { Ok(()) } else { self.wait_healthy() }
    }

    pub(super) fn health(&self) -> Result<(), String> {
        self.monitoring().map_or_else(|| Err("it is not running".to_owned()), monitor::health)
    }

    /// What the monitoring endpoint `path` (`/jsz`) answers; `None` when the server does not.
    pub fn monitor(&self, path: &str) -> Option<Value> {
        monitor::get(self.monitoring()?, path).map(|(_, body)| body)
    }

    fn monitoring(&self) -> Option<SocketAddr> {
        let port = self.running().as_ref().and_then(|running| running.monitoring)?;
        Some(SocketAddr::new(self.addr.ip(), port))
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        // A panic in between leaves nothing half done here.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn not_ready(&self, reason: &str) -> ServerError {
        let log = log_tail(&self.log_path());
        ServerError::NotReady {
            name: self.name.clone(),
            timeout: self.start_timeout,
            reason: reason.to_owned(),
            log,
        }
    }

    fn not_running(&self) -> ServerError {
        ServerError::NotRunning { name: self.name.clone() }
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        // The watchdog removes the directory; one that was never started has none.
        if self.running().take().is_none() {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}
