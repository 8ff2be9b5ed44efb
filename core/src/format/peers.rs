//! What people write who know another library, and what it is called here.

use super::number::Notation;
use super::reader::is_name;
use crate::words::Parts;

/// What to write instead of a name that another library uses.
pub(super) fn instead_of(key: &[u8]) -> Option<&'static str> {
    Parts::lines(PEERS).find_map(|line| {
        let mut parts = Parts::of(line, b':');
        let instead = parts.next()?;
        let mut names = Parts::words(parts.next()?);
        if names.any(|name| is_name(key, name, Notation::JavaScript)) { Some(instead) } else { None }
    })
}

/// A line for each option: what it is called here, then elsewhere.
const PEERS: &str = "attempts, which is retries + 1:retries max_retries max_attempts tries max_tries
timeout:deadline max_time max_retry_time total_timeout max_elapsed
initial:delay base wait wait_initial min_timeout
max_delay:cap wait_max max_timeout max_wait
jitter:randomize wait_jitter";
