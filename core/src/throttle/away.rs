//! A throttle that the processes of a fleet share: a store adds up what they noted.
//!
//! Its own history goes on meanwhile, so that it can go on alone when the store does not answer.

use super::Throttle;

#[derive(Clone, Copy)]
pub(super) struct Fleet {
    /// Requests and accepts of all, as the store had them last.
    told: [u32; 2],
    /// Those of this process since.
    noted: [u32; 2],
}

impl Throttle {
    /// A store counts from now on. An extra call is harmless.
    pub fn go_away(&mut self, now: u64) {
        if !self.is_away() {
            let (requests, accepts) = self.counts(now);
            self.fleet = Some(Fleet { told: [requests, accepts], noted: [0; 2] });
        }
    }

    /// The store does not answer: it goes on alone, by its own history.
    pub fn come_home(&mut self) {
        self.fleet = None;
    }

    /// Whether a store counts.
    pub fn is_away(&self) -> bool {
        self.fleet.is_some()
    }

    /// Requests and accepts that the store is to hear of, which are forgotten here.
    pub fn report(&mut self) -> [u32; 2] {
        self.fleet.as_mut().map(|fleet| core::mem::take(&mut fleet.noted)).unwrap_or_default()
    }

    /// Whether there is anything to tell the store.
    pub fn has_report(&self) -> bool {
        self.fleet.is_some_and(|fleet| fleet.noted != [0; 2])
    }

    /// Requests and accepts of all, as the store has them.
    pub fn told(&mut self, requests: u32, accepts: u32) {
        if let Some(fleet) = &mut self.fleet {
            fleet.told = [requests, accepts];
        }
    }

    /// The window in microseconds, as a store takes it.
    pub fn window(&self) -> u64 {
        self.history.window()
    }

    pub(super) fn counts_away(&self) -> Option<(u32, u32)> {
        let Fleet { told: [requests, accepts], noted: [more, accepted] } = self.fleet?;
        Some((requests.saturating_add(more), accepts.saturating_add(accepted)))
    }

    pub(super) fn note(&mut self, happened: [bool; 3]) {
        if let Some(fleet) = &mut self.fleet {
            for (count, happened) in fleet.noted.iter_mut().zip(happened) {
                *count = count.saturating_add(happened.into());
            }
        }
    }
}
