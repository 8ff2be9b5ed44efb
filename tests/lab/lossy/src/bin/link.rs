//! Loses the packets that netfilter queues: `lossy-link QUEUE`, told what to do by lines of JSON on standard input.
//!
//! A lane is a server's address: each has a channel up, to the server, and one down, so that many downloads at a time meet
//! links of their own. The last number of an address is the lane's, the one before is that of its run. Lanes of one number lose by
//! the same draws in every run. What passed is counted, and what was lost.
//!
//! `{"begin": 3, "seed": 7, "up": "0,1,1,1", "down": "0.5,0.2,0,1"}` starts the lanes of run 3 anew and answers `{}`;
//! `{"count": 3}` answers what each of them has seen, by its number. Lanes of runs that have not begun lose nothing.

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::{BTreeMap, HashSet};
    use std::io::BufRead;
    use std::sync::{Arc, Mutex};

    use nfq::{Queue, Verdict};
    use serde_json::{Value, json};
    use undaunted_lossy::{Channel, Model};

    /// Ports of servers: nginx, the server with faults, echo. What goes there goes up.
    const PORTS: [u16; 3] = [80, 8080, 7];
    const TCP: u8 = 6;
    const UDP: u8 = 17;

    /// What passed one way.
    #[derive(Default)]
    struct Way {
        packets: u64,
        lost: u64,
        bytes: u64,
    }

    struct Lane {
        up: Channel,
        down: Channel,
        sent_up: Way,
        sent_down: Way,
        /// Port and sequence number of what begins a connection, and of what begins a request: sent again they count once. A try is a
        /// request, or a connection that never came to ask.
        connections: HashSet<(u16, u32)>,
        requests: HashSet<(u16, u32)>,
    }

    impl Lane {
        fn json(&self) -> Value {
            let way = |way: &Way| json!({"packets": way.packets, "lost": way.lost, "bytes": way.bytes});
            let asks = |(port, sequence): &(u16, u32)| self.requests.contains(&(*port, sequence.wrapping_add(1)));
            let silent = self.connections.iter().filter(|connection| !asks(connection)).count();
            json!({
                "up": way(&self.sent_up), "down": way(&self.sent_down),
                "connections": self.connections.len(), "requests": self.requests.len(), "tries": self.requests.len() + silent,
            })
        }
    }

    /// How the lanes of a run lose.
    #[derive(Clone, Copy)]
    struct Run {
        seed: u64,
        up: Model,
        down: Model,
    }

    #[derive(Default)]
    struct Lanes {
        runs: BTreeMap<u8, Run>,
        by_address: BTreeMap<(u8, u8), Lane>,
    }

    impl Lanes {
        fn passes(&mut self, packet: &Packet) -> bool {
            let (run, number) = packet.lane;
            let Some(Run { seed, up, down }) = self.runs.get(&run).copied() else { return true };
            let lane = self.by_address.entry(packet.lane).or_insert_with(|| Lane {
                up: Channel::new(up, seed, 2 * u64::from(number)),
                down: Channel::new(down, seed, 2 * u64::from(number) + 1),
                sent_up: Way::default(),
                sent_down: Way::default(),
                connections: HashSet::new(),
                requests: HashSet::new(),
            });
            if packet.begins_connection {
                lane.connections.insert(packet.flow);
            }
            if packet.begins_request {
                lane.requests.insert(packet.flow);
            }
            let (channel, way) =
                if packet.is_up { (&mut lane.up, &mut lane.sent_up) } else { (&mut lane.down, &mut lane.sent_down) };
            let passes = channel.passes();
            way.packets += 1;
            way.bytes += packet.length;
            way.lost += u64::from(!passes);
            passes
        }
    }

    /// What counts of an IPv4 packet.
    struct Packet {
        lane: (u8, u8),
        is_up: bool,
        length: u64,
        flow: (u16, u32),
        begins_connection: bool,
        begins_request: bool,
    }

    impl Packet {
        /// None if it is neither TCP nor UDP over IPv4 of a server's port.
        fn read(bytes: &[u8]) -> Option<Packet> {
            let first = *bytes.first()?;
            if first >> 4 != 4 {
                return None;
            }
            let protocol = *bytes.get(9)?;
            let transport = bytes.get(usize::from(first & 15) * 4..)?;
            let port = |at: usize| Some(u16::from_be_bytes([*transport.get(at)?, *transport.get(at + 1)?]));
            let (from, to) = (port(0)?, port(2)?);
            let is_up = PORTS.contains(&to);
            if !is_up && !PORTS.contains(&from) {
                return None;
            }
            let lane = if is_up { (*bytes.get(18)?, *bytes.get(19)?) } else { (*bytes.get(14)?, *bytes.get(15)?) };
            let length = bytes.len() as u64;
            let mut packet =
                Packet { lane, is_up, length, flow: (from, 0), begins_connection: false, begins_request: false };
            if protocol == TCP {
                let sequence = transport.get(4..8)?.try_into().map(u32::from_be_bytes).ok()?;
                let (offset, flags) = (usize::from(transport.get(12)? >> 4) * 4, *transport.get(13)?);
                packet.flow = (from, sequence);
                packet.begins_connection = is_up && flags & 0x12 == 0x02;
                packet.begins_request = is_up && transport.get(offset..)?.starts_with(b"GET ");
            } else if protocol != UDP {
                return None;
            }
            Some(packet)
        }
    }

    pub fn main() -> Result<(), String> {
        let number = std::env::args().nth(1).and_then(|text| text.parse().ok());
        let number: u16 = number.ok_or("usage: lossy-link QUEUE, the number of a netfilter queue")?;
        let lanes = Arc::new(Mutex::new(Lanes::default()));
        let open = || -> std::io::Result<Queue> {
            let mut queue = Queue::open()?;
            queue.bind(number)?;
            queue.set_queue_max_len(number, 65_536)?;
            Ok(queue)
        };
        let queue = open().map_err(|error| format!("netfilter's queue {number} cannot be opened: {error}"))?;
        let packets = Arc::clone(&lanes);
        std::thread::spawn(move || {
            if let Err(error) = decide(queue, &packets) {
                eprintln!("lossy-link: {error}");
                std::process::exit(1);
            }
        });
        for line in std::io::stdin().lock().lines() {
            println!("{}", obey(&line.map_err(|error| error.to_string())?, &lanes)?);
        }
        Ok(())
    }

    fn decide(mut queue: Queue, lanes: &Mutex<Lanes>) -> std::io::Result<()> {
        loop {
            let mut message = queue.recv()?;
            let packet = Packet::read(message.get_payload());
            let passes = packet.is_none_or(|packet| lanes.lock().expect("no thread panics").passes(&packet));
            message.set_verdict(if passes { Verdict::Accept } else { Verdict::Drop });
            queue.verdict(message)?;
        }
    }

    fn obey(line: &str, lanes: &Mutex<Lanes>) -> Result<Value, String> {
        let told: Value = serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
        let number = |name: &str| told[name].as_u64().and_then(|value| u8::try_from(value).ok());
        let mut lanes = lanes.lock().expect("no thread panics");
        if let Some(run) = number("count") {
            let of_run = lanes.by_address.range((run, u8::MIN)..=(run, u8::MAX));
            return Ok(of_run.map(|((_, lane), seen)| (lane.to_string(), seen.json())).collect());
        }
        let run = number("begin").ok_or_else(|| format!("{line}: neither counts nor begins a run of 0 to 255"))?;
        let seed = told["seed"].as_u64().ok_or_else(|| format!("{line}: a run needs a seed"))?;
        let model = |name: &str| told[name].as_str().unwrap_or_default().parse::<Model>();
        let begun = Run { seed, up: model("up")?, down: model("down")? };
        lanes.runs.insert(run, begun);
        lanes.by_address.retain(|(of, _), _| *of != run);
        Ok(json!({}))
    }
}

#[cfg(target_os = "linux")]
fn main() {
    if let Err(problem) = linux::main() {
        eprintln!("lossy-link: {problem}");
        std::process::exit(1);
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("lossy-link: needs Linux, whose netfilter queues packets");
    std::process::exit(1);
}
