//! urllib3 2.8: retry 1 waits nothing, retry n `min(backoff_max, backoff_factor · 2^(n-1) + U(backoff_jitter))`; counts
//! exclude the first request.

use super::draft::Draft;
use super::reading::{ATTEMPTS, Given, NOT_CONVERTED, Reading, TIME, Times, other, setting, table};
use super::waits::{Places, Use, Waits};
use crate::bounds::{Bounds, Map, RULES_LEN, Unit};
use crate::classify::find;
use crate::failure::{Class, Code, Domain, Phase};
use crate::format::{Mistake, Path, tape, tape::Node};
use crate::lint::{Level, Value};

static SETTINGS: Map = table(&[
    setting("total", COUNT, &ATTEMPTS),
    setting("connect", COUNT, &ATTEMPTS),
    setting("read", COUNT, &ATTEMPTS),
    setting("redirect", COUNT, &ATTEMPTS),
    setting("status", COUNT, &ATTEMPTS),
    setting("other", COUNT, &ATTEMPTS),
    other("allowed_methods", "a list of methods, null or false"),
    setting("status_forcelist", "a list of statuses or null", &STATUS),
    setting("backoff_factor", SECONDS, &TIME),
    setting("backoff_max", SECONDS, &TIME),
    setting("backoff_jitter", SECONDS, &TIME),
    other("respect_retry_after_header", "true or false"),
    setting("retry_after_max", SECONDS, &TIME),
    other("raise_on_redirect", "true or false"),
    other("raise_on_status", "true or false"),
    other("remove_headers_on_redirect", "a list of names"),
    other("history", "a list"),
]);

pub(super) fn read(reading: &mut Reading, path: &Path, node: Node) {
    let mut counts = [None; OTHER + 1];
    counts[0] = Some(10);
    let mut listed = Statuses::default();
    let mut methods = Methods::default();
    let (mut factor, mut cap, mut jitter) = (0, 120_000_000, 0);
    let (mut respects, mut hint_max) = (true, 21_600_000_000);
    reading.each(&SETTINGS, path, node, &mut |reading, given| {
        let is_null = given.node.kind == tape::NULL;
        match given.number {
            count @ 0..=OTHER => {
                if let Some(place) = counts.get_mut(count) {
                    *place = reading.retries(given);
                }
            }
            6 => methods = reading.methods(given),
            7 if is_null => {}
            7 => reading.list(given, &mut |reading, given| {
                if let Some(status) = reading.count(given) {
                    listed.add(status);
                }
            }),
            8 => factor = reading.time(given, Times::Seconds).unwrap_or(factor),
            9 => cap = reading.time(given, Times::Seconds).unwrap_or(cap),
            10 => jitter = reading.time(given, Times::Seconds).unwrap_or(jitter),
            11 => respects = reading.flag(given).unwrap_or(respects),
            12 => hint_max = reading.time(given, Times::Seconds).unwrap_or(hint_max),
            13 | 14 if given.node.kind == tape::TRUE => {}
            13 => reading.drop(given, Level::Info, REDIRECTS),
            14 => reading.drop(given, Level::Info, RETURNS),
            15 if is_default_headers(given.node) => {}
            15 => reading.drop(given, Level::Info, REDIRECTS),
            _ if given.node.items().next().is_none() => {}
            _ => reading.drop(given, Level::Warning, HISTORY),
        }
    });
    let attempts = reading.attempts_of(path, &counts);
    reading.limits(path, attempts, None);
    reading.class_limits(path, attempts, &counts);
    let waits = Waits::exponential(factor.saturating_mul(2), 2_000_000).plus(jitter).capped(cap);
    let (initial, cap, jitter) = (path.key(b"backoff_factor"), path.key(b"backoff_max"), path.key(b"backoff_jitter"));
    let used = Use { is_immediate: true, ..Use::of(attempts) };
    reading.waits(&waits, used, &Places { initial: &initial, cap: &cap, jitter: &jitter });
    reading.hint(path, respects, hint_max, attempts != Some(1));
    if attempts != Some(1) && !reading.draft.http_rules(&listed, respects) {
        let values = [Value::Number(RULES_LEN as u64)];
        reading.note(&path.key(b"status_forcelist"), Level::Warning, NOT_CONVERTED, TOO_MANY_RULES, values);
    }
    reading.idempotent(path, methods);
}

/// Statuses that are retried: from 400 to 599, and others.
struct Statuses {
    errors: [bool; 200],
    others: [u64; RULES_LEN],
    len: usize,
}

impl Default for Statuses {
    fn default() -> Statuses {
        Statuses { errors: [false; 200], others: [0; RULES_LEN], len: 0 }
    }
}

impl Statuses {
    fn add(&mut self, status: u64) {
        let index = usize::try_from(status.wrapping_sub(400)).unwrap_or(usize::MAX);
        if let Some(place) = self.errors.get_mut(index) {
            *place = true;
        } else if !self.others.iter().take(self.len).any(|other| *other == status) {
            if let Some(place) = self.others.get_mut(self.len) {
                *place = status;
            }
            self.len += 1;
        }
    }
}

/// What a list of methods says.
#[derive(Clone, Copy, Default)]
struct Methods {
    /// Any method, or one that is not idempotent.
    has_others: bool,
    is_any: bool,
    /// Not all of those that are idempotent.
    lacks_some: bool,
}

impl Reading<'_> {
    /// A count of retries; false is none, null has no limit.
    fn retries(&mut self, given: &Given) -> Option<u64> {
        match given.node.kind {
            tape::NULL => None,
            tape::FALSE => Some(0),
            tape::TRUE => Some(1),
            _ => self.count(given),
        }
    }

    /// Total calls: of one count, or of all kinds together.
    fn attempts_of(&mut self, path: &Path, counts: &[Option<u64>; OTHER + 1]) -> Option<u64> {
        let retries = match counts {
            [Some(total), ..] => Some(*total),
            // Redirects are not the policy's.
            [None, connect, read, _, status, other] => {
                let all = [connect, read, status, other];
                let sum = all.iter().try_fold(0_u64, |sum, count| count.map(|count| sum.saturating_add(count)));
                if let Some(sum) = sum {
                    let values = [Value::Number(sum)];
                    self.note(&path.key(b"total"), Level::Info, NOT_CONVERTED, SUM_OF_KINDS, values);
                }
                sum
            }
        };
        retries.map(|retries| retries.saturating_add(1).min(ATTEMPTS.most))
    }

    /// Of kinds of failures, those that are classes here.
    fn class_limits(&mut self, path: &Path, attempts: Option<u64>, counts: &[Option<u64>; OTHER + 1]) {
        let [_, connect, read, redirect, status, other] = *counts;
        let most = attempts.unwrap_or(ATTEMPTS.most);
        let limits = [("connect", connect), ("timeout", read)];
        let of = |retries: Option<u64>| retries.map(|retries| retries.saturating_add(1)).filter(|limit| *limit < most);
        if limits.iter().any(|(_, retries)| of(*retries).is_some()) {
            self.draft.begin("classes", tape::MAP);
            for (class, retries) in limits {
                if let Some(limit) = of(retries) {
                    self.draft.begin(class, tape::MAP);
                    self.draft.limit("attempts", Some(limit));
                    self.draft.end_map();
                }
            }
            self.draft.end_map();
        }
        if of(read).is_some() {
            self.note(&path.key(b"read"), Level::Info, NOT_CONVERTED, READ_IS_TIMEOUT, []);
        }
        for (name, count) in [("status", status), ("other", other)] {
            if of(count).is_some() {
                self.note(&path.key(name.as_bytes()), Level::Warning, NOT_CONVERTED, NO_CLASS, []);
            }
        }
        if redirect.is_some() {
            self.note(&path.key(b"redirect"), Level::Info, NOT_CONVERTED, REDIRECTS, []);
        }
    }

    /// What the server asks for.
    fn hint(&mut self, path: &Path, respects: bool, most: u64, is_retried: bool) {
        if !respects || most == 0 {
            return self.draft.word("hint", "ignore");
        }
        self.draft.begin("hint", tape::MAP);
        self.draft.time("max", most);
        self.draft.end_map();
        if is_retried {
            self.note(&path.key(b"respect_retry_after_header"), Level::Info, "wall-clock", BY_ITS_OWN_CLOCK, []);
            self.note(&path.key(b"retry_after_max"), Level::Info, NOT_CONVERTED, CUTS_HINTS, [Value::Time(most)]);
        }
    }

    fn methods(&mut self, given: &Given) -> Methods {
        let mut methods = Methods::default();
        let is_any = matches!(given.node.kind, tape::NULL | tape::FALSE);
        let is_empty = given.node.kind == tape::LIST && given.node.items().next().is_none();
        if is_any || is_empty {
            return Methods { is_any: true, has_others: true, lacks_some: false };
        }
        let mut found = 0_u32;
        self.list(given, &mut |reading, given| {
            let method = given.node.content;
            if given.node.kind != tape::TEXT {
                return reading.refuse(Mistake::WrongKind, given);
            }
            match IDEMPOTENT.iter().position(|known| known.as_bytes() == method) {
                Some(place) => found |= 1 << place,
                None => methods.has_others = true,
            }
        });
        methods.lacks_some = found.count_ones() < IDEMPOTENT.len() as u32;
        methods
    }

    fn idempotent(&mut self, path: &Path, methods: Methods) {
        let path = path.key(b"allowed_methods");
        if methods.has_others {
            self.draft.flag("idempotent", true);
            let sentence = if methods.is_any { ANY_METHOD } else { OTHER_METHODS };
            self.note(&path, Level::Warning, "retries-non-idempotent", sentence, []);
        } else {
            self.draft.word("idempotent", "auto");
        }
        if methods.lacks_some {
            self.note(&path, Level::Info, NOT_CONVERTED, MORE_METHODS, []);
        }
    }
}

impl Draft {
    /// Rules that leave of the tables what the list says; false if they are more than a policy has room for.
    fn http_rules(&mut self, listed: &Statuses, respects: bool) -> bool {
        let mut room = RULES_LEN;
        let mut has_all = listed.len <= RULES_LEN;
        self.begin("rules", tape::LIST);
        for status in listed.others.iter().take(listed.len) {
            has_all &= self.http_rule(&mut room, *status, *status, Class::Transient);
        }
        let mut low = 400;
        while low < 600 {
            let wanted = listed.wants(low, respects);
            let mut high = low;
            while high < 599 && listed.wants(high + 1, respects) == wanted {
                high += 1;
            }
            // Where the tables say the same, there is nothing to add.
            let differs = match wanted {
                Wanted::No => (low..=high).any(|status| natural(status).1),
                Wanted::As(_) => true,
                Wanted::Tables => false,
            };
            if differs {
                let class = if let Wanted::As(class) = wanted { class } else { Class::Permanent };
                has_all &= self.http_rule(&mut room, low, high, class);
            }
            low = high + 1;
        }
        self.end_list();
        has_all
    }

    fn http_rule(&mut self, room: &mut usize, low: u64, high: u64, class: Class) -> bool {
        if *room == 0 {
            return false;
        }
        *room -= 1;
        self.begin_map();
        self.range("http", low, high);
        self.word("class", class.as_str());
        self.end_map();
        true
    }
}

/// What becomes of a status.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Tables,
    As(Class),
    No,
}

impl Statuses {
    fn wants(&self, status: u64, respects: bool) -> Wanted {
        let is_listed = self.errors.get(status as usize - 400).copied().unwrap_or(false);
        let (class, is_retried) = natural(status);
        match (is_listed, is_retried) {
            (true, true) => Wanted::Tables,
            (true, false) if class == Class::Permanent => Wanted::As(Class::Transient),
            (true, false) => Wanted::As(class),
            // These are retried if they carry Retry-After.
            (false, _) if respects && matches!(status, 413 | 429 | 503) => Wanted::Tables,
            (false, _) => Wanted::No,
        }
    }
}

/// What the tables make of a status, and whether they retry it.
fn natural(status: u64) -> (Class, bool) {
    let row = find(Domain::Http, Code::Number(status as i64), Phase::Unknown, false);
    (row.class, row.class != Class::Permanent && row.condition.is_met(false, false))
}

fn is_default_headers(node: Node) -> bool {
    let mut names = 0;
    let is_known = |name: Node| HEADERS.iter().any(|known| name.content.eq_ignore_ascii_case(known));
    node.kind == tape::LIST
        && node.items().all(|name| {
            names += 1;
            is_known(name)
        })
        && names == HEADERS.len()
}

/// The last of the counts.
const OTHER: usize = 5;
const COUNT: &str = "a whole number, null or false";
const SECONDS: &str = "a number of seconds";
static STATUS: Bounds = Bounds { unit: Unit::Count, least: 100, most: 999 };
/// The default; what RFC 9110 9.2.2 calls idempotent.
const IDEMPOTENT: [&str; 6] = ["HEAD", "GET", "PUT", "DELETE", "OPTIONS", "TRACE"];
const HEADERS: [&[u8]; 3] = [b"cookie", b"authorization", b"proxy-authorization"];

const SUM_OF_KINDS: &str = "it is null, so each kind of failure has retries of its own; the policy allows $a retries, which is all of them together";
const READ_IS_TIMEOUT: &str =
    "read errors are of two classes here: timeouts are limited as written, answers that broke off only by attempts";
const NO_CLASS: &str = "no class of failures stands for these alone, so only attempts limits them; lower attempts, or limit a class by classes";
const REDIRECTS: &str = "the client follows redirects, not the policy; set it there";
const RETURNS: &str =
    "a policy never changes what a call answers: the adapter gives the last response, or raises as its client does";
const HISTORY: &str =
    "it is not empty, so some retries are used up already; convert the object that requests begin with";
const TOO_MANY_RULES: &str = "it takes more than the $a rules of a policy to say the same; the others are left to the tables, so name fewer statuses";
const BY_ITS_OWN_CLOCK: &str = "dates in Retry-After are measured by the client's own wall clock, which may be wrong or set; the policy goes by the response's Date";
const CUTS_HINTS: &str = "a wait that the server asks for beyond $a is cut to that, which retries before it is ready; the policy gives up as hint_too_long";
const ANY_METHOD: &str = "every method is retried, so calls that the server may have acted on are repeated; the policy says idempotent true, so write auto unless that is meant";
const OTHER_METHODS: &str = "a method is named that is not idempotent; the policy says idempotent true, which repeats all methods, so write auto and send an idempotency key";
const MORE_METHODS: &str =
    "a policy does not tell methods apart: of the idempotent ones it repeats HEAD, GET, PUT, DELETE, OPTIONS and TRACE";
