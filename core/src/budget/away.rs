//! A budget that the processes of a fleet share: its tokens are away, in a store, and here is only what the store is to hear.
//!
//! Away, it notes what calls add and owe, and grants; the host asks the store before it makes the retry. When the store does
//! not answer, the budget comes home with this process's share of what the store had last, and what it took there is owed
//! when it goes away again: so neither losing the store nor finding it adds a retry.

use core::num::{NonZeroU32, NonZeroU64};

use super::{Budget, BudgetMode, SLOTS};
use crate::call::{Call, Shared};
use crate::settings::{BUDGET_CAPACITY, BUDGET_PER_SECOND, BUDGET_TTL};

/// What a store is to hear of a process, in millionths of a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// What calls put in.
    pub added: u64,
    /// What they take, whether it is there or not. Not that of the retry that is asked for.
    pub owed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fleet {
    is_away: bool,
    noted: Account,
    /// What the store had last.
    known: Option<u64>,
    /// How many processes shared it then.
    members: NonZeroU32,
    /// What it had when it came home.
    lent: u64,
}

impl Budget {
    /// Its tokens are in a store from now on. What it took at home is owed, what it gained there is added. An extra call is
    /// harmless.
    pub fn go_away(&mut self, now: u64) {
        if self.is_away() {
            return;
        }
        let balance = self.tokens(now);
        let mut fleet = self.fleet.unwrap_or(Fleet {
            is_away: false,
            noted: Account::default(),
            known: None,
            members: NonZeroU32::MIN,
            lent: balance,
        });
        fleet.noted.owed = fleet.lent.saturating_sub(balance);
        fleet.noted.added = balance.saturating_sub(fleet.lent);
        fleet.is_away = true;
        self.fleet = Some(fleet);
    }

    /// The store does not answer: the share of this process is here from now on. Nothing if it has none away.
    pub fn come_home(&mut self, now: u64) {
        let Some(fleet) = self.fleet.as_mut().filter(|fleet| fleet.is_away) else { return };
        fleet.is_away = false;
        let noted = core::mem::take(&mut fleet.noted);
        let known = fleet.known;
        let lent = known.map_or(u64::MAX, |known| known / NonZeroU64::from(fleet.members)).min(self.most());
        if let Some(fleet) = &mut self.fleet {
            fleet.lent = lent;
        }
        self.advance(now);
        (self.tokens, self.slots) = (lent, [0; SLOTS]);
        if self.mode() == BudgetMode::Window {
            let reserve = self.reserve();
            self.add_signed(lent.abs_diff(reserve), lent < reserve);
        }
        self.add(noted.added, now);
        self.charge(noted.owed);
    }

    /// Whether its tokens are in a store.
    pub fn is_away(&self) -> bool {
        self.fleet.is_some_and(|fleet| fleet.is_away)
    }

    /// What the store is to hear, which is forgotten here. After a trip of which nobody knows whether it arrived, hand what is
    /// owed to [`owe`](Budget::owe), and nothing else: both ways no token comes to be twice.
    pub fn account(&mut self) -> Account {
        self.fleet.as_mut().map(|fleet| core::mem::take(&mut fleet.noted)).unwrap_or_default()
    }

    /// Whether there is anything to tell the store.
    pub fn has_account(&self) -> bool {
        self.fleet.is_some_and(|fleet| fleet.noted != Account::default())
    }

    /// What is owed after all: to the store, or at home if it has come home meanwhile.
    pub fn owe(&mut self, owed: u64) {
        self.charge(owed);
    }

    /// For an attempt that cannot wait for the store: takes by what is known of it, and owes that.
    pub(crate) fn take_unasked(&mut self, now: u64) -> Option<u64> {
        let price = self.take(None, now)?;
        let Some(known) = self.known_away() else { return Some(price) };
        let left = known.saturating_sub(self.fleet.map_or(0, |fleet| fleet.noted.owed));
        let is_enough = match self.mode() {
            BudgetMode::Failures => left.saturating_mul(2) > self.capacity(),
            BudgetMode::Bucket | BudgetMode::Window => left >= price,
        };
        (is_enough && self.note_owed(price)).then_some(price)
    }

    /// What the store has, and how many processes share it.
    pub fn told(&mut self, tokens: u64, members: u32) {
        if let Some(fleet) = &mut self.fleet {
            fleet.known = Some(tokens);
            fleet.members = NonZeroU32::new(members).unwrap_or(NonZeroU32::MIN);
        }
    }

    /// What the store had last, in millionths of a token: what it begins with if it has forgotten. None before it answered.
    pub fn known(&self) -> Option<u64> {
        self.fleet?.known
    }

    /// The options as a store takes them: mode, capacity, tokens a second, window in microseconds.
    pub fn terms(&self) -> [u64; 4] {
        [self.mode() as u64, self.of(BUDGET_CAPACITY), self.of(BUDGET_PER_SECOND), self.of(BUDGET_TTL)]
    }

    pub(super) fn known_away(&self) -> Option<u64> {
        let fleet = self.fleet.filter(|fleet| fleet.is_away)?;
        Some(fleet.known.unwrap_or(self.most()))
    }

    /// Among how many the options are divided: at home, among all that share it.
    pub(super) fn sharers(&self) -> NonZeroU64 {
        self.fleet.filter(|fleet| !fleet.is_away).map_or(NonZeroU64::MIN, |fleet| fleet.members.into())
    }

    pub(super) fn note_added(&mut self, tokens: u64) -> bool {
        self.note(|noted| noted.added = noted.added.saturating_add(tokens))
    }

    pub(super) fn note_owed(&mut self, tokens: u64) -> bool {
        self.note(|noted| noted.owed = noted.owed.saturating_add(tokens))
    }

    fn note(&mut self, write: impl FnOnce(&mut Account)) -> bool {
        let fleet = self.fleet.as_mut().filter(|fleet| fleet.is_away);
        fleet.map(|fleet| write(&mut fleet.noted)).is_some()
    }

    /// What it has if nothing was taken.
    fn most(&self) -> u64 {
        if self.mode() == BudgetMode::Window { self.reserve() } else { self.capacity() }
    }
}

impl Call {
    /// What the retry that was decided takes from a budget that is away, in millionths of a token: ask the store.
    pub fn asks_store(&self, shared: &Shared) -> Option<u64> {
        self.taken.filter(|_| shared.budget.as_ref().is_some_and(|budget| budget.is_away()))
    }

    /// The store does not grant it: the call is over, for the reason [`Budget`](crate::Reason::Budget).
    pub fn refused_by_store(&mut self) {
        self.taken = None;
    }

    /// The store did not answer, and the budget has come home: whether the retry may be made by what is there. Not if another
    /// call has found the store meanwhile.
    pub fn take_at_home(&mut self, shared: Shared) -> bool {
        let (Some(budget), Some(price)) = (shared.budget, self.taken) else { return false };
        let is_granted = !budget.is_away() && budget.pay(price, self.last_now);
        self.taken = self.taken.filter(|_| is_granted);
        is_granted
    }
}
