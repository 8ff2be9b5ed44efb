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

    #[cfg(test)]
    mod tests {
        use super::{Lanes, Model, Packet, Run};

        /// An IPv4 packet of TCP, from a client's port 4000 to 10.77.3.9:80 or back.
        fn tcp(is_up: bool, sequence: u32, flags: u8, data: &[u8]) -> Vec<u8> {
            let (client, server) = ([10, 78, 0, 1], [10, 77, 3, 9]);
            let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0];
            packet.extend(if is_up { [client, server] } else { [server, client] }.concat());
            let ports = if is_up { [4000_u16, 80] } else { [80, 4000] };
            packet.extend(ports.map(u16::to_be_bytes).concat());
            packet.extend(sequence.to_be_bytes());
            packet.extend([0, 0, 0, 0, 5 << 4, flags, 0, 0, 0, 0, 0, 0]);
            packet.extend(data);
            packet
        }

        fn counted(packets: &[Vec<u8>]) -> (u64, u64, u64) {
            let model: Model = "0,1,1,1".parse().unwrap();
            let mut lanes = Lanes::default();
            lanes.runs.insert(3, Run { seed: 1, up: model, down: model });
            for packet in packets {
                assert!(lanes.passes(&Packet::read(packet).unwrap()));
            }
            let seen = lanes.by_address[&(3, 9)].json();
            let count = |name: &str| seen[name].as_u64().unwrap();
            (count("connections"), count("requests"), count("tries"))
        }

        #[test]
        fn what_is_sent_again_counts_once_and_a_connection_that_asks_is_one_try() {
            let (syn, get) = (tcp(true, 7, 0x02, b""), tcp(true, 8, 0x18, b"GET / HTTP/1.1"));
            let answer = tcp(false, 99, 0x12, b"");
            assert_eq!(counted(&[syn.clone(), syn.clone(), answer, get.clone(), get.clone()]), (1, 1, 1));
            assert_eq!(counted(&[syn.clone(), get, tcp(true, 900, 0x18, b"GET / HTTP/1.1")]), (1, 2, 2));
            assert_eq!(counted(&[syn, tcp(true, 70, 0x02, b"")]), (2, 0, 2));
        }

        #[test]
        fn other_ports_and_protocols_are_nobodys() {
            let mut packet = tcp(true, 7, 0x02, b"");
            packet[22..24].copy_from_slice(&81_u16.to_be_bytes());
            assert!(Packet::read(&packet).is_none());
            assert!(Packet::read(&[]).is_none() && Packet::read(&[0x60; 40]).is_none());
        }
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
