//! The static areas through which text, policies and calls cross the boundary.
//!
//! The host writes into an area, calls a function, and reads from another. No function keeps a reference past its
//! return, and a wasm instance has one thread.

use core::cell::UnsafeCell;

use undaunted::{Budget, Call, Policy};

use crate::guards::Guard;

/// Room for a policy's tape, header fields, or the texts of a failure; in the lab for those of many.
pub const INPUT: usize = if cfg!(feature = "lab") { 1 << 18 } else { 1 << 16 };
/// Room for a text, or for a piece of a schedule; in the lab for an explanation, which has each text twice, in one of
/// them as JSON.
pub const OUTPUT: usize = if cfg!(feature = "lab") { 1 << 21 } else { 1 << 16 };
/// How many numbers a function may answer.
pub const NUMBERS: usize = 8;

/// A value at a fixed address.
pub struct Area<T>(UnsafeCell<T>);

// SAFETY: the engine runs on one thread: wasm without threads, where nothing can be called while a function runs.
unsafe impl<T> Sync for Area<T> {}

impl<T> Area<T> {
    pub const fn new(value: T) -> Area<T> {
        Area(UnsafeCell::new(value))
    }

    /// Where the host finds it.
    pub fn address(&self) -> *const T {
        self.0.get()
    }

    /// The value, until the end of the exported function that asks.
    #[allow(clippy::mut_from_ref)]
    pub fn get(&self) -> &mut T {
        // SAFETY: exported functions take each area once and do not call each other; no reference leaves them.
        unsafe { &mut *self.0.get() }
    }
}

pub static INPUT_AREA: Area<[u8; INPUT]> = Area::new([0; INPUT]);
pub static OUTPUT_AREA: Area<[u8; OUTPUT]> = Area::new([0; OUTPUT]);
pub static NUMBERS_AREA: Area<[f64; NUMBERS]> = Area::new([0.0; NUMBERS]);
/// The policy in use. None until the first one is compiled, or copied in.
pub static POLICY_AREA: Area<Option<Policy>> = Area::new(None);
/// The policy that the one in use is compared with.
#[cfg(feature = "lab")]
pub static OTHER_AREA: Area<Option<Policy>> = Area::new(None);
/// The working memory of an analysis.
#[cfg(feature = "lab")]
pub static ROOM_AREA: Area<undaunted::analysis::Room> = Area::new([0; 1 << 20]);
/// The call in use.
pub static CALL_AREA: Area<Option<Call>> = Area::new(None);
/// The budget in use: that of the policy in use, where it names one.
pub static BUDGET_AREA: Area<Option<Budget>> = Area::new(None);

/// The breaker, throttle, bulkhead or hedge in use.
pub static GUARD_AREA: Area<Option<Guard>> = Area::new(None);

/// Fills the output area piece by piece; what does not fit is left out.
pub struct Output {
    len: usize,
}

impl Output {
    /// From its beginning.
    pub fn new() -> Output {
        Output { len: 0 }
    }

    /// Adds a piece.
    pub fn push(&mut self, piece: &[u8]) {
        for (to, from) in OUTPUT_AREA.get().iter_mut().skip(self.len).zip(piece) {
            *to = *from;
            self.len += 1;
        }
    }

    /// Bytes written so far.
    pub fn len(&self) -> u32 {
        self.len as u32
    }
}

/// Takes pieces off the front of the input area.
#[derive(Clone)]
pub struct Input {
    rest: &'static [u8],
}

impl Input {
    /// From its beginning.
    pub fn new() -> Input {
        Input { rest: INPUT_AREA.get() }
    }

    /// Of its first bytes only.
    pub fn of(len: u32) -> Input {
        Input { rest: Input::new().take(len) }
    }

    /// The next so many bytes, or what is left.
    pub fn take(&mut self, len: u32) -> &'static [u8] {
        let (head, tail) = self.rest.split_at_checked(len as usize).unwrap_or((self.rest, &[]));
        self.rest = tail;
        head
    }

    /// The next piece that says its own length, a u32, little endian.
    pub fn take_counted(&mut self) -> Option<&'static [u8]> {
        let len = self.take(4).try_into().ok()?;
        Some(self.take(u32::from_le_bytes(len)))
    }
}
