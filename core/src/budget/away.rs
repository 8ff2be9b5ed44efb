//! A budget that the processes of a fleet share: its tokens are away, in a store, and here is only what the store is to hear.
//!
//! Away, it notes what calls add and owe, and grants; the host asks the store before it makes the retry. When the store does
//! not answer, the budget comes home with this process's share of what the store had last. What it took there is owed: once a
//! question has found the store again, the next says so, and its answer takes the budget away, so that nobody asks the store
//! for a retry before it has heard of those. So neither losing the store nor finding it adds a retry. The questions that
//! search say nothing: they may wait somewhere until the store is back, and then all are heard.

use core::num::{NonZeroU32, NonZeroU64};

use super::{Budget, BudgetMode, SLOTS};
use crate::call::{Call, Shared};
use crate::settings::{BUDGET_CAPACITY, BUDGET_PER_SECOND, BUDGET_TTL};

/// What a store is to hear of a process, in millionths of a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Which question to the store this goes with, from 1; 0 if it has none.
    pub number: u64,
    /// What calls put in.
    pub added: u64,
    /// What they take, whether it is there or not. Not that of the retry that is asked for.
    pub owed: u64,
    /// What is owed still if nobody knows whether the store has heard of it, for [`lost`](Budget::lost).
    pub if_lost: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fleet {
    is_away: bool,
    noted: Noted,
    /// What the store had last.
    known: Option<u64>,
    /// How many processes shared it then.
    members: NonZeroU32,
    /// What there would be at home if it owed nothing.
    lent: u64,
    /// How many questions there were, and the newest that was answered.
    asked: u64,
    heard: u64,
    /// At home, the question that waits for an answer, and what it says is owed; None of one that searches.
    pending: Option<(u64, Option<u64>)>,
    /// At home, whether a question has found the store.
    is_found: bool,
}

/// What calls put in, and what they take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Noted {
    added: u64,
    owed: u64,
}

impl Budget {
    /// Its tokens are in a store from now on. An extra call is harmless, and one that has come home stays there until the store
    /// answers: ask it, with its [`account`](Budget::account).
    pub fn go_away(&mut self) {
        self.fleet.get_or_insert(Fleet {
            is_away: true,
            noted: Noted::default(),
            known: None,
            members: NonZeroU32::MIN,
            lent: 0,
            asked: 0,
            heard: 0,
            pending: None,
            is_found: false,
        });
    }

    /// The store does not answer: the share of this process is here from now on. Nothing if it has none away.
    pub fn come_home(&mut self, now: u64) {
        let Some(fleet) = &mut self.fleet else { return };
        fleet.is_found = false;
        if !core::mem::take(&mut fleet.is_away) {
            return;
        }
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
        self.owe(noted.owed);
    }

    /// Whether its tokens are in a store.
    pub fn is_away(&self) -> bool {
        self.fleet.is_some_and(|fleet| fleet.is_away)
    }

    /// What the store is to hear with the next question, and is forgotten here; of one that has come home, what it took and
    /// gained there, once the store is found. Either [`told`](Budget::told) or [`lost`](Budget::lost) follows.
    pub fn account(&mut self, now: u64) -> Account {
        let balance = self.tokens(now);
        let Some(fleet) = &mut self.fleet else { return Account::default() };
        fleet.asked = fleet.asked.wrapping_add(1);
        let number = fleet.asked;
        if fleet.is_away {
            let Noted { added, owed } = core::mem::take(&mut fleet.noted);
            return Account { number, added, owed, if_lost: owed };
        }
        if !core::mem::take(&mut fleet.is_found) {
            fleet.pending = Some((number, None));
            return Account { number, ..Account::default() };
        }
        let Noted { added, owed } = fleet.debt(balance);
        // Whatever becomes of the question, what was gained is told once.
        fleet.lent = fleet.lent.saturating_add(added);
        fleet.pending = Some((number, Some(owed)));
        Account { number, added, owed, if_lost: 0 }
    }

    /// Whether to tell the store something, or to ask it whether it is there again.
    pub fn has_account(&self) -> bool {
        self.fleet.is_some_and(|fleet| match fleet.is_away {
            true => fleet.noted != Noted::default(),
            false => fleet.pending.is_none(),
        })
    }

    /// Nobody knows whether the question with this account arrived: what it put in is gone, what it owed is owed still, to the
    /// store, or at home if it has come home meanwhile. Both ways no token comes to be twice.
    pub fn lost(&mut self, number: u64, if_lost: u64) {
        if let Some(fleet) = self.fleet.as_mut().filter(|fleet| fleet.pending.is_some_and(|(asked, _)| asked == number))
        {
            fleet.pending = None;
        }
        self.owe(if_lost);
    }

    /// Of what is owed at home and is not there the store hears.
    fn owe(&mut self, owed: u64) {
        let now_or_before = 0;
        let before = self.tokens(now_or_before);
        self.charge(owed);
        let paid = before.saturating_sub(self.tokens(now_or_before));
        if let Some(fleet) = self.fleet.as_mut().filter(|fleet| !fleet.is_away) {
            fleet.lent = fleet.lent.saturating_add(owed.saturating_sub(paid));
        }
    }

    /// For an attempt that cannot wait for the store: takes by what is known of it, and owes that.
    pub(crate) fn take_unasked(&mut self, now: u64) -> Option<u64> {
        let price = self.take(None, now)?;
        self.owe_unasked(price).then_some(price)
    }

    /// Whether there is enough by what is known of the store, which hears of it with the next question. At home it is paid already.
    fn owe_unasked(&mut self, price: u64) -> bool {
        let Some(known) = self.known_away() else { return true };
        let left = known.saturating_sub(self.fleet.map_or(0, |fleet| fleet.noted.owed));
        let is_enough = match self.mode() {
            BudgetMode::Failures => left.saturating_mul(2) > self.capacity(),
            BudgetMode::Bucket | BudgetMode::Window => left >= price,
        };
        is_enough && self.note_owed(price)
    }

    /// What the store has, and how many processes share it: the answer to question `number`. One that a newer answer overtook
    /// says nothing. The answer to what was asked at home takes it away again, with what is owed since. Whether to ask again
    /// at once: the answer found the store, which is to hear what happened at home.
    pub fn told(&mut self, number: u64, tokens: u64, members: u32, now: u64) -> bool {
        let balance = self.tokens(now);
        let Some(fleet) = self.fleet.as_mut().filter(|fleet| number >= fleet.heard) else { return false };
        if !fleet.is_away {
            let Some((_, told)) = fleet.pending.filter(|(asked, _)| *asked == number) else { return false };
            fleet.pending = None;
            fleet.lent = fleet.lent.saturating_sub(told.unwrap_or(0));
            let debt = fleet.debt(balance);
            if told.is_none() && debt != Noted::default() {
                (fleet.heard, fleet.is_found) = (number, true);
                return true;
            }
            (fleet.noted, fleet.is_away) = (debt, true);
        }
        fleet.heard = number;
        fleet.known = Some(tokens);
        fleet.members = NonZeroU32::new(members).unwrap_or(NonZeroU32::MIN);
        false
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

    fn note(&mut self, write: impl FnOnce(&mut Noted)) -> bool {
        let fleet = self.fleet.as_mut().filter(|fleet| fleet.is_away);
        fleet.map(|fleet| write(&mut fleet.noted)).is_some()
    }

    /// What it has if nothing was taken.
    fn most(&self) -> u64 {
        if self.mode() == BudgetMode::Window { self.reserve() } else { self.capacity() }
    }
}

impl Fleet {
    /// What was gained or taken at home.
    fn debt(&self, balance: u64) -> Noted {
        Noted { added: balance.saturating_sub(self.lent), owed: self.lent.saturating_sub(balance) }
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

    /// A call that cannot wait for the store: whether the retry may be made by what is known of it. The store hears of it with
    /// the next question, as of the attempts of a [`Hedge`](crate::Hedge).
    pub fn take_unasked(&mut self, shared: Shared) -> bool {
        let (Some(budget), Some(price)) = (shared.budget, self.taken) else { return false };
        let is_granted = budget.owe_unasked(price);
        self.taken = self.taken.filter(|_| is_granted);
        is_granted
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
