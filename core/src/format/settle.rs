//! What options mean together: the written ones must agree, the inherited ones give way.

use super::mistakes::Mistake;
use super::problem::Path;
use super::values::Reader;
use super::{Draft, Opt};
use crate::backoff::{Backoff, Table, exponential_ceiling, scale};
use crate::bounds::{DURATION, TABLE_LEN};
use crate::failure::Class;
use crate::jitter::Jitter;
use crate::policy::Policy;

/// Checks in the order that tests/README.md gives; what depends on an option that could not be read is left out.
pub(super) fn settle(draft: &mut Draft, reader: &mut Reader) {
    settle_limits(draft, reader);
    settle_clip(draft, reader);
    refuse_meaningless(draft, reader);
    settle_max_delay(draft, reader);
    check_growth(draft, reader);
    check_spread(draft, reader);
    for class in Class::ALL.iter().copied().filter(|class| *class != Class::Permanent) {
        settle_class(draft, reader, class);
    }
    forget_what_has_no_effect(&mut draft.policy);
}

fn settle_limits(draft: &mut Draft, reader: &mut Reader) {
    let Draft { policy, written, forever, is_replacing } = draft;
    if *forever {
        for option in [Opt::Attempts, Opt::Timeout] {
            if written.has(option) {
                reader.refuse(Mistake::ForeverWithLimit, &at(option));
            }
        }
        policy.attempts = None;
        policy.timeout = None;
        return;
    }
    // replace() on a policy that is forever leaves it so, unless one of the three is written.
    let limits = [Opt::Forever, Opt::Attempts, Opt::Timeout];
    let is_inherited = *is_replacing && !limits.iter().any(|option| written.has(*option));
    let is_unlimited = policy.attempts.is_none() && policy.timeout.is_none();
    if is_unlimited && !is_inherited && written.can_check(&limits) {
        reader.refuse(Mistake::Unlimited, &at(Opt::Attempts));
    }
}

fn settle_clip(draft: &mut Draft, reader: &mut Reader) {
    let Draft { policy, written, .. } = draft;
    let Some(min_attempt) = policy.clip else { return };
    if !written.can_check(&[Opt::OnTimeout, Opt::Forever, Opt::Timeout]) {
        return;
    }
    let path = at(Opt::OnTimeout);
    match policy.timeout {
        None if written.has(Opt::OnTimeout) => reader.refuse(Mistake::ClipWithoutTimeout, &path),
        None => policy.clip = None,
        Some(timeout) if min_attempt >= timeout => {
            let path = path.key(b"clip");
            reader.refuse_numbers(Mistake::MinAttemptTooLong, &path.key(b"min_attempt"), min_attempt, timeout);
        }
        Some(_) => {}
    }
}

fn refuse_meaningless(draft: &Draft, reader: &mut Reader) {
    let Draft { policy, written, .. } = draft;
    if !written.can_check(&[Opt::Backoff]) {
        return;
    }
    let is_list = policy.backoff == Backoff::List;
    let is_exponential = policy.backoff == Backoff::Exponential;
    let can_check_jitter = written.can_check(&[Opt::Jitter]);
    let is_decorrelated = policy.jitter == Jitter::Decorrelated && can_check_jitter;
    let has_factor = written.has(Opt::Factor) && can_check_jitter;
    let checks = [
        (is_list && written.has(Opt::Initial), Mistake::DelayWithList, Opt::Initial),
        (has_factor && !is_exponential, Mistake::FactorWithoutGrowth, Opt::Factor),
        (has_factor && is_exponential && is_decorrelated, Mistake::FactorWithDecorrelated, Opt::Factor),
        (is_list && written.has(Opt::First), Mistake::DelayWithList, Opt::First),
        (is_decorrelated && !is_exponential, Mistake::DecorrelatedWithBackoff, Opt::Jitter),
    ];
    for (is_wrong, mistake, option) in checks {
        if is_wrong {
            reader.refuse(mistake, &at(option));
        }
    }
}

/// `max_delay` against the delays: both written must agree, else the inherited one gives way; constant delays and lists
/// get the room that their jitter needs.
fn settle_max_delay(draft: &mut Draft, reader: &mut Reader) {
    let Draft { policy, written, is_replacing, .. } = draft;
    let max_written = written.has(Opt::MaxDelay);
    if policy.backoff == Backoff::List {
        if max_written && written.can_check(&[Opt::Backoff]) {
            for (&delay, index) in policy.table.as_slice().iter().zip(0_u32..) {
                if delay > policy.max_delay {
                    let path = at(Opt::Backoff);
                    reader.refuse_numbers(Mistake::ElementAboveMax, &path.index(index), delay, policy.max_delay);
                }
            }
        }
    } else if written.can_check(&[Opt::Backoff, Opt::Initial, Opt::MaxDelay]) {
        if policy.initial > policy.max_delay {
            match (max_written, written.has(Opt::Initial)) {
                (true, true) => {
                    let path = at(Opt::MaxDelay);
                    reader.refuse_numbers(Mistake::MaxBelowInitial, &path, policy.max_delay, policy.initial);
                }
                (true, false) => policy.initial = policy.max_delay,
                (false, _) => policy.max_delay = policy.initial,
            }
        }
        for (settings, is_written) in policy.classes.iter_mut().zip(written.classes) {
            let Some(initial) = settings.initial.filter(|initial| *initial > policy.max_delay) else { continue };
            match (max_written, is_written.initial) {
                (false, _) => policy.max_delay = initial,
                (true, false) => settings.initial = Some(policy.max_delay),
                (true, true) => {}
            }
        }
    }
    let is_flat = matches!(policy.backoff, Backoff::List | Backoff::Constant);
    let is_touched = [Opt::Backoff, Opt::Initial, Opt::Classes, Opt::Jitter].iter().any(|option| written.has(*option));
    if is_flat && !max_written && (is_touched || !*is_replacing) {
        let largest = match policy.backoff {
            Backoff::List => policy.table.as_slice().iter().fold(1, |largest, delay| largest.max(*delay)),
            _ => initials(policy).fold(1, u64::max),
        };
        policy.max_delay = largest.saturating_add(policy.jitter.room_above(largest)).min(DURATION.1);
    }
}

/// A policy whose table of ceilings ends below `max_delay` would stop growing unseen.
fn check_growth(draft: &Draft, reader: &mut Reader) {
    let Draft { policy, written, .. } = draft;
    let depends_on = [
        Opt::Forever,
        Opt::Attempts,
        Opt::Backoff,
        Opt::Initial,
        Opt::Factor,
        Opt::MaxDelay,
        Opt::Jitter,
        Opt::Classes,
    ];
    let is_growing = policy.backoff == Backoff::Exponential && policy.jitter != Jitter::Decorrelated;
    if !is_growing || !written.can_check(&depends_on) {
        return;
    }
    let retries_past_table = policy.attempts.is_none_or(|attempts| attempts as usize > TABLE_LEN + 1);
    let smallest = initials(policy).fold(u64::MAX, u64::min);
    let last = exponential_ceiling(smallest, policy.factor, policy.max_delay, TABLE_LEN as u32);
    if retries_past_table && last < policy.max_delay {
        reader.refuse_numbers(Mistake::TooSlowToGrow, &at(Opt::Factor), policy.factor.into(), policy.max_delay);
    }
}

/// A jitter that cannot spread would bring a herd back together.
fn check_spread(draft: &Draft, reader: &mut Reader) {
    let Draft { policy, written, .. } = draft;
    if !written.can_check(&[Opt::Backoff, Opt::Initial, Opt::MaxDelay, Opt::Jitter, Opt::Classes]) {
        return;
    }
    let max_delay = policy.max_delay;
    let is_decorrelated = policy.jitter == Jitter::Decorrelated && policy.backoff == Backoff::Exponential;
    let (mistake, given) = match policy.jitter {
        Jitter::Additive(0) => (Mistake::NoAdditive, 0),
        Jitter::Additive(j) if j >= max_delay => (Mistake::AdditiveAboveMax, j),
        Jitter::Proportional(0) => (Mistake::NoProportional, 0),
        Jitter::Proportional(p) if width_of_smallest(policy, p) == Some(0) => (Mistake::ProportionalTooSmall, p.into()),
        _ if is_decorrelated && initials(policy).any(|initial| initial == max_delay) => {
            (Mistake::DecorrelatedWithoutRoom, 0)
        }
        _ => return,
    };
    reader.refuse_numbers(mistake, &at(Opt::Jitter), given, max_delay);
}

/// Half the width of the draw around the smallest delay that is not 0; None if all are.
fn width_of_smallest(policy: &Policy, p: u32) -> Option<u64> {
    let smallest = match policy.backoff {
        Backoff::List => policy.table.as_slice().iter().copied().filter(|delay| *delay > 0).min()?,
        _ => initials(policy).min()?,
    };
    Some(scale(smallest.min(scale(policy.max_delay, MILLION, MILLION + p)), p, MILLION))
}

/// `initial` and the classes' own.
fn initials(policy: &Policy) -> impl Iterator<Item = u64> + '_ {
    core::iter::once(policy.initial).chain(policy.classes.iter().filter_map(|class| class.initial))
}

fn settle_class(draft: &mut Draft, reader: &mut Reader, class: Class) {
    let Draft { policy, written, .. } = draft;
    let index = class as usize;
    let (Some(settings), Some(is_written)) = (policy.classes.get_mut(index), written.classes.get(index)) else {
        return;
    };
    if !written.can_check(&[Opt::Classes]) {
        return;
    }
    let path = at(Opt::Classes);
    let path = path.key(class.as_str().as_bytes());
    if let (Some(limit), Some(attempts)) = (settings.attempts, policy.attempts)
        && limit > attempts
        && written.can_check(&[Opt::Forever, Opt::Attempts])
    {
        if is_written.attempts {
            let path = path.key(b"attempts");
            reader.refuse_numbers(Mistake::ClassAttemptsAboveAttempts, &path, limit.into(), attempts.into());
        } else {
            settings.attempts = Some(attempts);
        }
    }
    let Some(initial) = settings.initial.filter(|_| is_written.initial) else { return };
    let path = path.key(b"initial");
    if !written.can_check(&[Opt::Backoff]) {
        return;
    }
    if policy.backoff == Backoff::List {
        reader.refuse(Mistake::DelayWithList, &path);
    } else if initial > policy.max_delay && written.has(Opt::MaxDelay) {
        reader.refuse_numbers(Mistake::ClassInitialAboveMax, &path, initial, policy.max_delay);
    }
}

/// Inherited options that have given way read as if they had never been there, so that equal policies are equal.
fn forget_what_has_no_effect(policy: &mut Policy) {
    if policy.backoff != Backoff::Exponential || policy.jitter == Jitter::Decorrelated {
        policy.factor = Policy::STANDARD.factor;
    }
    if policy.backoff != Backoff::List {
        policy.table = Table::EMPTY;
        return;
    }
    policy.initial = Policy::STANDARD.initial;
    policy.first_is_immediate = false;
    for class in &mut policy.classes {
        class.initial = None;
    }
}

fn at(option: Opt) -> Path<'static> {
    Path::ROOT_REF.key(option.name().as_bytes())
}

const MILLION: u32 = 1_000_000;
