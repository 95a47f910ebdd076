//! A network that misbehaves on demand.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::error::Error;
use crate::port::{free_port, listen};

/// What a [`FaultProxy`] does to the answers that pass it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it passes everything on.
    None,
    /// Each answer comes that much later.
    Delay(Duration),
    /// All answers share a line of so many bytes a second.
    Line(u32),
    /// Connections are refused, those that are open end.
    Refuse,
    /// Connections are taken, and nothing is ever answered.
    Hang,
    /// Bytes of no protocol stand in the answer's place.
    Garbage,
    /// Half of the answer comes, then the end of the connection (FIN).
    Cut,
    /// A reset (RST) comes in the answer's place.
    Reset,
}

/// A TCP proxy on a free port of 127.0.0.1 whose [`Fault`] is switched while it
/// runs, for open connections too.
#[derive(Debug)]
pub struct FaultProxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    state: Mutex<State>,
    switched: Condvar,
    /// When a [`Fault::Line`] has sent what it has taken.
    busy_until: Mutex<Instant>,
    accepted: AtomicUsize,
}

#[derive(Debug)]
struct State {
    fault: Fault,
    ended: bool,
    /// `None` while connections are refused.
    listener: Option<TcpListener>,
    /// Weak, since a reset goes out when the last handle of a socket closes.
    open: Vec<Weak<TcpStream>>,
}

impl FaultProxy {
    /// A proxy in front of 127.0.0.1:`upstream` without a fault.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(upstream: u16) -> Result<FaultProxy, Error> {
        let port = free_port();
        let proxy = FaultProxy {
            port,
            shared: Arc::new(Shared {
                upstream: (Ipv4Addr::LOCALHOST, upstream).into(),
                state: Mutex::new(State {
                    fault: Fault::None,
                    ended: false,
                    listener: None,
                    open: Vec::new(),
                }),
                switched: Condvar::new(),
                busy_until: Mutex::new(Instant::now()),
                accepted: AtomicUsize::new(0),
            }),
        };
        proxy
            .listen()
            .map_err(Error::io(format!("cannot listen on port {port}")))?;
        Ok(proxy)
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:port`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Connections taken so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// Switches to `fault`, at once and for every connection.
    ///
    /// # Panics
    /// When the port cannot be had again after [`Fault::Refuse`].
    #[track_caller]
    pub fn set(&self, fault: Fault) {
        let mut state = self.shared.lock();
        state.fault = fault;
        if fault == Fault::Refuse {
            state.close();
        }
        let refused = state.listener.is_none();
        drop(state);
        self.shared.switched.notify_all();
        if refused && fault != Fault::Refuse {
            self.listen().expect("the proxy's port is still free");
        }
    }

    fn listen(&self) -> io::Result<()> {
        let listener = listen(self.port)?;
        self.shared.lock().listener = Some(listener.try_clone()?);
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || shared.accept(&listener));
        Ok(())
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.ended = true;
        state.close();
        drop(state);
        self.shared.switched.notify_all();
    }
}

impl State {
    fn close(&mut self) {
        if let Some(listener) = self.listener.take() {
            // Wakes the thread in accept, which then drops its half.
            let _ = SockRef::from(&listener).shutdown(Shutdown::Both);
        }
        for stream in self.open.drain(..).filter_map(|open| open.upgrade()) {
            // An error means that the peer was faster.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: Arc<Self>, listener: &TcpListener) {
        while let Ok((client, _)) = listener.accept() {
            self.accepted.fetch_add(1, Ordering::Relaxed);
            let shared = Arc::clone(&self);
            thread::spawn(move || {
                // A broken connection is what this proxy is for.
                let _ = shared.carry(client);
            });
        }
    }

    fn carry(self: Arc<Self>, client: TcpStream) -> io::Result<()> {
        let client = Arc::new(client);
        let server = Arc::new(TcpStream::connect(self.upstream)?);
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let mut state = self.lock();
        if state.fault == Fault::Refuse || state.ended {
            return Ok(());
        }
        state.open.push(Arc::downgrade(&client));
        state.open.push(Arc::downgrade(&server));
        drop(state);
        let (questions, to_server) = (Arc::clone(&client), Arc::clone(&server));
        thread::spawn(move || {
            let _ = io::copy(&mut &*questions, &mut &*to_server);
            let _ = to_server.shutdown(Shutdown::Write);
        });
        // A broken line is the client's end too: one that is told nothing takes its
        // connection for good, and is reset by its next question.
        let reset = self.answer(&server, &client).unwrap_or(false);
        let _ = server.shutdown(Shutdown::Both);
        // Reading alone is shut down before a reset: it wakes the other thread
        // and says nothing to the client.
        client.shutdown(if reset {
            Shutdown::Read
        } else {
            Shutdown::Both
        })
    }

    /// Passes answers on; at the end, whether the client is to get a reset.
    fn answer(&self, mut server: &TcpStream, mut client: &TcpStream) -> io::Result<bool> {
        let mut buffer = [0; 16 * 1024];
        loop {
            let read = server.read(&mut buffer)?;
            let answer = &buffer[..read];
            if answer.is_empty() {
                return Ok(false);
            }
            match self.fault_once_awake() {
                Fault::None | Fault::Hang => client.write_all(answer)?,
                Fault::Delay(delay) => {
                    thread::sleep(delay);
                    client.write_all(answer)?;
                }
                Fault::Line(rate) => {
                    thread::sleep(self.wait_for_the_line(read, rate));
                    client.write_all(answer)?;
                }
                Fault::Garbage => client.write_all(b"\x00\xff\r\n*2\r\nHTTP/9.9 \xfe\r\n")?,
                Fault::Cut => return client.write_all(&answer[..read / 2]).map(|()| false),
                Fault::Refuse => return Ok(false),
                Fault::Reset => {
                    SockRef::from(client).set_linger(Some(Duration::ZERO))?;
                    return Ok(true);
                }
            }
        }
    }

    /// How long it is until a line of `rate` has sent so many bytes, behind what
    /// other connections have given it.
    fn wait_for_the_line(&self, bytes: usize, rate: u32) -> Duration {
        let mut busy_until = (self.busy_until.lock()).unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let takes = Duration::from_secs_f64(bytes as f64 / f64::from(rate));
        *busy_until = now.max(*busy_until) + takes;
        *busy_until - now
    }

    /// The fault that an answer meets, which while [`Fault::Hang`] lasts is none yet.
    fn fault_once_awake(&self) -> Fault {
        let hangs = |state: &mut State| state.fault == Fault::Hang && !state.ended;
        let state = self
            .switched
            .wait_while(self.lock(), hangs)
            .unwrap_or_else(PoisonError::into_inner);
        state.fault
    }
}
