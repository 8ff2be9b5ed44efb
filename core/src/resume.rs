//! Going on with a call that ended: what it leaves in a [`Token`], from which another host makes it again, later and under a
//! policy of its own.
//!
//! Attempts, words and draws are counted on: the wait before attempt n + 1 is drawn by word n of the same seed, whoever waits it.
//! `timeout` counts from the first attempt, so the time between two hosts counts too: what a token has of it is a length and an
//! instant of the world's clock, since hosts share no other.

use crate::bounds::{ATTEMPTS, Bounds, DURATION, Kind, Map, Unit, field};
use crate::call::{Call, Decision, Mode, Reason, Seen, Shared};
use crate::failure::{Class, Condition, Failure, Sent};
use crate::format::{self, Mistake, Notation, Problem, needed, number, word, written};
use crate::policy::{CLASSES, Policy};
use crate::settings::{ABSENT, NULL, TRUE};
use crate::tape::Node;
use crate::text::Text;

/// What is left of a call whose last attempt failed. Plain values; times in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// The attempts that were made, all of which failed: 1 and more.
    pub attempts: u32,
    /// What the call's words are drawn from.
    pub call_seed: u64,
    /// The class of the last failure.
    pub class: Class,
    /// Whether the server may have acted on the last attempt.
    pub sent: Sent,
    /// Why the call was given up: its last failure is decided once more by whoever goes on with it. None if the wait before the
    /// next attempt was decided already.
    pub reason: Option<Reason>,
    /// The wait that the server, or an open breaker, asked for and that was not kept.
    pub hint: Option<u64>,
    /// From the first attempt to the making of the token.
    pub elapsed: u64,
    /// When the token was made, since 1970.
    pub made_at: u64,
    /// Failures by class, `permanent` left out.
    pub failures: [u32; CLASSES],
    /// The last draw whose wait was kept, for decorrelated jitter; 0 before the first.
    pub previous: u64,
    /// The retry after which the exponent started again.
    pub restarted_at: u32,
    /// Whether the one wait of 0 of `immediate` rows is used up.
    pub used_immediate: bool,
    /// Whether the one retry of `opt_in_once` rows is used up.
    pub used_once: bool,
    /// Whether the next attempt is the last, because the wait before it was clipped.
    pub is_last: bool,
}

/// A call made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// Before its next attempt.
    pub call: Call,
    /// What comes of the failure on which it was given up; None if the next attempt is due, after the token's hint if it has one.
    pub decision: Option<Decision>,
    /// From the first attempt to now, in microseconds.
    pub elapsed: u64,
}

impl Token {
    /// Of a call and what was decided on its last failure; `elapsed` from its first attempt to now, `made_at` now, since 1970.
    pub fn after(call: &Call, decision: &Decision, elapsed: u64, made_at: u64) -> Token {
        match *decision {
            Decision::Retry { class, sent, .. } => {
                Token { is_last: call.is_last, ..Token::of(call, class, sent, elapsed, made_at) }
            }
            Decision::GiveUp { reason, hint, class, sent } => Token {
                reason: Some(reason),
                hint: hint.map(|hint| hint.min(DURATION.1)),
                ..Token::of(call, class, sent, elapsed, made_at)
            },
        }
    }

    /// Of a call that has waited for its next attempt, which was not made; `class` and `sent` are those of its last failure.
    ///
    /// That the attempt would have been the last was its own policy's word.
    pub fn of(call: &Call, class: Class, sent: Sent, elapsed: u64, made_at: u64) -> Token {
        Token {
            attempts: call.failures.clamp(1, MOST_ATTEMPTS),
            call_seed: call.call_seed,
            class,
            sent,
            reason: None,
            hint: None,
            elapsed: elapsed.min(MOST),
            made_at: made_at.min(MOST),
            failures: call.failures_in,
            previous: call.previous.min(DURATION.1),
            restarted_at: call.restarted_at,
            used_immediate: call.used_immediate,
            used_once: call.used_once,
            is_last: false,
        }
    }

    /// The token that `tape` describes, or None after every mistake in it was handed to `problem`.
    pub fn read(tape: &[u8], notation: Notation, problem: &mut dyn FnMut(&Problem)) -> Option<Token> {
        let mut values = [ABSENT; PLACES];
        if !OPTIONS.read(tape, notation, &mut values, problem).is_right {
            return None;
        }
        let [
            _,
            attempts,
            _,
            class,
            sent,
            reason,
            hint,
            elapsed,
            made_at,
            failures @ ..,
            previous,
            restarted_at,
            immediate,
            once,
            last,
        ] = values;
        let optional = |value: u64| Some(value).filter(|value| *value < NULL);
        Some(Token {
            attempts: attempts as u32,
            call_seed: word(written(Node::read(tape), "call_seed", notation))?,
            class: Class::from_number(class as u32)?,
            sent: Sent::from_number(sent as u32)?,
            // The words of the reasons are counted from 0.
            reason: optional(reason).and_then(|reason| Reason::from_number(reason as u32 + 1)),
            hint: optional(hint),
            elapsed,
            made_at,
            failures: failures.map(|count| count as u32),
            previous,
            restarted_at: restarted_at as u32,
            used_immediate: immediate == TRUE,
            used_once: once == TRUE,
            is_last: last == TRUE,
        })
    }

    /// One line of JSON, which [`Token::read`] reads again.
    pub fn json(&self, out: &mut dyn FnMut(&[u8])) {
        let text = &mut Text::new(out);
        text.text("{\"version\":1,\"attempts\":").number(self.attempts.into());
        text.text(",\"call_seed\":\"").number(self.call_seed);
        text.text("\",\"class\":\"").text(self.class.as_str()).text("\",\"sent\":\"").text(self.sent.as_str());
        match self.reason {
            Some(reason) => text.text("\",\"reason\":\"").text(reason.as_str()).text("\",\"hint_us\":"),
            None => text.text("\",\"reason\":null,\"hint_us\":"),
        };
        text.or_null(self.hint).text(",\"elapsed_us\":").number(self.elapsed);
        text.text(",\"made_at_us\":").number(self.made_at).text(",\"failures\":{");
        let mut before = "\"";
        for (field, count) in FAILURES.fields.iter().zip(self.failures) {
            text.text(before).text(field.name).text("\":").number(count.into());
            before = ",\"";
        }
        text.text("},\"previous_us\":")
            .number(self.previous)
            .text(",\"restarted_at\":")
            .number(self.restarted_at.into());
        let flags = [
            (",\"used_immediate\":", self.used_immediate),
            (",\"used_once\":", self.used_once),
            (",\"last\":", self.is_last),
        ];
        for (key, flag) in flags {
            text.text(key).text(if flag { "true" } else { "false" });
        }
        text.text("}");
    }
}

impl Policy {
    /// Goes on with the call of a token: `now` is the host's clock, `since_1970` the world's.
    ///
    /// What was given up is decided once more, by this policy, and by no more than the token has: class, `sent` and hint of the
    /// failure. What was permanent stays so. A failure that may have been acted on is repeated if the policy says `idempotent`, or
    /// if the call's was not given up before that was asked.
    ///
    /// ```
    /// use undaunted::resume::Token;
    /// use undaunted::{Code, Decision, Domain, Failure, Mode, Policy, Reason, Shared};
    ///
    /// let service = Policy::preset("interactive").expect("a preset");
    /// let failure = Failure { domain: Domain::Http, code: Code::Number(503), ..Failure::default() };
    /// let mut call = service.start(0, 42, None, Mode::Normal);
    /// let decision = (1..=3).map(|_| service.failed(&mut call, 0, &failure, Shared::default())).last().expect("three");
    /// assert!(matches!(decision, Decision::GiveUp { reason: Reason::Attempts, .. }));
    /// let token = Token::after(&call, &decision, 0, 1_700_000_000_000_000);
    ///
    /// let queue = Policy::standard();
    /// let resumed = queue.resume(&token, 0, 1_700_000_001_000_000, Mode::Normal, Shared::default());
    /// let Some(Decision::Retry { delay, .. }) = resumed.decision else { panic!("the queue has 10 attempts") };
    /// assert_eq!(Some(delay), queue.schedule(42).nth(2)); // the wait before attempt 4
    /// assert_eq!((resumed.call.failures, resumed.elapsed), (3, 1_000_000));
    /// ```
    pub fn resume(&self, token: &Token, now: u64, since_1970: u64, mode: Mode, shared: Shared) -> Resumed {
        let elapsed = token.elapsed.saturating_add(since_1970.saturating_sub(token.made_at)).min(MOST);
        let deadline = self.timeout().map(|timeout| now.saturating_add(timeout.saturating_sub(elapsed)));
        let mut call = Call {
            deadline,
            failures: token.attempts,
            failures_in: token.failures,
            previous: token.previous,
            restarted_at: token.restarted_at,
            used_immediate: token.used_immediate,
            used_once: token.used_once,
            is_last: token.is_last,
            // A budget that counts calls has counted this one where it began.
            has_begun: true,
            ..self.start(now, token.call_seed, None, mode)
        };
        let decision = token.reason.map(|reason| self.decide_again(&mut call, reason, token, now, shared));
        Resumed { call, decision, elapsed }
    }

    fn decide_again(&self, call: &mut Call, reason: Reason, token: &Token, now: u64, shared: Shared) -> Decision {
        // It is told of once more.
        call.failures = call.failures.saturating_sub(1);
        if let Some(count) = call.failures_in.get_mut(token.class as usize) {
            *count = count.saturating_sub(1);
        }
        let seen = Seen {
            class: token.class,
            sent: token.sent,
            condition: Condition::Always,
            has_hint: token.hint.is_some(),
            is_named: false,
            is_forced: false,
            is_vetoed: reason == Reason::Permanent,
        };
        let was_asked = reason as u32 > Reason::NotIdempotent as u32;
        let method = if was_asked { None } else { Some(NOT_IDEMPOTENT) };
        let failure = Failure { hint: token.hint, method, ..Failure::default() };
        self.failed_as(&seen, call, now, &failure, shared, &mut |_| {})
    }
}

static OPTIONS: format::Options = format::Options { map: &MAP, name: "the token" };

static MAP: Map = Map {
    fields: &[
        number("version", 0, &Bounds { unit: Unit::Version, least: 1, most: 1 }),
        number("attempts", 1, &Bounds { unit: Unit::Count, least: 1, most: MOST_ATTEMPTS as u64 }),
        field("call_seed", 2, Kind::Word),
        field("class", 3, Kind::Words).words(Class::WORDS),
        field("sent", 4, Kind::Words).words(Sent::WORDS),
        field("reason", 5, Kind::Words).words(Reason::WORDS).or_null(),
        number("hint_us", 6, &TIME).or_null(),
        number("elapsed_us", 7, &LONG),
        number("made_at_us", 8, &LONG),
        field("failures", 9, Kind::Map(&FAILURES)).len(CLASSES),
        number("previous_us", 14, &TIME),
        number("restarted_at", 15, &COUNT),
        field("used_immediate", 16, Kind::Bool),
        field("used_once", 17, Kind::Bool),
        field("last", 18, Kind::Bool),
    ],
    rivals: 0,
    unknown: Mistake::NoSuchOption,
    checks: &[
        needed(0),
        needed(1),
        needed(2),
        needed(3),
        needed(4),
        needed(5),
        needed(6),
        needed(7),
        needed(8),
        needed(9),
        needed(10),
        needed(11),
        needed(12),
        needed(13),
        needed(14),
    ],
};

static FAILURES: Map = Map {
    fields: &[
        number("transient", 0, &COUNT),
        number("throttle", 1, &COUNT),
        number("timeout", 2, &COUNT),
        number("connect", 3, &COUNT),
        number("conflict", 4, &COUNT),
    ],
    rivals: 0,
    unknown: Mistake::NoSuchOption,
    checks: &[needed(0), needed(1), needed(2), needed(3), needed(4)],
};

static COUNT: Bounds = Bounds { unit: Unit::Count, least: 0, most: u32::MAX as u64 };
static TIME: Bounds = Bounds { unit: Unit::Count, least: 0, most: DURATION.1 };
static LONG: Bounds = Bounds { unit: Unit::Count, least: 0, most: MOST };
/// A host may count in floats.
const MOST: u64 = (1 << 53) - 1;
/// Fewer than a policy may allow, so that a count of 0 is told as any other mistake.
const MOST_ATTEMPTS: u32 = ATTEMPTS.1 as u32 - 1;
const PLACES: usize = 19;
/// Any method that is not.
const NOT_IDEMPOTENT: &[u8] = b"POST";
