//! A blocking retry loop: the engine decides, this program calls, waits and looks at the clock.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use undaunted::{Code, Decision, Domain, Failure, Mode, Policy, Shared};

const POLICY: &str = r#"{"undaunted": 1, "attempts": 5, "timeout": "10s", "initial": "100ms"}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let policy: Policy = serde_json::from_str(POLICY)?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?; // closed again, so that it refuses
    let error = retry(&policy, || TcpStream::connect(address)).err();
    println!("{}", error.map_or("connected".into(), |error| format!("given up: {error}")));
    Ok(())
}

fn retry<T>(policy: &Policy, mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let started_at = Instant::now();
    let now = || started_at.elapsed().as_micros() as u64;
    let mut call = policy.start(0, RandomState::new().hash_one(()), None, Mode::Normal);
    loop {
        let error = match operation() {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let code = match error.kind() {
            ErrorKind::ConnectionRefused => Code::Name(b"ECONNREFUSED"),
            ErrorKind::ConnectionReset => Code::Name(b"ECONNRESET"),
            _ => Code::None, // unknown, so not retried
        };
        let failure = Failure { domain: Domain::Os, code, ..Failure::default() };
        let Decision::Retry { delay, .. } = policy.failed(&mut call, now(), &failure, Shared::default()) else {
            return Err(error);
        };
        println!("{error}; the next attempt starts in {delay} µs");
        sleep(Duration::from_micros(delay));
        if policy.attempt(&mut call, now(), Shared::default()).is_err() {
            return Err(error); // the wait has outlasted the deadline
        }
    }
}
