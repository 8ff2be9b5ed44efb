//! What options mean together: the written ones must agree, the inherited ones give way.

use super::options::meaningless;
use super::{Draft, Opt};
use crate::backoff::{Backoff, Table, exponential_ceiling, scale};
use crate::bounds::{DURATION, TABLE_LEN};

use super::problem::{Path, Piece};
use super::values::Reader;
use crate::failure::Class;
use crate::jitter::Jitter;
use crate::policy::Policy;

/// Checks in the order that tests/README.md gives; what depends on an option that could not be read is left out.
pub(crate) fn settle(draft: &mut Draft, reader: &mut Reader) {
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
                let text = [
                    Piece::Name,
                    Piece::Text(
                        " is written beside forever: true, which sets attempts and timeout to null; remove one of the two",
                    ),
                ];
                reader.refuse("forever_with_limit", &at(option), &text);
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
        let text = [Piece::Text(
            "attempts is null and timeout is null, allowed one of them; set timeout, or write forever: true if you mean it",
        )];
        reader.refuse("unlimited_without_timeout", &at(Opt::Attempts), &text);
    }
}

fn settle_clip(draft: &mut Draft, reader: &mut Reader) {
    let Draft { policy, written, .. } = draft;
    let Some(min_attempt) = policy.clip else {
        return;
    };
    if !written.can_check(&[Opt::OnTimeout, Opt::Forever, Opt::Timeout]) {
        return;
    }
    let path = at(Opt::OnTimeout);
    match policy.timeout {
        None if written.has(Opt::OnTimeout) => {
            meaningless(reader, &path, "timeout is null", "set timeout, or remove on_timeout");
        }
        None => policy.clip = None,
        Some(timeout) if min_attempt >= timeout => {
            let clip = path.key(b"clip");
            let text = [
                Piece::Name,
                Piece::Text(" is "),
                Piece::Micros(min_attempt),
                Piece::Text(", allowed below timeout "),
                Piece::Micros(timeout),
                Piece::Text("; raise timeout or lower min_attempt"),
            ];
            reader.refuse("min_attempt_too_long", &clip.key(b"min_attempt"), &text);
        }
        Some(_) => {}
    }
}

fn refuse_meaningless(draft: &Draft, reader: &mut Reader) {
    const A_LIST: &str = "backoff is a list of delays";
    const CHANGE_LIST: &str = "remove it, or change the list's first delay";
    let Draft { policy, written, .. } = draft;
    if !written.can_check(&[Opt::Backoff]) {
        return;
    }
    let is_list = policy.backoff == Backoff::List;
    let can_check_jitter = written.can_check(&[Opt::Jitter]);
    if is_list && written.has(Opt::Initial) {
        meaningless(reader, &at(Opt::Initial), A_LIST, CHANGE_LIST);
    }
    if written.has(Opt::Factor) && can_check_jitter {
        if policy.backoff != Backoff::Exponential {
            meaningless(
                reader,
                &at(Opt::Factor),
                "backoff is not exponential",
                "remove it, or use backoff exponential",
            );
        } else if policy.jitter == Jitter::Decorrelated {
            meaningless(reader, &at(Opt::Factor), "jitter is decorrelated", "remove it, or use another jitter");
        }
    }
    if is_list && written.has(Opt::First) {
        meaningless(reader, &at(Opt::First), A_LIST, CHANGE_LIST);
    }
    if policy.jitter == Jitter::Decorrelated && policy.backoff != Backoff::Exponential && can_check_jitter {
        meaningless(
            reader,
            &at(Opt::Jitter),
            "backoff is not exponential, since decorrelated delays grow by themselves",
            "remove backoff, or use another jitter",
        );
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
                    refuse_above_max_delay(
                        reader,
                        &at(Opt::Backoff).index(index),
                        "element_above_max_delay",
                        delay,
                        policy,
                    );
                }
            }
        }
    } else if written.can_check(&[Opt::Backoff, Opt::Initial, Opt::MaxDelay]) {
        settle_initial(policy, max_written, written.has(Opt::Initial), reader);
        for (settings, is_written) in policy.classes.iter_mut().zip(written.class_initial) {
            let Some(initial) = settings.initial.filter(|initial| *initial > policy.max_delay) else {
                continue;
            };
            match (max_written, is_written) {
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
            Backoff::List => policy.table.largest(),
            _ => initials(policy).fold(0, u64::max),
        }
        .max(1);
        policy.max_delay = largest.saturating_add(policy.jitter.room_above(largest)).min(DURATION.1);
    }
}

fn settle_initial(policy: &mut Policy, max_written: bool, initial_written: bool, reader: &mut Reader) {
    if policy.initial <= policy.max_delay {
        return;
    }
    match (max_written, initial_written) {
        (true, true) => {
            let text = [
                Piece::Text("max_delay is "),
                Piece::Micros(policy.max_delay),
                Piece::Text(", below initial "),
                Piece::Micros(policy.initial),
                Piece::Text("; raise max_delay or lower initial"),
            ];
            reader.refuse("max_delay_below_initial", &at(Opt::MaxDelay), &text);
        }
        (true, false) => policy.initial = policy.max_delay,
        (false, _) => policy.max_delay = policy.initial,
    }
}

fn refuse_above_max_delay(reader: &mut Reader, path: &Path, code: &'static str, given: u64, policy: &Policy) {
    let text = [
        Piece::Name,
        Piece::Text(" is "),
        Piece::Micros(given),
        Piece::Text(", above max_delay "),
        Piece::Micros(policy.max_delay),
        Piece::Text("; raise max_delay or lower this delay"),
    ];
    reader.refuse(code, path, &text);
}

/// A jitter that cannot spread would bring a herd back together.
fn check_spread(draft: &Draft, reader: &mut Reader) {
    let Draft { policy, written, .. } = draft;
    if !written.can_check(&[Opt::Backoff, Opt::Initial, Opt::MaxDelay, Opt::Jitter, Opt::Classes]) {
        return;
    }
    let path = at(Opt::Jitter);
    match policy.jitter {
        Jitter::Additive(0) => {
            reader.refuse(SPREAD, &path, &[Piece::Text("jitter.additive is 0s, which spreads nothing, allowed above 0s; write a longer time, or jitter \"none\"")]);
        }
        Jitter::Additive(j) if j >= policy.max_delay => {
            let text = [
                Piece::Text("jitter.additive is "),
                Piece::Micros(j),
                Piece::Text(", allowed below max_delay "),
                Piece::Micros(policy.max_delay),
                Piece::Text("; raise max_delay or lower jitter.additive"),
            ];
            reader.refuse(SPREAD, &path, &text);
        }
        Jitter::Proportional(0) => {
            reader.refuse(SPREAD, &path, &[Piece::Text("jitter.proportional is 0, which spreads nothing, allowed above 0 to 1; write 0.2, or jitter \"none\"")]);
        }
        Jitter::Proportional(p) if p > 0 && width_of_smallest(policy, p) == Some(0) => {
            let text = [
                Piece::Text("jitter.proportional is "),
                Piece::Millionths(p),
                Piece::Text(", less than a microsecond of the smallest delay; raise one of the two"),
            ];
            reader.refuse(SPREAD, &path, &text);
        }
        Jitter::Decorrelated
            if policy.backoff == Backoff::Exponential
                && initials(policy).any(|initial| initial == policy.max_delay) =>
        {
            let text = [
                Piece::Text("jitter is decorrelated and initial equals max_delay "),
                Piece::Micros(policy.max_delay),
                Piece::Text(", which leaves nothing to draw; raise max_delay or lower initial"),
            ];
            reader.refuse(SPREAD, &path, &text);
        }
        _ => {}
    }
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

/// A policy whose table of ceilings ends below `max_delay` would stop growing unseen.
fn check_growth(draft: &Draft, reader: &mut Reader) {
    let Draft { policy, written, .. } = draft;
    let limits = [Opt::Forever, Opt::Attempts];
    let delays = [Opt::Backoff, Opt::Initial, Opt::Factor, Opt::MaxDelay, Opt::Jitter, Opt::Classes];
    let is_growing = policy.backoff == Backoff::Exponential && policy.jitter != Jitter::Decorrelated;
    if !is_growing || !written.can_check(&limits) || !written.can_check(&delays) {
        return;
    }
    let retries_past_table = policy.attempts.is_none_or(|attempts| attempts as usize > TABLE_LEN + 1);
    if retries_past_table && smallest_last_ceiling(policy) < policy.max_delay {
        let text = [
            Piece::Text("factor is "),
            Piece::Millionths(policy.factor),
            Piece::Text(", too small to reach max_delay "),
            Piece::Micros(policy.max_delay),
            Piece::Text(" in 64 retries; raise factor or initial, or lower max_delay or attempts"),
        ];
        reader.refuse("factor_too_small", &at(Opt::Factor), &text);
    }
}

fn smallest_last_ceiling(policy: &Policy) -> u64 {
    let own = Table::exponential(policy.initial, policy.factor, policy.max_delay).last();
    policy
        .classes
        .iter()
        .filter_map(|class| class.initial)
        .map(|initial| exponential_ceiling(initial, policy.factor, policy.max_delay, TABLE_LEN as u32))
        .fold(own, u64::min)
}

fn settle_class(draft: &mut Draft, reader: &mut Reader, class: Class) {
    let Draft { policy, written, .. } = draft;
    if !written.can_check(&[Opt::Classes]) {
        return;
    }
    let index = class as usize;
    let is_written = |written: &[bool]| written.get(index) == Some(&true);
    let classes = at(Opt::Classes);
    let path = classes.key(class.as_str().as_bytes());
    let settings = policy.class(class);
    if let (Some(limit), Some(attempts)) = (settings.attempts, policy.attempts)
        && limit > attempts
        && written.can_check(&[Opt::Forever, Opt::Attempts])
    {
        if is_written(&written.class_attempts) {
            let text = [
                Piece::Name,
                Piece::Text(" is "),
                Piece::Number(limit.into()),
                Piece::Text(", allowed up to attempts "),
                Piece::Number(attempts.into()),
                Piece::Text("; raise attempts or lower this limit"),
            ];
            reader.refuse("class_attempts_above_attempts", &path.key(b"attempts"), &text);
        } else if let Some(settings) = policy.classes.get_mut(index) {
            settings.attempts = Some(attempts);
        }
    }
    let Some(initial) = settings.initial.filter(|_| is_written(&written.class_initial)) else {
        return;
    };
    let path = path.key(b"initial");
    if !written.can_check(&[Opt::Backoff]) {
        return;
    }
    if policy.backoff == Backoff::List {
        meaningless(reader, &path, "backoff is a list of delays", "remove it, or use backoff exponential");
    } else if initial > policy.max_delay && written.can_check(&[Opt::MaxDelay]) {
        refuse_above_max_delay(reader, &path, "class_initial_above_max_delay", initial, policy);
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
const SPREAD: &str = "jitter_cannot_spread";
