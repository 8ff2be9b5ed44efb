//! A gRPC service config (proposal A6): `min(maxBackoff, initialBackoff · backoffMultiplier^(n-1))`, a fifth up or down;
//! maxAttempts are total calls, at most 5.

use super::reading::{ATTEMPTS, BASE, Given, NOT_CONVERTED, Reading, TIME, Times, other, setting, table};
use super::waits::{Places, Use, Waits};
use crate::bounds::{Bounds, Map, Unit};
use crate::classify::find;
use crate::failure::{Class, Code, Domain, Phase};
use crate::format::{Mistake, Path, tape, tape::Node};
use crate::lint::{Level, Value};

static CONFIG: Map = table(&[
    other("methodConfig", "a list of method configs"),
    other("retryThrottling", "a map or null"),
    other("loadBalancingPolicy", "text"),
    other("loadBalancingConfig", "a list"),
    other("healthCheckConfig", "a map"),
]);

static METHOD: Map = Map {
    // A method has one of the two.
    rivals: 0b11,
    ..table(&[
        other("retryPolicy", "a map"),
        other("hedgingPolicy", "a map"),
        setting("timeout", DURATION, &TIME),
        other("name", "a list"),
        other("waitForReady", "true or false"),
        other("maxRequestMessageBytes", "a whole number"),
        other("maxResponseMessageBytes", "a whole number"),
    ])
};

static RETRY: Map = table(&[
    setting("maxAttempts", "a whole number", &TWO_OR_MORE),
    setting("initialBackoff", DURATION, &SOME_TIME),
    setting("maxBackoff", DURATION, &SOME_TIME),
    setting("backoffMultiplier", "a number", &SOME_BASE),
    setting("retryableStatusCodes", "a list of status codes", &CODES),
    setting("perAttemptRecvTimeout", DURATION, &SOME_TIME),
]);

static HEDGING: Map = table(&[
    setting("maxAttempts", "a whole number", &TWO_OR_MORE),
    setting("hedgingDelay", DURATION, &TIME),
    other("nonFatalStatusCodes", "a list of status codes"),
]);

static THROTTLING: Map =
    table(&[setting("maxTokens", "a whole number", &TOKENS), setting("tokenRatio", "a number", &SOME_BASE)]);

pub(super) fn read(reading: &mut Reading, path: &Path, node: Node) {
    let (mut attempts, mut timeout) = (Some(1), None);
    reading.each(&CONFIG, path, node, &mut |reading, given| match given.number {
        0 => (attempts, timeout) = reading.method_configs(given),
        1 if given.node.kind == tape::NULL => {}
        1 => reading.throttling(given),
        _ => reading.drop(given, Level::Info, THE_CHANNELS),
    });
    reading.limits(path, attempts, timeout);
    // What the server pushes back is waited exactly, and starts the exponent again.
    reading.draft.begin("hint", tape::MAP);
    reading.draft.word("mode", "exact");
    reading.draft.flag("resets", true);
    reading.draft.end_map();
}

impl Reading<'_> {
    /// Attempts and timeout of the first method config that retries, or else of the first.
    fn method_configs(&mut self, given: &Given) -> (Option<u64>, Option<u64>) {
        let has_policy = |node: &Node| {
            let mut entries = node.items();
            core::iter::from_fn(|| entries.next_entry())
                .any(|(key, _)| key == b"retryPolicy" || key == b"hedgingPolicy")
        };
        let chosen = given.node.items().position(|node| has_policy(&node)).unwrap_or(0);
        let mut found = (Some(1), None);
        self.list(given, &mut |reading, given| {
            if given.number == chosen {
                found = reading.method_config(given);
            } else {
                reading.drop(given, Level::Info, OTHER_METHODS);
            }
        });
        found
    }

    fn method_config(&mut self, given: &Given) -> (Option<u64>, Option<u64>) {
        let (mut attempts, mut timeout) = (1, None);
        self.each(&METHOD, given.path, given.node, &mut |reading, given| match given.number {
            0 => attempts = reading.retry_policy(given),
            1 => reading.hedging_policy(given),
            2 if given.node.kind == tape::NULL => {}
            2 => timeout = reading.time(given, Times::Text).filter(|time| *time > 0),
            // Which methods it is for is for whoever uses the policy.
            3 => {}
            _ => reading.drop(given, Level::Info, THE_CHANNELS),
        });
        (Some(attempts), timeout)
    }

    fn retry_policy(&mut self, given: &Given) -> u64 {
        let (mut attempts, mut initial, mut cap, mut base, mut codes) = (None, None, None, None, None);
        let mut written = 0_u32;
        self.each(&RETRY, given.path, given.node, &mut |reading, given| {
            written |= 1 << given.number;
            match given.number {
                0 => attempts = reading.most_five(given),
                1 => initial = reading.time(given, Times::Text),
                2 => cap = reading.time(given, Times::Text),
                3 => base = reading.share(given),
                4 => codes = Some(reading.codes(given)),
                _ => {
                    if let Some(limit) = reading.time(given, Times::Text) {
                        reading.draft.time("attempt_timeout", limit);
                    }
                }
            }
        });
        for (number, field) in RETRY.fields.iter().enumerate().take(NEEDED) {
            if given.node.kind == tape::MAP && written >> number & 1 == 0 {
                self.refuse_missing(given.path, field);
            }
        }
        let (Some(attempts), Some(initial), Some(cap), Some(base), Some(codes)) = (attempts, initial, cap, base, codes)
        else {
            return 1;
        };
        let waits = Waits::exponential(initial, base).capped(cap);
        let places = [b"initialBackoff".as_slice(), b"maxBackoff"].map(|name| given.path.key(name));
        let [initial, max] = &places;
        let used = Use { is_proportional: true, ..Use::of(Some(attempts)) };
        self.waits(&waits, used, &Places { initial, cap: max, jitter: initial });
        let reached = waits.steps.get(attempts as usize - 2).is_some_and(|step| step.low.saturating_mul(6) / 5 > cap);
        if reached {
            let values = [Value::Time(cap.saturating_mul(6) / 5)];
            self.note(max, Level::Info, "jitter-exceeds-cap", A_FIFTH_ABOVE, values);
        }
        self.code_rules(codes);
        attempts
    }

    /// gRPC silently makes more of them 5.
    fn most_five(&mut self, given: &Given) -> Option<u64> {
        let attempts = self.count(given)?;
        if attempts > MOST {
            let values = [Value::Number(attempts), Value::Number(MOST)];
            self.note(given.path, Level::Warning, "clamped-count", CLAMPED, values);
        }
        Some(attempts.min(MOST))
    }

    fn hedging_policy(&mut self, given: &Given) {
        let (mut attempts, mut delay) = (2, 0);
        self.each(&HEDGING, given.path, given.node, &mut |reading, given| match given.number {
            0 => attempts = reading.most_five(given).unwrap_or(attempts),
            1 => delay = reading.time(given, Times::Text).unwrap_or(delay),
            _ => {}
        });
        let values = [Value::Time(delay), Value::Number(attempts)];
        self.note(given.path, Level::Warning, NOT_CONVERTED, USE_A_HEDGE, values);
    }

    /// The codes of a list, a bit each.
    fn codes(&mut self, given: &Given) -> u32 {
        let mut codes = 0;
        self.list(given, &mut |reading, given| {
            let number = if given.node.kind == tape::NUMBER {
                reading.count(given).map(|number| number as usize)
            } else {
                let name = if given.node.kind == tape::TEXT { given.node.content } else { b"" };
                let found = NAMES.iter().position(|known| name.eq_ignore_ascii_case(known.as_bytes()));
                if found.is_none() {
                    reading.refuse(Mistake::UnknownWord, given);
                }
                found
            };
            codes |= number.map_or(0, |number| 1 << number);
        });
        codes
    }

    /// Rules that leave of the tables what the list says.
    fn code_rules(&mut self, codes: u32) {
        self.draft.begin("rules", tape::LIST);
        for (number, name) in NAMES.iter().enumerate() {
            let row = find(Domain::Grpc, Code::Number(number as i64), Phase::Unknown, false);
            let is_retried = row.class != Class::Permanent && row.condition.is_met(false, false);
            let is_listed = codes >> number & 1 == 1;
            if is_listed != is_retried {
                let class = match row.class {
                    _ if !is_listed => Class::Permanent,
                    Class::Permanent => Class::Transient,
                    class => class,
                };
                self.draft.begin_map();
                self.draft.word("grpc", name);
                self.draft.word("class", class.as_str());
                self.draft.end_map();
            }
        }
        self.draft.end_list();
    }

    fn throttling(&mut self, given: &Given) {
        let (mut tokens, mut ratio) = (None, None);
        let mut written = 0_u32;
        self.each(&THROTTLING, given.path, given.node, &mut |reading, given| {
            written |= 1 << given.number;
            match given.number {
                0 => tokens = reading.count(given),
                _ => ratio = reading.share(given),
            }
        });
        for (number, field) in THROTTLING.fields.iter().enumerate() {
            if given.node.kind == tape::MAP && written >> number & 1 == 0 {
                self.refuse_missing(given.path, field);
            }
        }
        let (Some(tokens), Some(ratio)) = (tokens, ratio) else { return };
        if ratio % 1_000 != 0 {
            let path = given.path.key(b"tokenRatio");
            self.note(&path, Level::Info, NOT_CONVERTED, THREE_PLACES, []);
        }
        self.draft.begin("budget", tape::MAP);
        self.draft.word("name", "grpc");
        self.draft.word("mode", "failures");
        self.draft.limit("capacity", Some(tokens));
        self.draft.share("reward", ratio / 1_000 * 1_000);
        self.draft.end_map();
    }
}

/// The options of a retry policy that gRPC requires.
const NEEDED: usize = 5;
/// gRPC makes no more attempts, whatever is written (proposal A6).
pub(crate) const MOST: u64 = 5;
const DURATION: &str = "a time in seconds as \"0.1s\"";
static TWO_OR_MORE: Bounds = Bounds { least: 2, ..ATTEMPTS };
static SOME_TIME: Bounds = Bounds { least: 1, ..TIME };
static SOME_BASE: Bounds = Bounds { least: 1, ..BASE };
static TOKENS: Bounds = Bounds { unit: Unit::Count, least: 1, most: MOST_TOKENS };
pub(crate) const MOST_TOKENS: u64 = 1_000;
static CODES: Bounds = Bounds { unit: Unit::Count, least: 0, most: 16 };
/// By number.
pub(crate) const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

const THE_CHANNELS: &str = "it is not about retries; leave it to the channel";
const OTHER_METHODS: &str =
    "a policy comes of one method config, the first that retries; convert this one alone for the calls that it names";
const CLAMPED: &str =
    "it is $a, which gRPC takes as $b without a word; write $b, or more attempts into the policy if you mean them";
const USE_A_HEDGE: &str = "a policy makes one attempt after the other; begin the next one beside the first with a Hedge, delay $a and attempts $b";
const A_FIFTH_ABOVE: &str =
    "the jitter of a fifth comes after it, so waits reach $a; the policy keeps below what is written";
const THREE_PLACES: &str = "gRPC looks at three decimal places; the policy has the same";
