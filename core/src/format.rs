//! The policy format: options as written to a policy, or to every mistake in them at once, and back to text.
//!
//! A host parses JSON with its own parser and hands the values over as a [`tape`]; everything after that is here.

mod dump;
mod duration;
mod mistakes;
mod options;
mod problem;
mod rule;
#[cfg(feature = "serde")]
mod serde;
mod settle;
pub mod tape;
mod values;

pub use problem::Problem;
pub use values::Notation;

use crate::bounds::OPTIONS;
use crate::policy::{CLASSES, Policy};
use crate::presets;
use problem::Path;
use settle::settle;
use tape::{Items, Node};
use values::Reader;

impl Policy {
    /// The policy that `tape` describes, or None after every mistake in it was handed to `problem`.
    ///
    /// What is not written comes from `base`, else from the preset that the tape names, else from `standard`. A written
    /// preset wins over `base`.
    pub fn compile(
        tape: &[u8],
        notation: Notation,
        base: Option<&Policy>,
        problem: &mut dyn FnMut(&Problem),
    ) -> Option<Policy> {
        let mut reader = Reader::new(notation, problem);
        let entries = reader.map(&Path::ROOT, Node::read(tape))?;
        let named = named_preset(entries);
        let is_replacing = base.is_some() && named.is_none();
        let mut draft = Draft {
            policy: match (named, base) {
                (Some(preset), _) => preset,
                (None, Some(base)) => base.clone(),
                (None, None) => Policy::STANDARD,
            },
            written: Written::default(),
            is_replacing,
            forever: false,
        };
        draft.read(&mut reader, entries);
        settle(&mut draft, &mut reader);
        if reader.refused { None } else { Some(draft.policy.with_table()) }
    }
}

fn named_preset(mut entries: Items) -> Option<Policy> {
    while let Some((key, value)) = entries.next_entry() {
        if let (b"preset", Node::Text(name)) = (key, value) {
            return presets::find(name);
        }
    }
    None
}

/// A policy on its way: what is written so far, over what it inherits.
struct Draft {
    pub policy: Policy,
    pub written: Written,
    /// The base is a whole policy, not a preset.
    pub is_replacing: bool,
    pub forever: bool,
}

/// What was written, and what of it could not be read.
#[derive(Default)]
struct Written {
    options: u32,
    refused: u32,
    pub classes: [WrittenClass; CLASSES],
}

/// What was written of a class's settings.
#[derive(Clone, Copy, Default)]
struct WrittenClass {
    attempts: bool,
    initial: bool,
}

impl Written {
    /// Whether the option was written and could be read.
    pub fn has(&self, option: Opt) -> bool {
        (self.options & !self.refused) >> option as u32 & 1 == 1
    }

    /// Whether all of these are as their writer meant them: what depends on one that could not be read is not checked.
    pub fn can_check(&self, options: &[Opt]) -> bool {
        !options.iter().any(|option| self.refused >> *option as u32 & 1 == 1)
    }
}

/// The options, by their place in [`OPTIONS`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opt {
    Undaunted,
    Preset,
    Attempts,
    Timeout,
    Forever,
    OnTimeout,
    AttemptTimeout,
    Backoff,
    Initial,
    Factor,
    MaxDelay,
    First,
    Jitter,
    Hint,
    Classes,
    Rules,
    Idempotent,
    Nested,
}

impl Opt {
    const ALL: [Opt; OPTIONS.len()] = [
        Opt::Undaunted,
        Opt::Preset,
        Opt::Attempts,
        Opt::Timeout,
        Opt::Forever,
        Opt::OnTimeout,
        Opt::AttemptTimeout,
        Opt::Backoff,
        Opt::Initial,
        Opt::Factor,
        Opt::MaxDelay,
        Opt::First,
        Opt::Jitter,
        Opt::Hint,
        Opt::Classes,
        Opt::Rules,
        Opt::Idempotent,
        Opt::Nested,
    ];

    pub fn name(self) -> &'static str {
        OPTIONS.get(self as usize).copied().unwrap_or("")
    }
}
