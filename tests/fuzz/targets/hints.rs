//! Headers of any bytes: lines of `name: value`. A hint is whole microseconds below 2^53, and does not depend on the letter
//! case of names.

#![no_main]

use libfuzzer_sys::fuzz_target;
use undaunted::hint;

fuzz_target!(|data: &[u8]| {
    let (clock, text) = data.split_at(data.len().min(8));
    let now = clock.try_into().ok().map(u64::from_le_bytes).filter(|now| now % 2 == 0);
    let lines = text.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((&line[..colon], &line[colon + 1..]))
    });
    let headers: Vec<(&[u8], &[u8])> = lines.collect();
    let found = hint::read(headers.iter().copied(), now);
    assert!(found.delay.is_none_or(|delay| delay < 1 << 53));
    assert!(!found.is_suspicious || found.delay.is_some());

    let upper: Vec<Vec<u8>> = headers.iter().map(|(name, _)| name.to_ascii_uppercase()).collect();
    let shouted = upper.iter().zip(&headers).map(|(name, (_, value))| (name.as_slice(), *value));
    assert_eq!(hint::read(shouted, now), found);
});
