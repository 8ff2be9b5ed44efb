//! Budgets: an allowance of retries that the calls to one upstream share, so that an outage is not answered with a flood.
//!
//! Plain values: whoever shares one between threads puts it behind a lock.

mod away;

pub use away::Account;

use away::Fleet;

use crate::Class;
use crate::failure::names;
use crate::format::Problem;
use crate::name::Named;
use crate::policy::Policy;
use crate::settings::{
    BUDGET, BUDGET_CAPACITY, BUDGET_COST, BUDGET_MODE, BUDGET_PER_SECOND, BUDGET_RATIO, BUDGET_REFUND, BUDGET_REWARD,
    BUDGET_TTL, CLASS_COST, OWN, TRUE, get,
};

/// How a budget fills and empties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetMode {
    /// A retry takes its cost; a success gives back the last one, or a reward if it needed no retry. Source: AWS SDKs 2.1.
    Bucket = 0,
    /// A failure takes its cost, a success gives a reward; retries while more than half is left. Source: gRPC A6.
    Failures = 1,
    /// Retries are a share of the calls of the last seconds, and some more. Source: Finagle's `RetryBudget`.
    Window = 2,
}

names!(BudgetMode { Bucket = "bucket", Failures = "failures", Window = "window" });

/// What is left for retries. Tokens are counted in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    settings: BudgetSettings,
    /// Without a window.
    tokens: u64,
    /// With one: what each part of the last seconds added and took.
    slots: [i64; SLOTS],
    /// The number of the latest part, counted from the origin of the host's clock.
    latest: u64,
    /// Of one that a fleet shares.
    fleet: Option<Fleet>,
}

/// A budget's own options; a class may cost something else.
type BudgetSettings = [u64; SETTINGS];

impl Budget {
    /// One with the same options, full.
    pub fn full(&self) -> Budget {
        let mut budget = Budget { settings: self.settings, tokens: 0, slots: [0; SLOTS], latest: 0, fleet: None };
        budget.tokens = budget.capacity();
        budget
    }

    /// What is there for retries now, in millionths of a token; with a window, of a retry. Of one that is away, as far as known.
    pub fn tokens(&mut self, now: u64) -> u64 {
        if let Some(known) = self.known_away() {
            return known;
        }
        if self.mode() != BudgetMode::Window {
            return self.tokens;
        }
        self.advance(now);
        let sum = self.slots.iter().fold(0, |sum: i64, slot| sum.saturating_add(*slot));
        self.reserve().saturating_add_signed(sum)
    }

    /// A call begins.
    pub(crate) fn call_begins(&mut self, now: u64) {
        if self.mode() == BudgetMode::Window {
            self.add(self.of(BUDGET_RATIO), now);
        }
    }

    /// An attempt failed that may be repeated, or that the server forbade to repeat.
    pub(crate) fn attempt_failed(&mut self, own_cost: Option<u64>) {
        if self.mode() == BudgetMode::Failures {
            self.charge(self.cost(own_cost));
        }
    }

    /// Takes what a retry costs and tells how much that was; None if there is not enough.
    pub(crate) fn take(&mut self, own_cost: Option<u64>, now: u64) -> Option<u64> {
        let price = match self.mode() {
            BudgetMode::Bucket => self.cost(own_cost),
            BudgetMode::Failures => 0,
            BudgetMode::Window => TOKEN,
        };
        self.pay(price, now).then_some(price)
    }

    fn pay(&mut self, price: u64, now: u64) -> bool {
        // Whoever keeps its tokens is asked by the host, before the retry is made.
        if self.is_away() {
            return true;
        }
        let tokens = self.tokens(now);
        match self.mode() {
            BudgetMode::Failures => tokens.saturating_mul(2) > self.capacity(),
            _ if tokens < price => false,
            BudgetMode::Window => {
                self.add_signed(price, true);
                true
            }
            BudgetMode::Bucket => {
                self.tokens = tokens - price;
                true
            }
        }
    }

    /// Takes back what was taken for a retry that did not happen.
    pub(crate) fn give_back(&mut self, taken: u64, now: u64) {
        self.add(taken, now);
    }

    /// A call succeeded; its last retry took so much, if it needed one.
    pub(crate) fn call_succeeded(&mut self, spent: Option<u64>, now: u64) {
        let refund = spent.filter(|_| self.of(BUDGET_REFUND) == TRUE);
        if self.mode() != BudgetMode::Window {
            self.add(refund.unwrap_or(self.of(BUDGET_REWARD)), now);
        }
    }

    pub(crate) fn mode(&self) -> BudgetMode {
        BudgetMode::from_number(self.of(BUDGET_MODE) as u32).unwrap_or(BudgetMode::Bucket)
    }

    fn capacity(&self) -> u64 {
        self.of(BUDGET_CAPACITY).saturating_mul(TOKEN) / self.sharers()
    }

    /// What a window has without any call.
    fn reserve(&self) -> u64 {
        self.of(BUDGET_PER_SECOND).saturating_mul(self.of(BUDGET_TTL)) / self.sharers()
    }

    fn cost(&self, own: Option<u64>) -> u64 {
        own.unwrap_or(self.of(BUDGET_COST)).saturating_mul(TOKEN)
    }

    pub(crate) fn of(&self, setting: usize) -> u64 {
        get(&self.settings, setting - BUDGET)
    }

    fn add(&mut self, tokens: u64, now: u64) {
        if self.note_added(tokens) {
            return;
        }
        if self.mode() == BudgetMode::Window {
            self.advance(now);
            self.add_signed(tokens, false);
        } else {
            self.tokens = self.tokens.saturating_add(tokens).min(self.capacity());
        }
    }

    /// Takes tokens that are owed, whether they are there or not.
    fn charge(&mut self, tokens: u64) {
        if self.note_owed(tokens) {
            return;
        }
        if self.mode() == BudgetMode::Window {
            self.add_signed(tokens, true);
        } else {
            self.tokens = self.tokens.saturating_sub(tokens);
        }
    }

    fn add_signed(&mut self, tokens: u64, is_taken: bool) {
        let tokens = i64::try_from(tokens).unwrap_or(i64::MAX);
        if let Some(slot) = self.slots.get_mut((self.latest % SLOTS as u64) as usize) {
            *slot = slot.saturating_add(if is_taken { -tokens } else { tokens });
        }
    }

    /// Forgets what is older than the window; a `now` that goes back is no progress.
    fn advance(&mut self, now: u64) {
        let number = now.checked_div(self.of(BUDGET_TTL) / SLOTS as u64).unwrap_or(0);
        let passed = number.saturating_sub(self.latest).min(SLOTS as u64);
        self.latest = self.latest.max(number);
        for back in 0..passed {
            if let Some(slot) = self.slots.get_mut(((self.latest - back) % SLOTS as u64) as usize) {
                *slot = 0;
            }
        }
    }
}

impl Policy {
    /// The name of its budget.
    pub fn budget_name(&self) -> Option<&[u8]> {
        self.shares(Named::Budget)
    }

    /// Its budget, full; None without one, and where the policy only names one that was made elsewhere.
    pub fn budget(&self) -> Option<Budget> {
        let mut settings = [0; SETTINGS];
        for (at, setting) in settings.iter_mut().enumerate() {
            *setting = get(&self.settings, BUDGET + at);
        }
        let empty = Budget { settings, tokens: 0, slots: [0; SLOTS], latest: 0, fleet: None };
        Some(empty.full()).filter(|budget| budget.of(BUDGET) == OWN)
    }

    /// Whether a host that has this budget, or none, under the name of the policy's can go on. If not, `problem` is told: the
    /// policy only names one and there is none, or the one that is there has other options.
    pub fn accepts(&self, there: Option<&Budget>, problem: &mut dyn FnMut(&Problem)) -> bool {
        let is_same = |there: &Budget| self.budget().is_some_and(|own| own.settings == there.settings);
        self.takes(Named::Budget, there.map(is_same), problem)
    }

    /// What a retry after a failure of this class costs, if the class says so itself.
    pub(crate) fn cost(&self, class: Class) -> Option<u64> {
        self.of_class(class, CLASS_COST)
    }
}

/// A token in millionths.
const TOKEN: u64 = 1_000_000;
/// A window is so many parts long. Source: Finagle.
const SLOTS: usize = 10;
const SETTINGS: usize = BUDGET_TTL + 1 - BUDGET;
