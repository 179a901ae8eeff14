//! A TCP proxy between a client and a server (or between two servers) that delays, drops and cuts.

mod control;
mod frame;
mod outlet;
mod pump;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use control::{Control, Mode, Toward};
use pump::Link;

pub use control::{ProxyStats, Verdict};
pub use frame::{Frame, PublishAck};

use super::error::ServerError;

/// How long to try to reach the server; it is on this machine.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A TCP proxy for NATS, on a port of its own. Everything can be changed while it runs, from any thread, and holds for the
/// connections that there are and those that come.
///
/// A frame is passed on when it is complete. TLS hides the frames: use [`Proxy::raw`] for it. Dropping the proxy closes
/// its connections and its port, and waits for its threads.
///
/// # Examples
///
/// The next ten publish acknowledgements are lost on the way:
///
/// ```no_run
/// use aether_nats_server::{NatsServer, Proxy};
///
/// # fn main() -> Result<(), aether_nats_server::ServerError> {
/// let server = NatsServer::builder().start()?;
/// let proxy = Proxy::start(server.addr())?;
/// proxy.swallow_acks(10);
/// // … a client of proxy.url() saves …
/// assert_eq!(proxy.stats().dropped, 10);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    control: Control,
    links: Mutex<Vec<Arc<Link>>>,
}

impl Proxy {
    /// A proxy to the NATS server at `upstream`.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub fn start(upstream: SocketAddr) -> Result<Self, ServerError> {
        Self::with_control(upstream, Control::new(true))
    }

    /// A proxy that passes bytes on as they are, whatever the protocol. It asks nobody for verdicts.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub fn raw(upstream: SocketAddr) -> Result<Self, ServerError> {
        Self::with_control(upstream, Control::new(false))
    }

    fn with_control(upstream: SocketAddr, control: Control) -> Result<Self, ServerError> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(ServerError::io("listen on a free port"))?;
        let addr = listener.local_addr().map_err(ServerError::io("learn the port"))?;
        let shared = Arc::new(Shared { upstream, control, links: Mutex::default() });
        let acceptor = Arc::clone(&shared);
        let acceptor = Some(thread::spawn(move || acceptor.accept(&listener)));
        Ok(Self { addr, shared, acceptor })
    }

    /// What clients connect to.
    pub fn url(&self) -> String {
        format!("nats://{}", self.addr)
    }

    /// The address behind [`url`](Self::url).
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Delays everything by this much, each way, in order. Zero ends it; what is delayed already stays so.
    pub fn delay(&self, each_way: Duration) {
        self.shared.control.change(|settings| settings.delay = each_way);
    }

    /// Closes all connections, and every new one at once, until [`restore`](Self::restore).
    pub fn cut(&self) {
        self.shared.control.change(|settings| settings.mode = Mode::Cut);
        self.shared.close_links(|_| true);
    }

    /// Swallows every byte, both ways, until [`restore`](Self::restore). Connections stay open, and new ones are accepted.
    pub fn blackhole(&self) {
        self.shared.control.change(|settings| settings.mode = Mode::Blackhole);
    }

    /// Ends [`cut`](Self::cut) and [`blackhole`](Self::blackhole). Connections that have lost bytes are closed: nobody
    /// could make sense of what follows.
    pub fn restore(&self) {
        self.shared.control.change(|settings| settings.mode = Mode::Pass);
        self.shared.close_links(|link| link.holed.load(Ordering::Acquire));
    }

    /// Has `judge` decide on every message from the server to a client, in place of who did so before. It runs on the
    /// proxy's threads, one per connection, and must be quick.
    pub fn on_server_message(&self, judge: impl Fn(&Frame<'_>) -> Verdict + Send + Sync + 'static) {
        self.shared.control.change(|settings| settings.set_hook(Toward::Client, Some(Arc::new(judge))));
    }

    /// Has `judge` decide on every message from a client to the server; otherwise as
    /// [`on_server_message`](Self::on_server_message).
    pub fn on_client_message(&self, judge: impl Fn(&Frame<'_>) -> Verdict + Send + Sync + 'static) {
        self.shared.control.change(|settings| settings.set_hook(Toward::Server, Some(Arc::new(judge))));
    }

    /// Drops the next `count` publish acknowledgements (of messages that *are* stored), in place of any other judge of the
    /// server's messages.
    pub fn swallow_acks(&self, count: u64) {
        let left = AtomicU64::new(count);
        self.on_server_message(move |message| {
            let take =
                || left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok();
            if message.publish_ack().is_some() && take() { Verdict::Drop } else { Verdict::Pass }
        });
    }

    /// Lets every message pass again.
    pub fn pass_all_messages(&self) {
        self.shared.control.change(|settings| {
            settings.set_hook(Toward::Server, None);
            settings.set_hook(Toward::Client, None);
        });
    }

    /// What it has done so far.
    pub fn stats(&self) -> ProxyStats {
        self.shared.control.stats()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.control.stopped.store(true, Ordering::Release);
        self.cut();
        // Wakes the acceptor; when that fails it is not waiting.
        let _ = TcpStream::connect_timeout(&self.addr, CONNECT_TIMEOUT);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Shared {
    /// Accepts connections until the proxy is dropped, then waits for theirs to end.
    fn accept(self: Arc<Self>, listener: &TcpListener) {
        let mut threads: Vec<JoinHandle<()>> = Vec::new();
        for client in listener.incoming() {
            if self.control.stopped.load(Ordering::Acquire) {
                break;
            }
            threads.retain(|thread| !thread.is_finished());
            // A client that has given up already is no reason to stop.
            let Ok(client) = client else { continue };
            let shared = Arc::clone(&self);
            threads.push(thread::spawn(move || shared.serve(client)));
        }
        for thread in threads {
            // One whose closure panicked has told the test so already.
            let _ = thread.join();
        }
    }

    /// Passes on what goes over one connection.
    fn serve(&self, client: TcpStream) {
        if self.control.settings().mode == Mode::Cut {
            return;
        }
        let Ok(server) = TcpStream::connect_timeout(&self.upstream, CONNECT_TIMEOUT) else { return };
        // Without this, small frames wait for each other.
        let _ = client.set_nodelay(true);
        let _ = server.set_nodelay(true);
        let link = Arc::new(Link { client, server, holed: AtomicBool::new(false) });
        {
            // Under the lock: whoever cuts now finds the link in the list, or has set the mode before.
            let mut links = self.links();
            if self.control.settings().mode == Mode::Cut {
                return;
            }
            links.push(Arc::clone(&link));
        }
        self.control.count_connection();
        thread::scope(|scope| {
            scope.spawn(|| link.pump(&self.control, Toward::Client));
            link.pump(&self.control, Toward::Server);
        });
        self.links().retain(|other| !Arc::ptr_eq(other, &link));
    }

    fn close_links(&self, which: impl Fn(&Link) -> bool) {
        self.links().iter().filter(|link| which(link)).for_each(|link| link.close());
    }

    fn links(&self) -> MutexGuard<'_, Vec<Arc<Link>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
