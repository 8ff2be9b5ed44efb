//! What a reviewer would say of a policy that compiles: coded findings, each with what it is, why, and what to do.
//!
//! Source: SEMANTICS 16; what each is found by is written down in tests/README.md.

mod hedge;

pub use hedge::HedgeLint;

use crate::analysis::{burst, is_decorrelated, spans};
use crate::backoff::Backoff;
use crate::breaker::WINDOW_TIME;
use crate::budget::BudgetMode;
use crate::classify::is_same;
use crate::failure::{Class, Code, Domain, names};
use crate::format::Path;
use crate::jitter::Jitter;
use crate::policy::{CLASSES, Nested, Policy};
use crate::presets::HINT_MAX_DEFAULT;
use crate::rules::Match;
use crate::settings::{
    ABSENT, BREAKER, BUDGET_CAPACITY, BUDGET_COST, BUDGET_PER_SECOND, BUDGET_RATIO, BUDGET_REWARD, BUDGET_TTL,
    CLASS_INITIAL, FIRST, HINT_MAX, IDEMPOTENT, INITIAL, MAX_DELAY, RULE_BODY, RULE_CLASS, RULE_CODE, RULE_DOMAIN,
    Settings, TRUE,
};
use crate::text::Text;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing; may be meant.
    Info = 0,
    /// Hurts in an outage, mostly.
    Warning = 1,
    /// The policy does not do what it says.
    Error = 2,
}

names!(Level { Info = "info", Warning = "warning", Error = "error" });

/// One finding.
pub struct Finding<'a> {
    /// Stable: the same in every language and version.
    pub code: &'static str,
    /// How much it matters.
    pub level: Level,
    pointer: &'static str,
    /// The rule it is about.
    rule: Option<u64>,
    /// A place in settings of another library's, which the pointer is instead.
    path: Option<&'a Path<'a>>,
    sentence: &'static str,
    values: [Value; 2],
}

/// What stands in a sentence at `$a` and `$b`.
#[derive(Clone, Copy)]
pub(crate) enum Value {
    None,
    Time(u64),
    Number(u64),
}

impl<'a> Finding<'a> {
    /// About a place in the settings of another library.
    pub(crate) fn at(
        path: &'a Path<'a>,
        level: Level,
        code: &'static str,
        sentence: &'static str,
        values: [Value; 2],
    ) -> Finding<'a> {
        Finding { code, level, pointer: "", rule: None, path: Some(path), sentence, values }
    }

    /// About an option of a policy.
    pub(crate) fn of<const N: usize>(
        level: Level,
        code: &'static str,
        pointer: &'static str,
        sentence: &'static str,
        given: [Value; N],
    ) -> Finding<'static> {
        let mut values = [Value::None; 2];
        values.iter_mut().zip(given).for_each(|(place, value)| *place = value);
        Finding { code, level, pointer, rule: None, path: None, sentence, values }
    }

    /// Where it is: a JSON pointer (RFC 6901).
    pub fn pointer(&self, out: &mut dyn FnMut(&[u8])) {
        if let Some(path) = self.path {
            return path.pointer(out);
        }
        let text = &mut Text::new(out);
        text.text(self.pointer);
        if let Some(rule) = self.rule {
            text.text("/").number(rule);
        }
    }

    /// As one object of JSON.
    pub fn json(&self, out: &mut dyn FnMut(&[u8])) {
        let text = &mut Text::new(out);
        text.text("{\"code\":\"").text(self.code).text("\",\"level\":\"").text(self.level.as_str());
        text.text("\",\"pointer\":\"");
        self.pointer(out);
        out(b"\",\"text\":\"");
        self.text(out);
        out(b"\"}");
    }

    /// Whether two findings say the same of the same option.
    pub(crate) fn is_like(&self, other: &Finding) -> bool {
        (self.code, self.level, self.pointer, self.rule) == (other.code, other.level, other.pointer, other.rule)
    }

    /// One sentence: what it is, why it matters, what to do.
    pub fn text(&self, out: &mut dyn FnMut(&[u8])) {
        let text = &mut Text::new(out);
        let [a, b] = self.values;
        let mut is_place = false;
        for byte in self.sentence.as_bytes() {
            match (is_place, byte) {
                (false, b'$') => {}
                (false, _) => _ = text.bytes(core::slice::from_ref(byte)),
                (true, b'a') => write(text, a),
                (true, b'b') => write(text, b),
                (true, _) => _ = text.number(self.rule.unwrap_or(0)),
            }
            is_place = !is_place && *byte == b'$';
        }
    }
}

fn write(text: &mut Text, value: Value) {
    match value {
        Value::None => text,
        Value::Time(micros) => text.duration(micros),
        Value::Number(number) => text.number(number),
    };
}

impl Policy {
    /// Tells every finding, in the order of the options they are about.
    pub fn lint(&self, finding: &mut dyn FnMut(&Finding)) {
        Lint { policy: self, tell: finding }.all();
    }

    /// The findings for a reader.
    pub fn lint_text(&self, out: &mut dyn FnMut(&[u8])) {
        write_all(&mut |tell| self.lint(tell), out);
    }

    /// The findings as a JSON list.
    pub fn lint_json(&self, out: &mut dyn FnMut(&[u8])) {
        write_json(&mut |tell| self.lint(tell), out);
    }
}

/// Hands findings over one by one.
type Each<'e> = &'e mut dyn FnMut(&mut dyn FnMut(&Finding));

/// Findings for a reader, and how many there are.
pub(crate) fn write_all(each: Each, out: &mut dyn FnMut(&[u8])) {
    let mut counts = [0_u64; 3];
    each(&mut |finding| {
        let text = &mut Text::new(out);
        text.text(finding.level.as_str()).to(9).text(finding.code).text("  ");
        finding.pointer(out);
        out(b"\n    ");
        finding.text(out);
        out(b"\n\n");
        if let Some(count) = counts.get_mut(finding.level as usize) {
            *count += 1;
        }
    });
    let [infos, warnings, errors] = counts;
    let text = &mut Text::new(out);
    text.text("errors: ").number(errors).text(", warnings: ").number(warnings);
    text.text(", infos: ").number(infos).text("\n");
}

/// Findings as a JSON list.
pub(crate) fn write_json(each: Each, out: &mut dyn FnMut(&[u8])) {
    let mut before: &[u8] = b"[";
    each(&mut |finding| {
        out(before);
        finding.json(out);
        before = b",";
    });
    if before == b"[" {
        out(b"[");
    }
    out(b"]");
}

struct Lint<'l> {
    policy: &'l Policy,
    tell: &'l mut dyn FnMut(&Finding),
}

impl Lint<'_> {
    fn all(&mut self) {
        if self.policy.attempts() == Some(1) {
            return;
        }
        self.limits();
        self.delays();
        self.classes();
        self.rules();
        self.budget();
        self.breaker();
        if self.settings()[IDEMPOTENT] == TRUE {
            self.tell(Level::Warning, "retries-non-idempotent", "/idempotent", IDEMPOTENT_IS_TRUE, []);
        }
        if self.policy.nested() == Nested::Allow {
            self.tell(Level::Warning, "nested-retries", "/nested", NESTED_IS_ALLOWED, []);
        }
    }

    fn limits(&mut self) {
        let (attempts, timeout) = (self.policy.attempts(), self.policy.timeout());
        if let Some(attempts) = attempts.filter(|attempts| *attempts > SAFE_ATTEMPTS) {
            let all = u64::from(attempts).saturating_pow(3);
            let values = [Value::Number(attempts.into()), Value::Number(all)];
            self.tell(Level::Info, "amplification", "/attempts", STACK, values);
        }
        if attempts.is_none() && timeout.is_none() {
            self.tell(Level::Warning, "deadline-missing", "/forever", NOTHING_ENDS_IT, []);
        }
        let Some(timeout) = timeout else { return };
        if let Some(attempts) = attempts {
            let sum = |of: fn(u64, u64) -> u64| {
                let retries = spans(self.policy, Class::Transient).take((attempts - 1).min(MANY) as usize);
                retries.fold(0, |sum: u64, span| sum.saturating_add(of(span.low, span.width)))
            };
            let (least, mean) = (sum(|low, _| low), sum(|low, width| low.saturating_add(width / 2)));
            if least >= timeout {
                let values = [Value::Time(least), Value::Time(timeout)];
                self.tell(Level::Error, "deadline-unreachable", "/timeout", NEVER_ALL_START, values);
            } else if mean >= timeout && !is_decorrelated(self.policy) {
                let values = [Value::Time(mean), Value::Time(timeout)];
                self.tell(Level::Info, "deadline-unreachable", "/timeout", SELDOM_ALL_START, values);
            }
        }
        if let Some(limit) = self.policy.attempt_timeout().filter(|limit| *limit >= timeout) {
            let values = [Value::Time(limit), Value::Time(timeout)];
            self.tell(
                Level::Error,
                "attempt-timeout-exceeds-deadline",
                "/attempt_timeout",
                ONE_ATTEMPT_TAKES_ALL,
                values,
            );
        }
    }

    fn delays(&mut self) {
        let policy = self.policy;
        let retries = policy.attempts().map_or(MANY, |attempts| (attempts - 1).min(MANY)) as usize;
        let longest = spans(policy, Class::Transient).take(retries).map(|span| span.high()).max().unwrap_or(0);
        let is_list = Backoff::of(&policy.settings) == Backoff::List;
        let first = spans(policy, Class::Transient).next().unwrap_or_default();
        let is_random = Jitter::of(&policy.settings) != Jitter::None;

        let meeting = WINDOW.saturating_mul(CLIENTS).checked_div(first.width.saturating_add(1)).unwrap_or(0);
        if policy.settings[FIRST] == 1 {
            self.tell(Level::Info, "herd-window", "/first", ALL_AT_ONCE, []);
        } else if is_random && meeting >= CLIENTS / 4 {
            let values = [Value::Number(meeting.min(CLIENTS)), Value::Time(first.width)];
            let place = if is_list { "/backoff" } else { "/initial" };
            self.tell(Level::Info, "herd-window", place, THEY_MEET, values);
        }
        let cap = policy.settings[MAX_DELAY];
        if (1..cap).contains(&longest) && policy.attempts().is_some() {
            let values = [Value::Time(cap), Value::Time(longest)];
            self.tell(Level::Info, "cap-unreachable", "/max_delay", CAP_IS_FAR, values);
        }
        if let Some(limit) = policy.attempt_timeout().filter(|limit| *limit < longest) {
            let values = [Value::Time(longest), Value::Time(limit)];
            self.tell(Level::Info, "sleep-longer-than-attempt-timeout", "/max_delay", LONGER_THAN_AN_ATTEMPT, values);
        }
        if !is_random && longest > 0 {
            self.tell(Level::Warning, "jitter-none", "/jitter", NO_JITTER, []);
        }
        let hint_max = policy.limit(HINT_MAX).filter(|max| *max != HINT_MAX_DEFAULT);
        if let Some((max, timeout)) = hint_max.zip(policy.timeout()).filter(|(max, timeout)| max > timeout) {
            let values = [Value::Time(max), Value::Time(timeout)];
            self.tell(Level::Info, "hint-cap-above-deadline", "/hint/max", TIMEOUT_COMES_FIRST, values);
        }
    }

    fn classes(&mut self) {
        let policy = self.policy;
        let own = policy.of_class(Class::Throttle, CLASS_INITIAL);
        let shared = policy.limit(INITIAL).filter(|initial| own.is_none() && *initial < OVERLOADED);
        if let Some(initial) = shared.filter(|_| Backoff::of(&policy.settings) != Backoff::List) {
            self.tell(Level::Info, "throttle-shares-base", "/classes", SAME_AS_OTHERS, [Value::Time(initial)]);
        }
    }

    fn rules(&mut self) {
        let policy = self.policy;
        for (rule, number) in policy.rules.as_slice().iter().zip(0..) {
            let class = Class::from_number(rule[RULE_CLASS] as u32);
            if class.is_none_or(|class| class == Class::Permanent) || rule[RULE_BODY] != ABSENT {
                continue;
            }
            let names = |domain: Domain, code: Code| {
                let is_named = rule[RULE_DOMAIN] == domain as u64 && rule[RULE_CODE] != ABSENT;
                is_named && covers(domain, policy.rules.unpack(rule[RULE_CODE]), code)
            };
            if let Some(status) = NEVER.iter().find(|status| names(Domain::Http, Code::Number(**status))) {
                let values = [Value::Number(status.unsigned_abs()), Value::None];
                self.tell_rule(Level::Warning, "retries-never-class", RETRIES_A_MISTAKE, values, number);
            }
            if VIOLATED.iter().any(|(domain, code)| names(*domain, *code)) {
                self.tell_rule(Level::Warning, "retries-never-class", RETRIES_A_VIOLATION, [Value::None; 2], number);
            }
            if names(Domain::Dns, Code::Name(b"ENOTFOUND")) {
                self.tell_rule(Level::Info, "notfound-dns", RETRIES_A_TYPO, [Value::None; 2], number);
            }
        }
    }

    fn budget(&mut self) {
        let policy = self.policy;
        if policy.budget_name().is_none() {
            self.tell(Level::Info, "budget-missing", "/budget", EACH_FOR_ITSELF, []);
        }
        let Some(budget) = policy.budget() else { return };
        let mode = budget.mode();
        let is_small = |cost: u64| burst(&budget, cost).is_some_and(|retries| retries < FEW);
        let cost = budget.of(BUDGET_COST);
        let sentence = if mode == BudgetMode::Failures { SOON_HALVED } else { SOON_SPENT };
        let costs = || COSTS.iter().filter_map(|(class, place)| Some((policy.cost(*class)?, *place)));
        if mode == BudgetMode::Window {
            let values = [Value::Number(budget.of(BUDGET_PER_SECOND)), Value::Time(budget.of(BUDGET_TTL))];
            if is_small(0) {
                self.tell(Level::Warning, "budget-too-small", "/budget/min_per_second", NO_RESERVE, values);
            }
            if budget.of(BUDGET_PER_SECOND) == 0 && budget.of(BUDGET_RATIO) == 0 {
                self.tell(Level::Warning, "budget-never-refills", "/budget/ratio", NO_RETRIES, []);
            }
            return;
        }
        for (cost, place) in costs().chain([(cost, "/budget/capacity")]) {
            if is_small(cost) {
                let values = [Value::Number(budget.of(BUDGET_CAPACITY)), Value::Number(cost)];
                self.tell(Level::Warning, "budget-too-small", place, sentence, values);
            }
        }
        let is_spent = cost > 0 || costs().any(|(cost, _)| cost > 0);
        if is_spent && budget.of(BUDGET_REWARD) == 0 {
            self.tell(Level::Warning, "budget-never-refills", "/budget/reward", NO_REWARD, []);
        }
    }

    fn breaker(&mut self) {
        let window = self.policy.limit(BREAKER + WINDOW_TIME);
        if let Some((window, limit)) =
            window.zip(self.policy.attempt_timeout()).filter(|(window, limit)| window < limit)
        {
            let values = [Value::Time(window), Value::Time(limit)];
            let code = "breaker-window-shorter-than-attempt";
            self.tell(Level::Warning, code, "/breaker/window_time", FORGOTTEN_BEFORE_THE_END, values);
        }
    }

    fn settings(&self) -> &Settings {
        &self.policy.settings
    }

    fn tell<const N: usize>(
        &mut self,
        level: Level,
        code: &'static str,
        pointer: &'static str,
        sentence: &'static str,
        given: [Value; N],
    ) {
        (self.tell)(&Finding::of(level, code, pointer, sentence, given));
    }

    fn tell_rule(&mut self, level: Level, code: &'static str, sentence: &'static str, values: [Value; 2], rule: u64) {
        let rule = Some(rule);
        (self.tell)(&Finding { code, level, pointer: "/rules", rule, path: None, sentence, values });
    }
}

/// Whether what a rule names is a code, or belongs to a class of codes.
fn covers(domain: Domain, named: Match, code: Code) -> bool {
    match (named, code) {
        (Match::Number(number), _) => is_same(domain, code, Code::Number(number.into())),
        (Match::Text(name), _) => is_same(domain, code, Code::Name(name)),
        (Match::Range(low, high), Code::Number(number)) => (i64::from(low)..=i64::from(high)).contains(&number),
        (Match::Range(..), _) => false,
    }
}

const IDEMPOTENT_IS_TRUE: &str = "idempotent is true, so calls that the server may have acted on are repeated whatever their method; write auto unless every call may be repeated";
const NESTED_IS_ALLOWED: &str = "nested is allow, so retries inside retries multiply unseen; write warn or once";
const STACK: &str = "attempts is $a, so three layers of services that all retry so make $b calls of one in an outage; retry in one layer, or lower attempts";
const NOTHING_ENDS_IT: &str = "forever is true, so nothing ends a call that keeps failing; set timeout or attempts";
const NEVER_ALL_START: &str = "timeout is $b, below the $a that the waits take at least, so the attempts can never all start; raise timeout or lower attempts";
const SELDOM_ALL_START: &str = "timeout is $b, below the $a that the waits take on average, so the attempts seldom all start; raise timeout or lower attempts";
const ONE_ATTEMPT_TAKES_ALL: &str = "attempt_timeout is $a and timeout $b, so an attempt that hangs takes the whole call and is never retried; lower attempt_timeout";
const ALL_AT_ONCE: &str = "first is immediate, so clients that fail together all come back at once; write delayed unless failures hit one client at a time";
const THEY_MEET: &str = "of 10000 clients that fail together $a come back within 100ms of each other, since their first waits differ by $b at most; raise initial or widen jitter";
const CAP_IS_FAR: &str = "max_delay is $a, but the longest wait is $b; lower max_delay or raise attempts";
const LONGER_THAN_AN_ATTEMPT: &str =
    "a wait may take $a but an attempt only $b, so calls mostly wait; lower max_delay or raise attempt_timeout";
const NO_JITTER: &str = "jitter is none, so clients that fail together come back together at every retry; write full";
const TIMEOUT_COMES_FIRST: &str = "hint.max is $a and timeout $b, so timeout ends a call that is told to wait longer; lower hint.max or raise timeout";
const SAME_AS_OTHERS: &str = "initial is $a after throttling too, though the server says it is overloaded; give classes.throttle an initial of 1s or more";
const RETRIES_A_MISTAKE: &str = "rules.$i retries status $a, which says that the request itself is wrong; give it class permanent, or add body_contains for the case you mean";
const RETRIES_A_VIOLATION: &str =
    "rules.$i retries what a constraint of the database forbids, which it will forbid again; give it class permanent";
const EACH_FOR_ITSELF: &str = "no budget is shared by the calls, so in an outage each makes all its retries; write budget with a name for what is called";
const SOON_SPENT: &str = "budget.capacity is $a and a retry takes $b, so a full budget allows fewer than 3 retries; raise capacity or lower cost";
const SOON_HALVED: &str = "budget.capacity is $a and a failure takes $b, so half of a full budget is gone before 3 failures are retried; raise capacity or lower cost";
const NO_RESERVE: &str = "budget.min_per_second is $a and budget.ttl $b, so after a quiet time fewer than 3 retries are allowed; raise min_per_second";
const NO_RETRIES: &str = "budget.ratio and budget.min_per_second are 0, so nothing is ever retried; raise one of them";
const NO_REWARD: &str =
    "budget.reward is 0, so a budget that is used up stays so, and nothing is retried any more; raise reward";
const RETRIES_A_TYPO: &str = "rules.$i retries a name that does not exist, which mostly is a mistake in the name; remove it unless names come and go";
const FORGOTTEN_BEFORE_THE_END: &str = "breaker.window_time is $a and attempt_timeout $b, so attempts that hang are forgotten before the next has ended, and the breaker stays closed; raise window_time above attempt_timeout";

/// Three layers of three attempts are 27; more is told.
const SAFE_ATTEMPTS: u32 = 3;
/// Linear waits grow longest; far beyond the table of ceilings, others are all alike.
const MANY: u32 = 1_000;
/// A budget should outlast a short disturbance. Source: SEMANTICS 8.
const FEW: u64 = 3;
/// Where classes say what their retries cost.
const COSTS: [(Class, &str); CLASSES] = [
    (Class::Transient, "/classes/transient/cost"),
    (Class::Throttle, "/classes/throttle/cost"),
    (Class::Timeout, "/classes/timeout/cost"),
    (Class::Connect, "/classes/connect/cost"),
    (Class::Conflict, "/classes/conflict/cost"),
];
const CLIENTS: u64 = 10_000;
const WINDOW: u64 = 100_000;
/// What AWS's SDKs wait first after throttling. Source: SEMANTICS 0.
const OVERLOADED: u64 = 1_000_000;
/// Bad request, unauthorized, forbidden, not found, unprocessable content. Source: SEMANTICS 16.
const NEVER: [i64; 5] = [400, 401, 403, 404, 422];
/// Rows that their duplicate keys, missing parents and remaining children have. Source: SEMANTICS 15.5 to 15.9, and 16.
const VIOLATED: [(Domain, Code); 8] = [
    (Domain::Postgres, Code::Name(b"23")),
    (Domain::Mysql, Code::Number(1062)),
    (Domain::Mysql, Code::Number(1216)),
    (Domain::Mysql, Code::Number(1217)),
    (Domain::Mysql, Code::Number(1451)),
    (Domain::Mysql, Code::Number(1452)),
    (Domain::Sqlite, Code::Name(b"SQLITE_CONSTRAINT")),
    (Domain::Mongodb, Code::Number(11000)),
];
