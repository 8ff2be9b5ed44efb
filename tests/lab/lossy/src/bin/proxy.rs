//! Loses what a server answers, in user space and on every system: `lossy-proxy --to HOST:PORT` listens on a free port of
//! 127.0.0.1, prints `{"port": PORT}`, and is told what to do by lines of JSON on standard input. It ends when that ends.
//!
//! What goes up is forwarded as it is. What comes down after something went up is an answer, whatever the protocol, so each
//! answer of a connection that is kept alive meets faults as one of its own. (A server that begins to answer in the middle of a
//! question answers twice.) A packet is a segment of an answer, counted in bytes from the answer's beginning, or a whole
//! answer. One channel decides for all connections in the order in which packets come, so connections one after another meet
//! the same losses each time. When a packet is lost, its connection suffers a fault: `stall`, nothing more comes until the client
//! leaves; `cut`, it is closed early; `reset`, by a reset. Of a segment that is lost, and what follows it, nothing comes; of
//! an answer that is lost as a whole, its first bytes come, but never all that came from the server at once.
//!
//! `{"begin": {"seed": 7, "number": 0, "down": "0.5,0.2,0,1", "segment": 1448, "after": 1024, "faults": ["cut", "reset"]}}`
//! starts a channel anew, good at first, with draws that seed and number choose. All but the seed may be left out: nothing is
//! lost then, segments have 1448 bytes (0: packets are whole answers, of which `after` bytes come), and faults are cuts. Where
//! there are several, the seed draws one.
//!
//! `{"switch": "refuse"}` sets a fault that needs no channel, until another is set: `none`; `refuse`, connections are refused,
//! and those that are there reset at their next answer; `slow`, answers come in pieces of `bytes` (64) with `pause_ms` (20)
//! after each; `status`, answers become one with `status` (503), with `retry_after` if that is given, after the server has
//! had the request; `stall`, `cut` or `reset`, of each answer that begins from then on `after` bytes come.
//!
//! `{"count": true}` answers what happened since the last `begin`; so do `begin`, of the time before it, and `switch`, once it
//! is done. `open` are the connections of now.
//!
//! A client that closes its half of a connection is taken to have left.

use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use socket2::{Domain, SockRef, Socket, Type};
use undaunted_lossy::{Channel, Model};

/// What is left of an Ethernet frame for a TCP segment.
const SEGMENT: u64 = 1448;
const AFTER: u64 = 1024;
/// How often a thread that reads what goes up looks whether its connection is over, where the system does not wake it.
const LOOK: Duration = Duration::from_millis(50);
/// How often it looks, once the client was told the end, before it leaves a client that does not close.
const LOOKS_AFTER_END: u32 = 20;
const BACKLOG: i32 = 1024;

#[derive(Clone, Copy)]
enum Fault {
    Stall,
    Cut,
    Reset,
}

impl Fault {
    fn read(name: &Value) -> Result<Fault, String> {
        match name.as_str() {
            Some("stall") => Ok(Fault::Stall),
            Some("cut") => Ok(Fault::Cut),
            Some("reset") => Ok(Fault::Reset),
            _ => Err(format!("a fault is {name}, allowed are stall, cut and reset")),
        }
    }
}

/// A fault that needs no channel.
#[derive(Clone)]
enum Switch {
    None,
    Refuse,
    Slow { bytes: usize, pause: Duration },
    Status(String),
    Fault(Fault),
}

impl Switch {
    fn read(told: &Value) -> Result<Switch, String> {
        let name = told["switch"].as_str().unwrap_or_default();
        let options: &[&str] = match name {
            "slow" => &["switch", "bytes", "pause_ms"],
            "status" => &["switch", "status", "retry_after"],
            _ => &["switch"],
        };
        only(told, options)?;
        Ok(match name {
            "none" => Switch::None,
            "refuse" => Switch::Refuse,
            "slow" => Switch::Slow {
                bytes: number(told, "bytes", 64)?.max(1) as usize,
                pause: Duration::from_millis(number(told, "pause_ms", 20)?),
            },
            "status" => {
                let status = number(told, "status", 503)?;
                let wait = match &told["retry_after"] {
                    Value::Null => String::new(),
                    Value::String(text) => format!("Retry-After: {text}\r\n"),
                    wait => format!("Retry-After: {wait}\r\n"),
                };
                Switch::Status(format!(
                    "HTTP/1.1 {status} Lossy\r\n{wait}Content-Length: 0\r\nConnection: close\r\n\r\n"
                ))
            }
            _ => Switch::Fault(Fault::read(&told["switch"]).map_err(|error| format!("{error}, or a switch"))?),
        })
    }
}

#[derive(Default)]
struct Counts {
    connections: u64,
    answers: u64,
    packets: u64,
    lost: u64,
    bytes: u64,
    stall: u64,
    cut: u64,
    reset: u64,
    status: u64,
}

/// What becomes of answers.
struct Rules {
    channel: Channel,
    /// Which of several faults a loss is.
    draws: ChaCha8Rng,
    faults: Vec<Fault>,
    segment: u64,
    after: u64,
    switch: Switch,
    counts: Counts,
    open: u64,
}

/// So many bytes of an answer pass, and then?
struct Answer {
    passes: u64,
    then: Then,
}

enum Then {
    Draw,
    End(End),
}

/// How what comes down ends.
enum End {
    /// The server has closed, or the client has left.
    Close,
    Fault(Fault),
    Status(String),
}

impl Rules {
    fn begin(&mut self, told: &Value) -> Result<Value, String> {
        only(told, &["seed", "number", "down", "segment", "after", "faults"])?;
        let seed = told["seed"].as_u64().ok_or_else(|| format!("the seed is {}, allowed is a number", told["seed"]))?;
        let stream = number(told, "number", 0)?;
        let model = told["down"].as_str().map_or(Ok(Model::CLEAR), str::parse)?;
        let faults = match &told["faults"] {
            Value::Null => vec![Fault::Cut],
            Value::Array(names) if !names.is_empty() => names.iter().map(Fault::read).collect::<Result<_, _>>()?,
            faults => return Err(format!("the faults are {faults}, allowed is a list of stall, cut and reset")),
        };
        self.segment = number(told, "segment", SEGMENT)?;
        self.after = number(told, "after", AFTER)?;
        self.channel = Channel::new(model, seed, 2 * stream);
        self.draws = ChaCha8Rng::seed_from_u64(seed);
        self.draws.set_stream(2 * stream + 1);
        self.faults = faults;
        let counted = self.count();
        self.counts = Counts::default();
        Ok(counted)
    }

    fn count(&self) -> Value {
        let Counts { connections, answers, packets, lost, bytes, stall, cut, reset, status } = self.counts;
        json!({
            "connections": connections, "open": self.open, "answers": answers, "packets": packets, "lost": lost,
            "bytes": bytes, "faults": {"stall": stall, "cut": cut, "reset": reset, "status": status},
        })
    }

    /// An answer of which `arrived` bytes are here.
    fn answer(&mut self, arrived: u64) -> Answer {
        self.counts.answers += 1;
        let first_bytes = self.after.min(arrived - 1);
        let fault = match &self.switch {
            Switch::Refuse => return Answer { passes: 0, then: Then::End(End::Fault(Fault::Reset)) },
            Switch::Status(text) => return Answer { passes: 0, then: Then::End(End::Status(text.clone())) },
            Switch::Fault(fault) => *fault,
            Switch::None | Switch::Slow { .. } if self.segment > 0 => return Answer { passes: 0, then: Then::Draw },
            Switch::None | Switch::Slow { .. } => match self.lost() {
                Some(fault) => fault,
                None => return Answer { passes: u64::MAX, then: Then::Draw },
            },
        };
        Answer { passes: first_bytes, then: Then::End(End::Fault(fault)) }
    }

    /// The fault of the next packet, if that is lost.
    fn lost(&mut self) -> Option<Fault> {
        self.counts.packets += 1;
        if self.channel.passes() {
            return None;
        }
        self.counts.lost += 1;
        Some(self.faults[self.draws.random_range(..self.faults.len())])
    }

    fn ended(&mut self, end: &End) {
        let count = match end {
            End::Close => return,
            End::Fault(Fault::Stall) => &mut self.counts.stall,
            End::Fault(Fault::Cut) => &mut self.counts.cut,
            End::Fault(Fault::Reset) => &mut self.counts.reset,
            End::Status(_) => &mut self.counts.status,
        };
        *count += 1;
    }
}

/// Whether connections come in. The thread that listens goes from the second to the third, and from the fourth to the first.
#[derive(Clone, Copy, PartialEq)]
enum Door {
    Open,
    Closing,
    Closed,
    Opening,
}

struct Proxy {
    to: SocketAddr,
    port: u16,
    rules: Mutex<Rules>,
    door: Mutex<Door>,
    door_moved: Condvar,
}

/// What the thread that reads what goes up is told of the end.
const GOES_ON: u8 = 0;
const TOLD: u8 = 1;
const RESET: u8 = 2;

impl Proxy {
    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().expect("no thread panics")
    }

    fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().expect("no thread panics")
    }

    fn move_door(&self, to: Door) {
        *self.door() = to;
        self.door_moved.notify_all();
    }

    fn await_door(&self, at: Door) {
        let is_elsewhere = |door: &mut Door| *door != at;
        drop(self.door_moved.wait_while(self.door(), is_elsewhere).expect("no thread panics"));
    }

    fn listen(self: &Arc<Proxy>, socket: Socket) -> io::Result<()> {
        let mut listener: TcpListener = socket.into();
        loop {
            let accepted = listener.accept();
            if *self.door() == Door::Closing {
                drop(accepted);
                drop(listener);
                // The port stays ours: a socket that has it and does not listen refuses.
                let socket = bind(self.port)?;
                self.move_door(Door::Closed);
                self.await_door(Door::Opening);
                socket.listen(BACKLOG)?;
                listener = socket.into();
                self.move_door(Door::Open);
                continue;
            }
            let Ok((client, _)) = accepted else {
                // A client has left before it was let in, or there are too many.
                thread::sleep(LOOK);
                continue;
            };
            let proxy = Arc::clone(self);
            thread::spawn(move || {
                {
                    let mut rules = proxy.rules();
                    rules.open += 1;
                    rules.counts.connections += 1;
                }
                proxy.connect(&client);
                drop(client);
                proxy.rules().open -= 1;
            });
        }
    }

    fn connect(&self, client: &TcpStream) {
        let Ok(server) = TcpStream::connect(self.to) else { return reset(client) };
        // Where the system refuses these the proxy is slower, and no worse.
        let _ = (client.set_nodelay(true), server.set_nodelay(true), client.set_read_timeout(Some(LOOK)));
        let (is_asked, end) = (AtomicBool::new(true), AtomicU8::new(GOES_ON));
        thread::scope(|scope| {
            scope.spawn(|| go_up(client, &server, &is_asked, &end));
            let reason = self.come_down(&server, client, &is_asked);
            let _ = server.shutdown(Shutdown::Both);
            self.rules().ended(&reason);
            match reason {
                End::Fault(Fault::Stall) => {}
                End::Fault(Fault::Reset) => {
                    end.store(RESET, SeqCst);
                    // Nothing that the client hears; it wakes the other thread.
                    let _ = client.shutdown(Shutdown::Read);
                }
                End::Close | End::Fault(Fault::Cut) | End::Status(_) => {
                    if let End::Status(text) = reason {
                        let _ = (&mut &*client).write_all(text.as_bytes());
                    }
                    let _ = client.shutdown(Shutdown::Write);
                    end.store(TOLD, SeqCst);
                }
            }
        });
        if end.into_inner() == RESET {
            reset(client);
        }
    }

    fn come_down(&self, mut server: &TcpStream, client: &TcpStream, is_asked: &AtomicBool) -> End {
        let mut buffer = [0; 1 << 14];
        let mut answer = Answer { passes: 0, then: Then::Draw };
        loop {
            let mut rest = match server.read(&mut buffer) {
                Ok(0) => return End::Close,
                Ok(length) => &buffer[..length],
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return End::Close,
            };
            if is_asked.swap(false, SeqCst) {
                answer = self.rules().answer(rest.len() as u64);
            }
            while !rest.is_empty() {
                if answer.passes == 0 {
                    match answer.then {
                        Then::End(end) => return end,
                        Then::Draw => {
                            let mut rules = self.rules();
                            if let Some(fault) = rules.lost() {
                                return End::Fault(fault);
                            }
                            answer.passes = if rules.segment > 0 { rules.segment } else { u64::MAX };
                        }
                    }
                }
                let length = answer.passes.min(rest.len() as u64);
                let (passing, later) = rest.split_at(length as usize);
                if self.pass(passing, client).is_err() {
                    return End::Close;
                }
                answer.passes -= length;
                rest = later;
            }
        }
    }

    fn pass(&self, mut bytes: &[u8], mut client: &TcpStream) -> io::Result<()> {
        while !bytes.is_empty() {
            let (length, pause) = match self.rules().switch {
                Switch::Slow { bytes: piece, pause } => (piece.min(bytes.len()), pause),
                _ => (bytes.len(), Duration::ZERO),
            };
            let (piece, later) = bytes.split_at(length);
            client.write_all(piece)?;
            self.rules().counts.bytes += length as u64;
            thread::sleep(pause);
            bytes = later;
        }
        Ok(())
    }

    fn obey(&self, line: &str) -> Result<Value, String> {
        let told: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if told.get("switch").is_some() {
            self.switch(Switch::read(&told)?);
            return Ok(self.rules().count());
        }
        only(&told, &["begin", "count"])?;
        match told.get("begin") {
            Some(begin) => self.rules().begin(begin),
            None => Ok(self.rules().count()),
        }
    }

    fn switch(&self, to: Switch) {
        let is_refusing = matches!(to, Switch::Refuse);
        self.rules().switch = to;
        let door = *self.door();
        if is_refusing && door == Door::Open {
            self.move_door(Door::Closing);
            // The thread that listens waits for a connection; this is one.
            let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
            self.await_door(Door::Closed);
        } else if !is_refusing && door == Door::Closed {
            self.move_door(Door::Opening);
            self.await_door(Door::Open);
        }
    }
}

/// Forwards what a client sends until it leaves, or its connection is over.
fn go_up(mut client: &TcpStream, mut server: &TcpStream, is_asked: &AtomicBool, end: &AtomicU8) {
    let mut buffer = [0; 1 << 14];
    let mut looks = 0;
    loop {
        match client.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                is_asked.store(true, SeqCst);
                // Fails once the server is gone; what the client says then is read and dropped.
                let _ = server.write_all(&buffer[..length]);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                match end.load(SeqCst) {
                    RESET => break,
                    TOLD if looks == LOOKS_AFTER_END => break,
                    TOLD => looks += 1,
                    _ => {}
                }
            }
            Err(_) => break,
        }
    }
    let _ = server.shutdown(Shutdown::Both);
}

/// The connection ends by a reset when its socket is dropped.
fn reset(client: &TcpStream) {
    let _ = SockRef::from(client).set_linger(Some(Duration::ZERO));
}

/// A socket that has a port of 127.0.0.1, a free one if that is 0.
fn bind(port: u16) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    // Connections of before are no obstacle. Elsewhere they are none, and this would let others have the port, too.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    Ok(socket)
}

fn number(told: &Value, name: &str, default: u64) -> Result<u64, String> {
    let wrong = || format!("{name} is {}, allowed is a whole number that is not negative", told[name]);
    told.get(name).map_or(Ok(default), |value| value.as_u64().ok_or_else(wrong))
}

fn only(told: &Value, allowed: &[&str]) -> Result<(), String> {
    let told = told.as_object().ok_or_else(|| format!("{told} is no object with {}", allowed.join(", ")))?;
    match told.keys().find(|name| !allowed.contains(&name.as_str())) {
        Some(name) => Err(format!("'{name}' is unknown, allowed {}", allowed.join(", "))),
        None => Ok(()),
    }
}

fn run() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let to = match &arguments[..] {
        [option, to] if option == "--to" => to.to_socket_addrs().ok().and_then(|mut found| found.next()),
        _ => None,
    };
    let to = to.ok_or("usage: lossy-proxy --to HOST:PORT, the server whose answers are lost")?;
    let socket = bind(0).and_then(|socket| socket.listen(BACKLOG).map(|()| socket));
    let socket = socket.map_err(|error| format!("no port can be listened on: {error}"))?;
    let port = socket.local_addr().ok().and_then(|address| address.as_socket()).map_or(0, |address| address.port());
    let rules = Rules {
        channel: Channel::new(Model::CLEAR, 0, 0),
        draws: ChaCha8Rng::seed_from_u64(0),
        faults: vec![Fault::Cut],
        segment: SEGMENT,
        after: AFTER,
        switch: Switch::None,
        counts: Counts::default(),
        open: 0,
    };
    let (rules, door, door_moved) = (Mutex::new(rules), Mutex::new(Door::Open), Condvar::new());
    let proxy = Arc::new(Proxy { to, port, rules, door, door_moved });
    let listening = Arc::clone(&proxy);
    thread::spawn(move || {
        if let Err(error) = listening.listen(socket) {
            eprintln!("lossy-proxy: port {port} cannot be listened on again: {error}");
            std::process::exit(1);
        }
    });
    println!("{}", json!({"port": port}));
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        println!("{}", proxy.obey(&line).map_err(|error| format!("{line}: {error}"))?);
    }
    Ok(())
}

fn main() {
    if let Err(problem) = run() {
        eprintln!("lossy-proxy: {problem}");
        std::process::exit(1);
    }
}
