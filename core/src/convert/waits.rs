//! Waits as other libraries compute them, retry by retry, and the policy options that give the same.

use super::draft::Draft;
use super::reading::{NOT_CONVERTED, Reading};
use crate::backoff::{MILLION, exponential};
use crate::bounds::{DURATION, FACTOR, TABLE_LEN};
use crate::format::{Path, tape};
use crate::lint::{Level, Value};

/// One wait: from `low` to `low` + `width`, each as likely.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub low: u64,
    pub width: u64,
}

impl Span {
    fn high(self) -> u64 {
        self.low.saturating_add(self.width)
    }

    fn upto(low: u64, high: u64) -> Span {
        Span { low, width: high.saturating_sub(low) }
    }
}

/// The waits before the retries of a call, and what is applied to them after they were drawn.
#[derive(Clone, Copy)]
pub(super) struct Waits {
    pub steps: [Span; TABLE_LEN],
    /// No wait is longer: applied after the jitter. `NONE` for none.
    pub cap: u64,
    /// What they grow by, in millionths, if they do.
    pub factor: u64,
    /// How many parts of them are random.
    pub draws: u32,
    /// Something of them cannot be computed.
    pub is_unknown: bool,
    /// From which step on, counted from 0, a cap inside leaves a random part no room, and that cap.
    pub collapsed: Option<(u64, u64)>,
}

impl Waits {
    /// None at all.
    pub const ZERO: Waits = Waits {
        steps: [Span { low: 0, width: 0 }; TABLE_LEN],
        cap: NONE,
        factor: 0,
        draws: 0,
        is_unknown: false,
        collapsed: None,
    };

    pub fn constant(low: u64, width: u64) -> Waits {
        Waits { steps: [Span { low, width }; TABLE_LEN], draws: u32::from(width > 0), ..Waits::ZERO }
    }

    /// initial · base^(n-1), with a base in millionths.
    pub fn exponential(initial: u64, base: u64) -> Waits {
        let mut waits = Waits { factor: base, ..Waits::ZERO };
        let factor = u32::try_from(base).unwrap_or(u32::MAX);
        let mut values = exponential(initial, factor, u64::MAX);
        let mut last = 0;
        for step in &mut waits.steps {
            last = values.next().unwrap_or(last);
            step.low = last;
        }
        waits
    }

    /// The steps changed one by one, by their number from 0.
    pub fn map(mut self, change: impl Fn(u64, Span) -> Span) -> Waits {
        for (number, step) in (0..).zip(&mut self.steps) {
            *step = change(number, *step);
        }
        self
    }

    /// `most` more or less, each as likely.
    pub fn plus(self, most: u64) -> Waits {
        let waits = self.map(|_, step| Span { width: most, ..step });
        Waits { draws: u32::from(most > 0), ..waits }
    }

    pub fn capped(self, cap: u64) -> Waits {
        Waits { cap: if cap >= DURATION.1 { NONE } else { cap }, ..self }
    }

    /// With the cap in every step.
    pub fn clamped(self) -> Waits {
        let cap = self.cap;
        let at_the_cap = (0..).zip(&self.steps).find(|(_, step)| step.width > 0 && step.low >= cap);
        let collapsed = self.collapsed.or(at_the_cap.map(|(number, _)| (number, cap)));
        let waits = self.map(|_, step| Span::upto(step.low.min(cap), step.high().min(cap)));
        Waits { cap: NONE, collapsed, ..waits }
    }

    /// What both come to together.
    pub fn and(self, other: &Waits) -> Waits {
        let (mut sum, other) = (self.clamped(), other.clamped());
        for (step, more) in sum.steps.iter_mut().zip(&other.steps) {
            *step = Span { low: step.low.saturating_add(more.low), width: step.width.saturating_add(more.width) };
        }
        sum.factor = sum.factor.max(other.factor);
        sum.draws += other.draws;
        sum.is_unknown |= other.is_unknown;
        sum.collapsed = sum.collapsed.or(other.collapsed);
        sum
    }
}

/// Where in the settings the parts of the waits are.
pub(super) struct Places<'p> {
    pub initial: &'p Path<'p>,
    pub cap: &'p Path<'p>,
    pub jitter: &'p Path<'p>,
}

impl Places<'_> {
    /// All in one setting.
    pub fn all<'p>(path: &'p Path<'p>) -> Places<'p> {
        Places { initial: path, cap: path, jitter: path }
    }
}

/// What a call does with its waits.
#[derive(Clone, Copy)]
pub(super) struct Use {
    /// None for any number.
    pub attempts: Option<u64>,
    /// The first retry waits nothing, and the first wait comes before the second.
    pub is_immediate: bool,
    /// A jitter of a fifth up and down.
    pub is_proportional: bool,
}

impl Use {
    pub fn of(attempts: Option<u64>) -> Use {
        Use { attempts, is_immediate: false, is_proportional: false }
    }

    /// How many waits there are at most.
    fn waits(self) -> u64 {
        let retries = self.attempts.map_or(u64::MAX, |attempts| attempts.saturating_sub(1));
        retries.saturating_sub(u64::from(self.is_immediate))
    }
}

impl Reading<'_> {
    /// Writes the waits as options, and tells what is wrong with them or lost.
    pub fn waits(&mut self, waits: &Waits, used: Use, places: &Places) {
        let count = used.waits();
        if count > 0 {
            self.lint(waits, used, places);
        }
        let lost = Fit::new(waits, used).write(&mut self.draft);
        if count > 0 && lost.is_cut {
            self.note(places.initial, Level::Info, NOT_CONVERTED, ONLY_THE_FIRST, [Value::Number(TABLE_LEN as u64)]);
        }
        if count > 0 && lost.is_mixed {
            self.note(places.jitter, Level::Warning, NOT_CONVERTED, FROM_ZERO, []);
        }
        if count > 0 && waits.draws > 1 && !lost.is_mixed {
            self.note(places.jitter, Level::Info, NOT_CONVERTED, ONE_DRAW, [Value::Number(waits.draws.into())]);
        }
    }

    fn lint(&mut self, waits: &Waits, used: Use, places: &Places) {
        let steps = first(waits, used);
        let (initial, cap) = (waits.steps[0].low, waits.cap);
        let times = [Value::Time(initial), Value::Time(cap)];
        if initial > cap {
            self.note(places.initial, Level::Warning, "base-above-cap", ALL_ALIKE, times);
        }
        let is_random = used.is_proportional || steps.iter().any(|step| step.width > 0);
        if !is_random && !waits.is_unknown {
            let sentence = if steps.iter().any(|step| step.low > 0) { NO_JITTER } else { NO_WAITS };
            self.note(places.jitter, Level::Warning, "jitter-none", sentence, []);
        }
        // Retries count from 1, and there is one more before the first wait where that is immediate.
        let numbered = (1 + u64::from(used.is_immediate)..).zip(steps);
        let clamped = numbered.filter(|(_, step)| step.width > 0 && step.high() > cap);
        if let Some((retry, _)) = clamped.clone().find(|(_, step)| step.low >= cap) {
            let values = [Value::Number(retry), Value::Time(cap)];
            self.note(places.cap, Level::Warning, COLLAPSES, ALL_AT_THE_CAP, values);
        } else if let Some((retry, step)) = clamped.last() {
            let beyond = u128::from(step.high() - cap) * 100;
            let beyond = beyond.checked_div(u128::from(step.width)).unwrap_or(0);
            let values = [Value::Number(retry), Value::Number(beyond as u64)];
            self.note(places.cap, Level::Warning, COLLAPSES, SOME_AT_THE_CAP, values);
        } else if let Some((number, cap)) = waits.collapsed.filter(|(number, _)| *number < steps.len() as u64) {
            let values = [Value::Number(number + 1), Value::Time(cap)];
            self.note(places.cap, Level::Warning, COLLAPSES, A_PART_AT_ITS_CAP, values);
        }
    }
}

/// The waits that calls come to.
fn first(waits: &Waits, used: Use) -> &[Span] {
    let count = used.waits().clamp(1, TABLE_LEN as u64) as usize;
    waits.steps.get(..count).unwrap_or(&waits.steps)
}

/// What gets lost.
struct Lost {
    is_cut: bool,
    is_mixed: bool,
}

/// The options that waits come to.
struct Fit<'w> {
    waits: &'w Waits,
    used: Use,
    jitter: Fitting,
    cap: u64,
    /// Before jitter, and before the cap.
    ceilings: [u64; TABLE_LEN],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fitting {
    None,
    Full,
    Equal,
    Additive(u64),
    Proportional,
    /// Full, for want of a better one.
    Mixed,
}

impl Fit<'_> {
    fn new(waits: &Waits, used: Use) -> Fit<'_> {
        let steps = first(waits, used);
        let all = |is: fn(&Span) -> bool| steps.iter().all(is);
        let longest = steps.iter().map(|step| step.high()).max().unwrap_or(0);
        let cap = waits.cap.min(if waits.cap == NONE { longest.min(DURATION.1) } else { NONE });
        let width = waits.steps[0].width;
        let can_spread = |step: &Span| step.low == 0 || step.low >= LEAST_PROPORTIONAL;
        let jitter = if used.is_proportional && cap > LEAST_PROPORTIONAL && all(can_spread) {
            Fitting::Proportional
        } else if used.is_proportional {
            Fitting::Full
        } else if all(|step| step.width == 0) {
            Fitting::None
        } else if all(|step| step.low == 0) {
            Fitting::Full
        } else if waits.steps.iter().all(|step| step.width == width) && width < cap {
            Fitting::Additive(width)
        } else if all(|step| step.width == step.high() / 2) {
            Fitting::Equal
        } else if steps.iter().all(|step| step.width == width) && width < cap {
            Fitting::Additive(width)
        } else {
            Fitting::Mixed
        };
        let is_low = matches!(jitter, Fitting::None | Fitting::Additive(_) | Fitting::Proportional);
        let is_low = is_low || used.is_proportional;
        let ceilings = waits.steps.map(|step| if is_low { step.low } else { step.high() });
        Fit { waits, used, jitter, cap, ceilings }
    }

    fn write(&self, draft: &mut Draft) -> Lost {
        let cap = self.cap;
        let count = self.used.waits();
        let first = self.ceilings[0];
        // Additive jitter has room above the ceilings.
        let reach = if let Fitting::Additive(more) = self.jitter { cap.saturating_sub(more) } else { cap };
        let within = |ceiling: &u64| *ceiling >= reach;
        let factor = self.waits.factor;
        let grows = || exponential(first, u32::try_from(factor).unwrap_or(u32::MAX), cap);
        let is_alike = |other: &mut dyn Iterator<Item = u64>| {
            let mut last = 0;
            self.ceilings.iter().all(|ceiling| {
                last = other.next().unwrap_or(last);
                last.min(reach) == (*ceiling).min(reach)
            })
        };
        let is_cut = count > TABLE_LEN as u64 && self.still_grows();
        let mut lost = Lost { is_cut, is_mixed: self.jitter == Fitting::Mixed };
        let has_all = count <= TABLE_LEN as u64 || self.ceilings.last().is_some_and(within);
        if cap == 0 {
            draft.begin("backoff", tape::LIST);
            draft.element(0);
            draft.end_list();
            draft.word("jitter", "none");
            return lost;
        }
        let is_exponential = (FACTOR.0..=FACTOR.1).contains(&factor) && (1..cap).contains(&first);
        // What never comes to its cap is refused where there are more retries than ceilings.
        let ends = count <= TABLE_LEN as u64 || grows().last() == Some(cap);
        if is_exponential && ends && is_alike(&mut grows()) {
            draft.word("backoff", "exponential");
            draft.time("initial", first);
            draft.share("factor", factor);
            draft.time("max_delay", cap);
            self.write_first(draft);
        } else if first > 0 && is_alike(&mut core::iter::repeat(first.min(cap))) {
            draft.word("backoff", "constant");
            draft.time("initial", first.min(reach));
            self.write_own_cap(draft);
            self.write_first(draft);
        } else if first > 0 && has_all && is_alike(&mut (1..).map(|n: u64| first.saturating_mul(n).min(cap))) {
            draft.word("backoff", "linear");
            draft.time("initial", first);
            draft.time("max_delay", cap);
            self.write_first(draft);
        } else {
            let ceilings = self.ceilings.map(|ceiling| ceiling.min(reach));
            let used = ceilings.get(..count.clamp(1, TABLE_LEN as u64) as usize).unwrap_or(&ceilings);
            let last = used.last().copied().unwrap_or(0);
            let same = used.iter().rev().take_while(|ceiling| **ceiling == last).count();
            draft.begin("backoff", tape::LIST);
            let kept = used.len() + 1 - same.max(1);
            used.iter().take(kept).for_each(|ceiling| draft.element(*ceiling));
            draft.end_list();
            self.write_own_cap(draft);
            lost.is_cut |= count > TABLE_LEN as u64 && same == 1 && last < reach;
        }
        self.write_jitter(draft);
        lost
    }

    /// Whether nothing but the end of the table ends their growth.
    fn still_grows(&self) -> bool {
        let [.., before, last] = self.waits.steps;
        self.waits.cap == NONE && (before.high()..DURATION.1).contains(&last.high()) && before != last
    }

    /// Of waits that do not grow by themselves: unwritten, it is the longest of them and the room that the jitter needs.
    fn write_own_cap(&self, draft: &mut Draft) {
        if self.jitter == Fitting::Proportional {
            draft.time("max_delay", self.cap);
        }
    }

    fn write_first(&self, draft: &mut Draft) {
        draft.word("first", if self.used.is_immediate { "immediate" } else { "delayed" });
    }

    fn write_jitter(&self, draft: &mut Draft) {
        let word = match self.jitter {
            Fitting::None => "none",
            Fitting::Full | Fitting::Mixed => "full",
            Fitting::Equal => "equal",
            Fitting::Additive(most) => {
                draft.begin("jitter", tape::MAP);
                draft.time("additive", most);
                return draft.end_map();
            }
            Fitting::Proportional => {
                draft.begin("jitter", tape::MAP);
                draft.share("proportional", u64::from(MILLION) / 5);
                return draft.end_map();
            }
        };
        draft.word("jitter", word);
    }
}

/// No cap.
pub(super) const NONE: u64 = u64::MAX;
/// The shortest wait of which a fifth is a microsecond.
const LEAST_PROPORTIONAL: u64 = 5;

const COLLAPSES: &str = "jitter-collapses-at-cap";
const ALL_ALIKE: &str =
    "the first wait is $a, above the cap of $b, so waits never grow; raise the cap or lower the first wait";
const NO_JITTER: &str = "waits are not random, so clients that fail together come back together at every retry; give the policy jitter full";
const NO_WAITS: &str = "retries wait nothing, so all clients that fail together hit the server again at once; give the policy waits with jitter full";
const ALL_AT_THE_CAP: &str = "the cap is applied after the jitter: from retry $a on 100 percent of the waits are exactly $b, and clients that fail together stay together; the policy draws below the cap instead";
const SOME_AT_THE_CAP: &str = "the cap is applied after the jitter: of the waits before retry $a, $b percent are exactly the cap, and those clients come back together; the policy draws below the cap instead";
const A_PART_AT_ITS_CAP: &str = "a cap inside is applied after its jitter: from retry $a on 100 percent of what it is applied to are exactly $b; the policy has no such cap inside";
const ONLY_THE_FIRST: &str =
    "the policy keeps the first $a waits, of which the last repeats; limit attempts, or set a cap that they reach";
const FROM_ZERO: &str =
    "no jitter of a policy gives waits between these ends; it draws from 0 to the same longest waits";
const ONE_DRAW: &str = "waits are the sum of $a random parts, which fall near the middle more often; the policy draws once between the same ends";
