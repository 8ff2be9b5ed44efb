//! The policy format: options as written to a policy, or to every mistake in them at once, and back to text.
//!
//! A host parses JSON with its own parser and hands the values over as a [`tape`]; everything after that is here.

mod dump;
mod duration;
mod mistakes;
mod number;
mod options;
mod peers;
mod problem;
mod reader;
#[cfg(feature = "lab")]
pub(crate) mod seeds;
#[cfg(feature = "serde")]
mod serde;
mod settle;
pub mod tape;

#[cfg(feature = "lab")]
pub(crate) use dump::{print_option, print_text};
#[cfg(feature = "lab")]
pub(crate) use duration::{print, print_millionths, print_number};
pub(crate) use mistakes::Mistake;
pub use number::Notation;
#[cfg(feature = "lab")]
pub(crate) use number::word;
#[cfg(feature = "lab")]
pub(crate) use options::written;
pub(crate) use options::{ANY, Options, fill, needed, number};
#[cfg(feature = "lab")]
pub(crate) use problem::Path;
pub use problem::Problem;
pub(crate) use problem::refuse_name;
#[cfg(feature = "lab")]
pub(crate) use reader::WIDEST;

use crate::bounds::{POLICY, RULE};
use crate::policy::Policy;
use crate::presets;
use crate::settings::{ABSENT, PRESET};
#[cfg(not(feature = "lab"))]
use problem::Path;
use reader::Reader;
use settle::Draft;
use tape::Node;

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
        let node = Node::read(tape);
        let mut policy = Policy::EMPTY;
        let mut reader = Reader {
            notation,
            problem,
            delays: &mut policy.delays,
            rules: &mut policy.rules,
            names: &mut policy.names,
            refused: false,
        };
        if node.kind != tape::MAP {
            reader.refuse_given(Mistake::WrongKind, &Path::ROOT, &RULE, node);
            return None;
        }
        let written = reader.map(&POLICY, &Path::ROOT, node, &mut policy.settings);
        let inherited = match (policy.settings[PRESET], base) {
            (ABSENT, Some(base)) => *base,
            (preset, _) => presets::policy(preset),
        };
        let mut draft = Draft { settings: &mut policy.settings, reader, written };
        draft.inherit(&inherited);
        draft.settle();
        if draft.reader.refused {
            return None;
        }
        policy.grow();
        Some(policy)
    }
}

/// What `policy` comes to if it is written as it stands: what is absent comes from its preset or by default.
#[cfg(feature = "lab")]
pub(crate) fn settled(mut policy: Policy) -> Option<Policy> {
    let is_there = |(bits, field): (u32, &crate::bounds::Field)| {
        let own = policy.settings.get(field.places()).unwrap_or(&[]);
        if own.iter().any(|value| *value != ABSENT) { bits } else { 0 }
    };
    let options = (0..).map(|number| 1 << number).zip(POLICY.fields).map(is_there).sum();
    let reader = Reader {
        notation: Notation::Json,
        problem: &mut |_| {},
        delays: &mut policy.delays,
        rules: &mut policy.rules,
        names: &mut policy.names,
        refused: false,
    };
    let inherited = presets::policy(policy.settings[PRESET]);
    let mut draft = Draft { settings: &mut policy.settings, reader, written: reader::Written { options, refused: 0 } };
    draft.inherit(&inherited);
    draft.settle();
    let is_right = !draft.reader.refused;
    policy.grow();
    Some(policy).filter(|_| is_right)
}
