//! A policy as its canonical JSON: every option resolved, none that has no effect, always in the same order.
//!
//! Two policies are equal exactly when these texts are.

use super::duration::{print, print_millionths, print_number};
use crate::bounds::{DELAY, Field, Kind, POLICY, RULE, Unit};
use crate::policy::Policy;
use crate::rules::Match;
use crate::settings::{ABSENT, IN_RULE, LIST, NULL};
use crate::words;

impl Policy {
    /// The canonical JSON, in UTF-8, in pieces. Compiling it gives an equal policy.
    pub fn dump(&self, out: &mut dyn FnMut(&[u8])) {
        print_fields(self, POLICY.fields, &self.settings, out);
    }
}

/// One option as it stands in the canonical JSON; nothing if it is not there.
#[cfg(feature = "lab")]
pub(crate) fn print_option(policy: &Policy, field: &Field, out: &mut dyn FnMut(&[u8])) {
    let own = policy.settings.get(field.places()).unwrap_or(&[]);
    if own.iter().any(|value| *value != ABSENT) {
        print_field(policy, field, own, out);
    }
}

/// A map of those options that are there.
fn print_fields(policy: &Policy, fields: &[Field], settings: &[u64], out: &mut dyn FnMut(&[u8])) {
    let mut before: &[u8] = b"{\"";
    for (field, number) in fields.iter().zip(0..) {
        let own = settings.get(field.places()).unwrap_or(&[]);
        let is_its_own = !field.is_numbered || own.get(1) == Some(&number);
        if is_its_own && own.iter().any(|value| *value != ABSENT) {
            out(before);
            out(field.name.as_bytes());
            out(b"\":");
            print_field(policy, field, own, out);
            before = b",\"";
        }
    }
    out(b"}");
}

/// An option by its own place and those of the options that it holds: where one of these is there, it is a map.
fn print_field(policy: &Policy, field: &Field, own: &[u64], out: &mut dyn FnMut(&[u8])) {
    let Some((&value, inner)) = own.split_first() else { return };
    match field.kind {
        _ if value == NULL => out(b"null"),
        Kind::Map(map) if inner.iter().any(|value| *value != ABSENT) => print_fields(policy, map.fields, own, out),
        Kind::Number(bounds) if bounds.unit == Unit::Micros => {
            out(b"\"");
            print_value(value, bounds.unit, out);
            out(b"\"");
        }
        Kind::Number(bounds) => print_value(value, bounds.unit, out),
        Kind::Bool if value < 2 => out(if value == 0 { b"false" } else { b"true" }),
        Kind::Bool => print_text(words::nth(field.words, value as usize - 2).as_bytes(), out),
        Kind::Delays if value == LIST => print_list(policy, &DELAY, policy.delays.as_slice(), 1, out),
        Kind::Rules => print_list(policy, &RULE, policy.rules.as_slice().as_flattened(), IN_RULE, out),
        Kind::Status | Kind::Code | Kind::Text => print_match(policy.rules.unpack(value), out),
        _ => match field.names() {
            Some((what, _)) => print_text(policy.name(what), out),
            None => print_text(words::nth(field.words, value as usize).as_bytes(), out),
        },
    }
}

fn print_list(policy: &Policy, element: &Field, mut rest: &[u64], width: usize, out: &mut dyn FnMut(&[u8])) {
    let mut before = b"[";
    while let Some((own, tail)) = rest.split_at_checked(width) {
        out(before);
        print_field(policy, element, own, out);
        before = b",";
        rest = tail;
    }
    out(b"]");
}

/// A number in its unit.
pub(super) fn print_value(value: u64, unit: Unit, out: &mut dyn FnMut(&[u8])) {
    match unit {
        Unit::Micros => print(value, out),
        Unit::Millionths => print_millionths(value, out),
        Unit::Version | Unit::Count => print_number(value, out),
    }
}

fn print_match(named: Match, out: &mut dyn FnMut(&[u8])) {
    match named {
        Match::Text(text) => print_text(text, out),
        Match::Number(number) => {
            if number < 0 {
                out(b"-");
            }
            print_number(number.unsigned_abs().into(), out);
        }
        Match::Range(low, high) => {
            out(b"\"");
            print_number(low.into(), out);
            out(b"-");
            print_number(high.into(), out);
            out(b"\"");
        }
    }
}

pub(crate) fn print_text(text: &[u8], out: &mut dyn FnMut(&[u8])) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out(b"\"");
    for byte in text {
        match byte {
            b'"' | b'\\' => out(&[b'\\', *byte]),
            0..0x20 => {
                let low = HEX.get(usize::from(byte & 15)).copied().unwrap_or_default();
                out(&[b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), low]);
            }
            _ => out(core::slice::from_ref(byte)),
        }
    }
    out(b"\"");
}
