//! The fewest options that come to a policy.

use core::ops::Range;

use crate::bounds::{POLICY, PRESETS};
use crate::format::settled;
use crate::policy::Policy;
use crate::presets;
use crate::settings::{ABSENT, BUDGET, NULL, OWN, PRESET, get, set};
use crate::words::Parts;

/// What to write: a policy of fewer settings, which are those of `policy` once they are settled.
pub(super) fn of(policy: &Policy) -> Policy {
    let mut fewest = usize::MAX;
    let mut best = *policy;
    for preset in 0..Parts::words(PRESETS).count() as u64 {
        let mut written = *policy;
        if preset > 0 {
            written.settings[PRESET] = preset;
        }
        if policy.budget_name().is_none() && presets::policy(preset).budget_name().is_some() {
            written.settings[BUDGET] = NULL;
        }
        // A preset may have what can only be changed, not taken away.
        if settled(written).as_ref() != Some(policy) {
            continue;
        }
        let mut count = usize::from(preset > 0);
        for field in POLICY.fields.iter().rev().filter(|field| !field.places().contains(&PRESET)) {
            let is_there = |written: &Policy| field.places().filter(|at| get(&written.settings, *at) != ABSENT).count();
            if is_there(&written) > 0 && !leaves_out(&mut written, field.places(), policy) {
                // A name alone is one of what was made elsewhere.
                let is_own = field.names().is_some() && get(&written.settings, field.places().start) == OWN;
                for at in field.places().rev() {
                    if is_there(&written) > 1 + usize::from(is_own) {
                        leaves_out(&mut written, at..at + 1, policy);
                    }
                }
            }
            count += is_there(&written);
            if count >= fewest {
                break;
            }
        }
        if count < fewest {
            (fewest, best) = (count, written);
        }
    }
    best
}

/// Leaves settings out unless they matter.
fn leaves_out(written: &mut Policy, places: Range<usize>, policy: &Policy) -> bool {
    let mut less = *written;
    places.for_each(|at| set(&mut less.settings, at, ABSENT));
    let is_enough = settled(less).as_ref() == Some(policy);
    if is_enough {
        *written = less;
    }
    is_enough
}
