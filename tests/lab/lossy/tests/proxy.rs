//! What a plain client meets behind `lossy-proxy`.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use undaunted_lossy::{Channel, Model};

/// More than enough for anything but a hang.
const SOON: Duration = Duration::from_secs(20);
/// A client that hears nothing for so long takes it for a stall. Nothing that passes depends on it.
const STALL: Duration = Duration::from_millis(300);

/// Answers each line, a number, with so many bytes.
fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            thread::spawn(move || {
                for line in BufReader::new(&client).lines() {
                    let Ok(length) = line.map(|line| line.parse().unwrap()) else { return };
                    if (&client).write_all(&vec![b'x'; length]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

struct Proxy {
    program: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    port: u16,
}

impl Proxy {
    fn new() -> Proxy {
        let mut program = Command::new(env!("CARGO_BIN_EXE_lossy-proxy"))
            .args(["--to", &server().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = program.stdin.take();
        let answers = BufReader::new(program.stdout.take().unwrap());
        let mut proxy = Proxy { program, commands, answers, port: 0 };
        proxy.port = proxy.answer()["port"].as_u64().unwrap().try_into().unwrap();
        proxy
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn tell(&mut self, command: Value) -> Value {
        writeln!(self.commands.as_ref().unwrap(), "{command}").unwrap();
        self.answer()
    }

    fn begin(&mut self, options: Value) -> Value {
        self.tell(json!({"begin": options}))
    }

    fn count(&mut self) -> Value {
        self.tell(json!({"count": true}))
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        client.set_read_timeout(Some(SOON)).unwrap();
        client
    }

    fn ask(&self, length: usize) -> (usize, Result<(), ErrorKind>) {
        ask(&self.connect(), length)
    }

    /// Waits until no connection is open.
    fn settle(&mut self) {
        self.await_count("open", 0);
    }

    fn await_count(&mut self, name: &str, count: u64) {
        let began_at = Instant::now();
        while self.count()[name] != count {
            assert!(began_at.elapsed() < SOON, "{name} should be {count}: {}", self.count());
            thread::yield_now();
        }
    }
}

impl Drop for Proxy {
    /// It ends when its standard input does.
    fn drop(&mut self) {
        drop(self.commands.take());
        if !thread::panicking() {
            assert!(self.program.wait().unwrap().success());
        }
    }
}

/// Asks for `length` bytes: how many came, and what ended them if not all did. UnexpectedEof: it was closed.
fn ask(mut client: &TcpStream, length: usize) -> (usize, Result<(), ErrorKind>) {
    if let Err(error) = client.write_all(format!("{length}\n").as_bytes()) {
        return (0, Err(error.kind()));
    }
    let (mut came, mut buffer) = (0, [0; 4096]);
    while came < length {
        match client.read(&mut buffer) {
            Ok(0) => return (came, Err(ErrorKind::UnexpectedEof)),
            Ok(read) => came += read,
            Err(error) => return (came, Err(error.kind())),
        }
    }
    (came, Ok(()))
}

fn is_stall(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[test]
fn what_is_not_lost_passes_whole() {
    let mut proxy = Proxy::new();
    assert_eq!(proxy.ask(100_000), (100_000, Ok(())));
    let client = proxy.connect();
    for length in [1, 1448, 1449, 50_000] {
        assert_eq!(ask(&client, length), (length, Ok(())));
    }
    drop(client);
    proxy.settle();
    let count = proxy.count();
    assert_eq!((&count["connections"], &count["answers"]), (&json!(2), &json!(5)));
    assert_eq!((&count["lost"], &count["bytes"]), (&json!(0), &json!(100_000 + 1 + 1448 + 1449 + 50_000)));
    assert_eq!(count["packets"], 70 + 1 + 1 + 2 + 35);
}

#[test]
fn an_answer_that_is_lost_ends_after_its_first_bytes() {
    let mut proxy = Proxy::new();
    for (fault, kind) in [("cut", ErrorKind::UnexpectedEof), ("reset", ErrorKind::ConnectionReset)] {
        for after in [0, 1000] {
            proxy.begin(json!({"seed": 1, "down": "0,1,1,0", "segment": 0, "after": after, "faults": [fault]}));
            let (came, end) = proxy.ask(7000);
            // A reset may overtake what came before it.
            assert!(came == after || (fault == "reset" && came < after), "{fault}: {came} of {after}");
            assert_eq!(end, Err(kind), "{fault}");
            proxy.settle();
            let count = proxy.count();
            assert_eq!((&count["faults"][fault], &count["packets"], &count["lost"]), (&json!(1), &json!(1), &json!(1)));
        }
    }
    proxy.begin(json!({"seed": 1, "down": "0,1,1,0", "segment": 0, "after": 1_000_000, "faults": ["cut"]}));
    assert_eq!(proxy.ask(10), (9, Err(ErrorKind::UnexpectedEof)), "one byte is held back at least");
}

#[test]
fn a_stall_lasts_until_the_client_leaves() {
    let mut proxy = Proxy::new();
    proxy.begin(json!({"seed": 1, "down": "0,1,1,0", "segment": 0, "after": 1000, "faults": ["stall"]}));
    let client = proxy.connect();
    client.set_read_timeout(Some(STALL)).unwrap();
    let (came, end) = ask(&client, 7000);
    assert_eq!(came, 1000);
    assert!(is_stall(end.unwrap_err()), "{end:?}");
    assert_eq!(proxy.count()["open"], 1);
    drop(client);
    proxy.settle();
    assert_eq!(proxy.count()["faults"]["stall"], 1);
}

#[test]
fn segments_are_lost_one_by_one_as_the_channel_says() {
    let mut proxy = Proxy::new();
    let model: Model = "0.3,0.4,0.2,0.9".parse().unwrap();
    proxy.begin(json!({"seed": 5, "number": 3, "down": "0.3,0.4,0.2,0.9", "segment": 100}));
    let mut channel = Channel::new(model, 5, 6);
    for _ in 0..200 {
        let pass = (0..20).take_while(|_| channel.passes()).count();
        let end = if pass == 20 { Ok(()) } else { Err(ErrorKind::UnexpectedEof) };
        assert_eq!(proxy.ask(2000), (pass * 100, end));
    }
}

#[test]
fn losses_are_those_of_the_channel_and_their_share_the_stationary_one() {
    let mut proxy = Proxy::new();
    let begin = json!({"seed": 9, "down": "0.2,0.3,0.25,0.95", "segment": 0, "after": 5, "faults": ["cut", "reset"]});
    let mut run = || {
        proxy.begin(begin.clone());
        let outcomes: Vec<_> = (0..2000).map(|_| proxy.ask(20).1).collect();
        (outcomes, proxy.count())
    };
    let (outcomes, count) = run();
    let mut channel = Channel::new("0.2,0.3,0.25,0.95".parse().unwrap(), 9, 0);
    assert!(outcomes.iter().all(|end| end.is_ok() == channel.passes()));
    let share = outcomes.iter().filter(|end| end.is_err()).count() as f64 / 2000.0;
    // Bursts make the error of the sample larger than that of independent losses: by (1 + 0.5) / (1 - 0.5) at most.
    let expected = 0.4 * 0.75 + 0.6 * 0.05;
    let error = (expected * (1.0 - expected) * 3.0 / 2000.0_f64).sqrt();
    assert!((share - expected).abs() < 5.0 * error, "{share}, expected {expected} ± {error}");
    let resets = outcomes.iter().filter(|end| **end == Err(ErrorKind::ConnectionReset)).count();
    assert_eq!(count["faults"]["reset"], resets);
    assert!(resets > 250 && count["faults"]["cut"].as_u64().unwrap() > 250, "{count}");
    assert_eq!(run().0, outcomes, "a seed gives the same outcomes again");
    proxy.settle();
}

#[test]
fn a_connection_that_is_kept_alive_meets_a_loss_at_each_answer() {
    let mut proxy = Proxy::new();
    proxy.begin(json!({"seed": 2, "down": "0.2,0.8,0,1", "segment": 0, "faults": ["cut"]}));
    let mut channel = Channel::new("0.2,0.8,0,1".parse().unwrap(), 2, 0);
    let mut client = proxy.connect();
    let mut connections = 1;
    for _ in 0..300 {
        let (came, end) = ask(&client, 5000);
        assert_eq!(end.is_ok(), channel.passes());
        if end.is_err() {
            assert_eq!(came, 1024);
            client = proxy.connect();
            connections += 1;
        }
    }
    drop(client);
    proxy.settle();
    let count = proxy.begin(json!({"seed": 3}));
    assert_eq!((&count["connections"], &count["answers"]), (&json!(connections), &json!(300)));
    assert_eq!(proxy.count()["connections"], 0, "counts begin anew");
}

#[test]
fn faults_are_switched_while_it_runs() {
    let mut proxy = Proxy::new();
    let alive = proxy.connect();
    assert_eq!(ask(&alive, 10), (10, Ok(())));
    for _ in 0..3 {
        proxy.tell(json!({"switch": "refuse"}));
        let refused = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        proxy.tell(json!({"switch": "refuse"}));
        proxy.tell(json!({"switch": "none"}));
        assert_eq!(proxy.ask(10), (10, Ok(())));
    }
    assert_eq!(ask(&alive, 10), (10, Ok(())), "it has slept through it");
    proxy.tell(json!({"switch": "refuse"}));
    assert_eq!(ask(&alive, 10), (0, Err(ErrorKind::ConnectionReset)));

    proxy.tell(json!({"switch": "cut"}));
    assert_eq!(proxy.ask(5000), (1024, Err(ErrorKind::UnexpectedEof)));
    proxy.tell(json!({"switch": "reset"}));
    assert_eq!(proxy.ask(5000).1, Err(ErrorKind::ConnectionReset));
    proxy.tell(json!({"switch": "stall"}));
    let client = proxy.connect();
    client.set_read_timeout(Some(STALL)).unwrap();
    assert!(is_stall(ask(&client, 5000).1.unwrap_err()));
    drop(client);

    proxy.tell(json!({"switch": "slow", "bytes": 100, "pause_ms": 1}));
    let began_at = Instant::now();
    assert_eq!(proxy.ask(5000), (5000, Ok(())));
    assert!(began_at.elapsed() >= Duration::from_millis(49), "50 pieces with a pause after each but the last");

    proxy.tell(json!({"switch": "status", "status": 503, "retry_after": 2}));
    let mut client = proxy.connect();
    client.write_all(b"10\n").unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text, "HTTP/1.1 503 Lossy\r\nRetry-After: 2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    drop(client);
    let count = proxy.tell(json!({"switch": "none"}));
    assert_eq!(count["faults"], json!({"stall": 1, "cut": 1, "reset": 2, "status": 1}));
    // Of five short answers and a slow one of four segments.
    assert_eq!((&count["packets"], &count["lost"]), (&json!(9), &json!(0)));
    proxy.settle();
}

#[test]
fn hundreds_of_connections_at_a_time_leave_nothing_behind() {
    let mut proxy = Proxy::new();
    proxy.begin(json!({"seed": 4, "down": "0.3,0.3,0.2,1", "faults": ["cut", "reset", "stall"]}));
    let clients: Vec<TcpStream> = (0..300).map(|_| proxy.connect()).collect();
    for mut client in &clients {
        client.write_all(b"20000\n").unwrap();
    }
    proxy.await_count("connections", 300);
    drop(clients);
    proxy.settle();
}

#[test]
fn a_client_that_keeps_what_was_cut_does_not_hold_it_open() {
    let mut proxy = Proxy::new();
    proxy.tell(json!({"switch": "cut"}));
    let client = proxy.connect();
    assert_eq!(ask(&client, 5000), (1024, Err(ErrorKind::UnexpectedEof)));
    proxy.settle();
    drop(client);
}

#[test]
fn a_server_that_is_not_there_resets() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_lossy-proxy"))
        .args(["--to", &nobody.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = serde_json::from_str::<Value>(&line).unwrap()["port"].as_u64().unwrap();
    let client = TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
    assert!(ask(&client, 10).1.is_err());
    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
}

#[test]
fn what_is_no_command_is_refused_in_a_sentence() {
    for (command, sentence) in [
        (r#"{"begin": {}}"#, "the seed is null"),
        (r#"{"begin": {"seed": 1, "segmnet": 0}}"#, "'segmnet' is unknown, allowed seed, number"),
        (r#"{"begin": {"seed": 1, "faults": []}}"#, "allowed is a list of stall, cut and reset"),
        (r#"{"begin": {"seed": 1, "after": -1}}"#, "after is -1, allowed is a whole number"),
        (r#"{"begin": {"seed": 1, "down": "0.5"}}"#, "four probabilities"),
        (r#"{"switch": "explode"}"#, "a fault is \"explode\", allowed are stall"),
        (r#"{"switch": "cut", "status": 503}"#, "'status' is unknown"),
        ("7", "7 is no object"),
    ] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_lossy-proxy"))
            .args(["--to", "127.0.0.1:9"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(program.stdin.take().unwrap(), "{command}").unwrap();
        let ended = program.wait_with_output().unwrap();
        let told = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success() && told.contains(sentence), "{command}: {told}");
    }
}
