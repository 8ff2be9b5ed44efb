//! What options mean together: the written ones must agree, the inherited ones give way.

use super::mistakes::Mistake;
use super::problem::Path;
use super::reader::{END, Reader, Way, Written};
use crate::backoff::{Backoff, Delays, exponential};
use crate::bounds::{DURATION, LIMITS, Opt, POLICY, TABLE_LEN, options};
use crate::breaker;
use crate::budget::BudgetMode;
use crate::hint_rule::HintMode;
use crate::jitter::{Jitter, proportional};
use crate::name::Named;
use crate::policy::{CLASSES, Policy};
use crate::presets::{HINT_MAX_DEFAULT, STANDARD};
use crate::settings::{
    ABSENT, ATTEMPTS, BREAKER, BUDGET, BUDGET_CAPACITY, BUDGET_COST, BUDGET_MODE, BUDGET_PER_SECOND, BUDGET_RATIO,
    BUDGET_REFUND, BUDGET_REWARD, BUDGET_TTL, CLASS_ATTEMPTS, CLASS_COST, CLASS_INITIAL, FACTOR, FALSE, FIRST, FOREVER,
    HINT, HINT_MAX, HINT_RESETS, INITIAL, MAX_DELAY, MIN_ATTEMPT, NULL, ON_TIMEOUT, OWN, PRESET, Settings, TIMEOUT,
    TRUE, get, of_class, set,
};

/// A policy on its way: what was written of it, over what it inherits.
pub(super) struct Draft<'p> {
    pub settings: &'p mut Settings,
    pub reader: Reader<'p>,
    pub written: Written,
}

impl Draft<'_> {
    /// Takes what is not written from another policy.
    pub fn inherit(&mut self, from: &Policy) {
        for (number, field) in POLICY.fields.iter().enumerate() {
            if self.written.options >> number & 1 == 0 {
                field.places().for_each(|place| set(self.settings, place, get(&from.settings, place)));
            }
        }
        if !self.is_written(const { options(&[Opt::Backoff]) }) {
            *self.reader.delays = from.delays;
        }
        if !self.is_written(const { options(&[Opt::Rules]) }) {
            *self.reader.rules = from.rules;
        }
        for (what, option) in [(Named::Budget, Opt::Budget), (Named::Breaker, Opt::Breaker)] {
            if !self.is_written(1 << option as u32) {
                self.reader.names.keep(what, *from.names.of(what));
            }
        }
        // What has no effect in that policy may have one in this.
        for place in &[INITIAL, FACTOR, FIRST] {
            if get(self.settings, *place) == ABSENT {
                set(self.settings, *place, get(&STANDARD, *place));
            }
        }
        // A policy that is forever stays so unless a limit is written.
        if !self.is_written(const { options(&[Opt::Forever]) })
            && self.is_written(const { options(&[Opt::Attempts, Opt::Timeout]) })
        {
            self.settings[FOREVER] = FALSE;
        }
    }

    /// Checks in the order that tests/README.md gives; what depends on an option that could not be read is left out.
    pub fn settle(&mut self) {
        if self.settings[FOREVER] == TRUE {
            self.settings[ATTEMPTS] = NULL;
            self.settings[TIMEOUT] = NULL;
        }
        self.reader.check(&POLICY, &LIMITS, &Path::ROOT, self.written, self.settings);
        self.check_clip();
        self.reader.check(&POLICY, POLICY.checks, &Path::ROOT, self.written, self.settings);
        self.settle_max_delay();
        self.check_draws();
        self.settle_budget();
        self.settle_breaker();
        for class in 0..CLASSES {
            self.settle_class(class);
            self.settle_cost(class);
        }
        self.forget_what_has_no_effect();
    }

    /// Whether one of the options was written.
    fn is_written(&self, options: u32) -> bool {
        self.written.options & options != 0
    }

    /// Whether all of these are as their writer meant them.
    fn can_check(&self, options: u32) -> bool {
        self.written.refused & options == 0
    }

    /// Below `timeout` there must be room for the clipped attempt.
    fn check_clip(&mut self) {
        let (min_attempt, timeout) = (self.settings[MIN_ATTEMPT], self.settings[TIMEOUT]);
        if min_attempt < NULL
            && min_attempt >= timeout
            && self.can_check(const { options(&[Opt::OnTimeout, Opt::Forever, Opt::Timeout]) })
        {
            let way = [Opt::OnTimeout as u8, 0, 0, END];
            self.reader.refuse_at(Mistake::MinAttemptTooLong, way, min_attempt, timeout);
        }
    }

    /// `max_delay` against the delays: both written must agree, else the inherited one gives way; constant delays and lists
    /// get the room that their jitter needs.
    fn settle_max_delay(&mut self) {
        let backoff = Backoff::of(self.settings);
        let (initial, max_delay) = (self.settings[INITIAL], self.settings[MAX_DELAY]);
        let is_max_written = self.is_written(const { options(&[Opt::MaxDelay]) });
        if backoff == Backoff::List {
            for index in 0..self.reader.delays.as_slice().len() {
                let delay = get(self.reader.delays.as_slice(), index);
                if is_max_written
                    && delay > max_delay
                    && self.can_check(const { options(&[Opt::Backoff, Opt::MaxDelay]) })
                {
                    let way = [Opt::Backoff as u8, index as u8, END, END];
                    self.reader.refuse_at(Mistake::ElementAboveMax, way, delay, max_delay);
                }
            }
        } else if self.can_check(const { options(&[Opt::Backoff, Opt::Initial, Opt::MaxDelay]) }) {
            if !is_max_written || !self.is_written(const { options(&[Opt::Initial]) }) {
                self.give_way(INITIAL, is_max_written);
            } else if initial > max_delay {
                let way = [Opt::MaxDelay as u8, END, END, END];
                self.reader.refuse_at(Mistake::MaxBelowInitial, way, max_delay, initial);
            }
            if !is_max_written || !self.is_written(const { options(&[Opt::Classes]) }) {
                (0..CLASSES).for_each(|class| self.give_way(of_class(class, CLASS_INITIAL), is_max_written));
            }
        }
        let touches_delays = const { options(&[Opt::Backoff, Opt::Initial, Opt::Classes, Opt::Jitter]) };
        if matches!(backoff, Backoff::List | Backoff::Constant) && !is_max_written && self.is_written(touches_delays) {
            let largest = self.delays(&self.initials()).iter().fold(1, |largest, delay| largest.max(*delay));
            let room = Jitter::of(self.settings).room_above(largest);
            self.settings[MAX_DELAY] = largest.saturating_add(room).min(DURATION.1);
        }
    }

    /// A first delay above `max_delay`: the one that is not written becomes the other.
    fn give_way(&mut self, place: usize, is_max_written: bool) {
        let (initial, max_delay) = (get(self.settings, place), self.settings[MAX_DELAY]);
        if initial != ABSENT && initial > max_delay {
            if is_max_written { set(self.settings, place, max_delay) } else { self.settings[MAX_DELAY] = initial }
        }
    }

    /// `initial` for all failures, and that of each class.
    fn initials(&self) -> [u64; CLASSES + 1] {
        let mut initials = [self.settings[INITIAL]; CLASSES + 1];
        for (class, initial) in initials.iter_mut().enumerate().take(CLASSES) {
            let own = get(self.settings, of_class(class, CLASS_INITIAL));
            if own != ABSENT {
                *initial = own;
            }
        }
        initials
    }

    /// The delays as written, or those that others grow from.
    fn delays<'d>(&'d self, initials: &'d [u64]) -> &'d [u64] {
        if Backoff::of(self.settings) == Backoff::List { self.reader.delays.as_slice() } else { initials }
    }

    /// Ceilings that end below `max_delay` would stop growing unseen, and a jitter that cannot spread would bring a herd
    /// back together.
    fn check_draws(&mut self) {
        if !self.can_check(const { options(&[Opt::Backoff, Opt::Initial, Opt::MaxDelay, Opt::Jitter, Opt::Classes]) }) {
            return;
        }
        let is_exponential = Backoff::of(self.settings) == Backoff::Exponential;
        let jitter = Jitter::of(self.settings);
        let (factor, max_delay) = (self.settings[FACTOR], self.settings[MAX_DELAY]);
        let (mut smallest, mut reaches_max) = (u64::MAX, false);
        for delay in self.delays(&self.initials()) {
            reaches_max |= *delay == max_delay;
            smallest = if *delay == 0 { smallest } else { smallest.min(*delay) };
        }
        if is_exponential
            && jitter != Jitter::Decorrelated
            && self.settings[ATTEMPTS] > TABLE_LEN as u64 + 1
            && exponential(smallest, factor as u32, max_delay).all(|ceiling| ceiling < max_delay)
            && self.can_check(const { options(&[Opt::Forever, Opt::Attempts, Opt::Factor]) })
        {
            self.reader.refuse_at(Mistake::TooSlowToGrow, [Opt::Factor as u8, END, END, END], factor, max_delay);
        }
        let mistake = match jitter {
            Jitter::Additive(0) | Jitter::Proportional(0) => Mistake::NoSpread,
            Jitter::Additive(most) if most >= max_delay => Mistake::NoRoomToSpread,
            // A list of zeros has nothing to spread.
            Jitter::Proportional(share) if smallest < NULL && proportional(smallest, max_delay, share).1 == 0 => {
                Mistake::NoSpread
            }
            Jitter::Decorrelated if is_exponential && reaches_max => Mistake::NoRoomToSpread,
            _ => return,
        };
        self.reader.refuse_at(mistake, [Opt::Jitter as u8, END, END, END], 0, max_delay);
    }

    /// What is not written of a budget, and a cost that it can never pay.
    fn settle_budget(&mut self) {
        if self.settings[BUDGET] != OWN {
            return;
        }
        let mode = self.budget_mode();
        self.settings[BUDGET_MODE] = mode as u64;
        let defaults: &[(usize, u64)] = match mode {
            BudgetMode::Bucket => {
                &[(BUDGET_CAPACITY, 500), (BUDGET_COST, 14), (BUDGET_REWARD, 1_000_000), (BUDGET_REFUND, TRUE)]
            }
            BudgetMode::Failures => &[(BUDGET_CAPACITY, 10), (BUDGET_COST, 1), (BUDGET_REWARD, 100_000)],
            BudgetMode::Window => &[(BUDGET_RATIO, 200_000), (BUDGET_PER_SECOND, 10), (BUDGET_TTL, 10_000_000)],
        };
        for (place, default) in defaults {
            let capacity = self.settings[BUDGET_CAPACITY];
            if get(self.settings, *place) == ABSENT {
                let most = if mode == BudgetMode::Bucket && *place == BUDGET_COST { capacity } else { NULL };
                set(self.settings, *place, *default.min(&most));
            }
        }
        if self.can_check(const { options(&[Opt::Budget]) }) {
            self.check_cost(BUDGET_COST, [Opt::Budget as u8, 3, END, END]);
        }
    }

    fn settle_breaker(&mut self) {
        let reader = &mut self.reader;
        let own = self.settings.get_mut(BREAKER..).and_then(|rest| rest.first_chunk_mut());
        let is_read = self.written.refused & const { options(&[Opt::Breaker]) } == 0;
        if let Some(own) = own.filter(|own| own.starts_with(&[OWN]) && is_read) {
            breaker::complete(own, 0, &mut |option, mistake, a, b| {
                reader.refuse_at(mistake, [Opt::Breaker as u8, option as u8, END, END], a, b);
            });
        }
    }

    fn budget_mode(&self) -> BudgetMode {
        BudgetMode::from_number(self.settings[BUDGET_MODE] as u32).unwrap_or(BudgetMode::Bucket)
    }

    /// A bucket can never pay a cost above its capacity.
    fn check_cost(&mut self, place: usize, way: Way) {
        let (cost, capacity) = (get(self.settings, place), self.settings[BUDGET_CAPACITY]);
        if self.has_own_bucket() && cost != ABSENT && cost > capacity {
            self.reader.refuse_at(Mistake::CostAboveCapacity, way, cost, capacity);
        }
    }

    fn has_own_bucket(&self) -> bool {
        self.settings[BUDGET] == OWN && self.budget_mode() == BudgetMode::Bucket
    }

    /// What a failure of a class costs needs a budget that takes costs.
    fn settle_cost(&mut self, class: usize) {
        let place = of_class(class, CLASS_COST);
        let (cost, capacity) = (get(self.settings, place), self.settings[BUDGET_CAPACITY]);
        let is_written = self.is_written(const { options(&[Opt::Classes]) });
        if cost == ABSENT || !self.can_check(const { options(&[Opt::Budget, Opt::Classes]) }) {
            return;
        }
        let takes_costs =
            self.settings[BUDGET] < NULL && !(self.settings[BUDGET] == OWN && self.budget_mode() == BudgetMode::Window);
        let way = [Opt::Classes as u8, class as u8, 2, END];
        match (takes_costs, is_written) {
            (false, true) => self.reader.refuse_at(Mistake::CostWithoutBudget, way, 0, 0),
            (false, false) => set(self.settings, place, ABSENT),
            (true, true) => self.check_cost(place, way),
            (true, false) if self.has_own_bucket() => set(self.settings, place, cost.min(capacity)),
            (true, false) => {}
        }
    }

    fn settle_class(&mut self, class: usize) {
        let limit = get(self.settings, of_class(class, CLASS_ATTEMPTS));
        let initial = get(self.settings, of_class(class, CLASS_INITIAL));
        let (attempts, max_delay) = (self.settings[ATTEMPTS], self.settings[MAX_DELAY]);
        let is_written = self.is_written(const { options(&[Opt::Classes]) });
        if !self.can_check(const { options(&[Opt::Classes]) }) {
            return;
        }
        if limit != ABSENT && limit > attempts && self.can_check(const { options(&[Opt::Forever, Opt::Attempts]) }) {
            if is_written {
                let way = [Opt::Classes as u8, class as u8, 0, END];
                self.reader.refuse_at(Mistake::ClassAttemptsAboveAttempts, way, limit, attempts);
            } else {
                set(self.settings, of_class(class, CLASS_ATTEMPTS), attempts);
            }
        }
        if initial == ABSENT || !is_written || !self.can_check(const { options(&[Opt::Backoff]) }) {
            return;
        }
        let way = [Opt::Classes as u8, class as u8, 1, END];
        if Backoff::of(self.settings) == Backoff::List {
            self.reader.refuse_at(Mistake::DelayWithList, way, 0, 0);
        } else if initial > max_delay && self.is_written(const { options(&[Opt::MaxDelay]) }) {
            self.reader.refuse_at(Mistake::ClassInitialAboveMax, way, initial, max_delay);
        }
    }

    /// What has no effect is absent, so that policies with the same effect are equal.
    fn forget_what_has_no_effect(&mut self) {
        let settings = &mut *self.settings;
        settings[PRESET] = ABSENT;
        settings[ON_TIMEOUT] = ABSENT;
        if settings[FOREVER] == TRUE {
            settings[ATTEMPTS] = ABSENT;
            settings[TIMEOUT] = ABSENT;
        } else {
            settings[FOREVER] = ABSENT;
            // Inherited from a policy that was forever.
            settings[ATTEMPTS] = settings[ATTEMPTS].min(NULL);
            settings[TIMEOUT] = settings[TIMEOUT].min(NULL);
        }
        if settings[TIMEOUT] >= NULL {
            settings[MIN_ATTEMPT] = ABSENT;
        }
        let backoff = Backoff::of(settings);
        if backoff != Backoff::Exponential || Jitter::of(settings) == Jitter::Decorrelated {
            settings[FACTOR] = ABSENT;
        }
        if backoff == Backoff::List {
            settings[INITIAL] = ABSENT;
            settings[FIRST] = ABSENT;
            (0..CLASSES).for_each(|class| set(settings, of_class(class, CLASS_INITIAL), ABSENT));
        } else {
            *self.reader.delays = Delays::EMPTY;
        }
        if settings[HINT] == ABSENT {
            settings[HINT] = 0;
        }
        if !HintMode::of(settings).is_limited() {
            settings[HINT_MAX] = ABSENT;
        } else if settings[HINT_MAX] == ABSENT {
            settings[HINT_MAX] = HINT_MAX_DEFAULT;
        }
        for place in [BUDGET, BREAKER] {
            if get(settings, place) == NULL {
                set(settings, place, ABSENT);
            }
        }
        if settings[HINT_RESETS] == FALSE {
            settings[HINT_RESETS] = ABSENT;
        }
    }
}
