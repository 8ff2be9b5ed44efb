//! What the targets share: failures and policies out of arbitrary bytes.

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use undaunted::{Code, Domain, Failure, Phase, Policy, Verdict};
use undaunted_tests::tape_of;

/// A failure of any kind; texts are borrowed from the input.
pub fn failure<'a>(input: &mut Unstructured<'a>) -> Result<Failure<'a>> {
    let code = match input.int_in_range(0..=3)? {
        0 => Code::None,
        1 => Code::Number(input.int_in_range(0..=700)?),
        2 => Code::Number(input.arbitrary()?),
        _ => Code::Name(text(input)?),
    };
    Ok(Failure {
        domain: *input.choose(Domain::ALL)?,
        code,
        phase: *input.choose(Phase::ALL)?,
        method: if input.arbitrary()? { Some(text(input)?) } else { None },
        idempotency_key: input.arbitrary()?,
        verdict: *input.choose(Verdict::ALL)?,
        wait: optional_micros(input)?,
        hint: optional_micros(input)?,
        should_retry: input.arbitrary()?,
        body: text(input)?,
        cancelled: input.ratio(1, 16)?,
        nested: input.ratio(1, 8)?,
    })
}

fn text<'a>(input: &mut Unstructured<'a>) -> Result<&'a [u8]> {
    let len = input.int_in_range(0..=24)?.min(input.len());
    input.bytes(len)
}

fn optional_micros(input: &mut Unstructured) -> Result<Option<u64>> {
    Ok(match input.int_in_range(0..=3)? {
        0 | 1 => None,
        2 => Some(input.int_in_range(0..=10_000_000)?),
        _ => Some(input.arbitrary()?),
    })
}

/// The JSON text before the first zero byte, and what comes after it.
pub fn split(data: &[u8]) -> (&[u8], &[u8]) {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    (&data[..end], data.get(end + 1..).unwrap_or(&[]))
}

/// The policy of a JSON text; None for what is no JSON or no policy.
pub fn policy(text: &[u8]) -> Option<Policy> {
    compile(&tape_of(&serde_json::from_slice(text).ok()?), 0)
}

/// Compiles a tape and reads every pointer and sentence: a policy exactly if there was no problem.
pub fn compile(tape: &[u8], notation: usize) -> Option<Policy> {
    let notation = undaunted::Notation::ALL[notation % undaunted::Notation::ALL.len()];
    let mut problems = 0;
    let policy = Policy::compile(tape, notation, None, &mut |problem| {
        problem.pointer(&mut |_| {});
        problem.text(&mut |_| {});
        problems += 1;
    });
    assert_eq!(policy.is_none(), problems > 0);
    policy
}
