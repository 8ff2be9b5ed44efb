//! Environment variables of AWS' SDKs. The mode `standard` is Retry 2.1; `legacy` is botocore's: a random part of
//! `2^(n-1)` seconds, 5 attempts, no quota, no server's waits.

use super::reading::{ATTEMPTS, Reading, other, setting, table};
use super::waits::{Places, Use, Waits};
use crate::bounds::{Bounds, Field, Kind, Map};
use crate::format::{Mistake, Path, tape, tape::Node};
use crate::lint::Level;
use crate::policy::Policy;

static VARIABLES: Map = table(&[
    setting("AWS_MAX_ATTEMPTS", "a whole number", &ONE_OR_MORE),
    Field { words: "standard adaptive legacy ", kind: Kind::Words, ..other("AWS_RETRY_MODE", "") },
    other("AWS_NEW_RETRIES_2026", "true or false"),
]);

pub(super) fn read(reading: &mut Reading, path: &Path, node: Node) {
    let (mut attempts, mut mode) = (None, Mode::Standard);
    let is_ours = |key: &[u8]| VARIABLES.fields.iter().any(|field| field.name.as_bytes() == key);
    reading.some(&VARIABLES, path, node, &is_ours, &mut |reading, given| {
        // Variables are text.
        let is_text = given.node.kind == tape::TEXT;
        let text = Node { kind: if is_text { tape::NUMBER } else { given.node.kind }, ..given.node };
        match given.number {
            0 => attempts = reading.count(&super::reading::Given { node: text, ..*given }),
            1 => match Mode::of(given.node) {
                Some(known) => mode = known,
                None => reading.refuse(if is_text { Mistake::UnknownWord } else { Mistake::WrongKind }, given),
            },
            _ if given.node.kind == tape::TRUE || given.node.content.eq_ignore_ascii_case(b"true") => {}
            _ => reading.drop(given, Level::Info, BY_2026),
        }
    });
    let place = path.key(b"AWS_RETRY_MODE");
    if mode == Mode::Legacy {
        let attempts = Some(attempts.unwrap_or(5));
        reading.limits(path, attempts, None);
        let steps = Waits::exponential(1_000_000, 2_000_000);
        let waits = steps.map(|_, step| super::waits::Span { low: 0, width: step.low });
        reading.waits(&Waits { draws: 1, ..waits }, Use::of(attempts), &Places::all(&place));
        reading.draft.word("hint", "ignore");
        reading.note(&place, Level::Info, super::reading::NOT_CONVERTED, BOTOCORES, []);
        return;
    }
    reading.base = Policy::preset("aws");
    if attempts.is_some() {
        reading.draft.limit("attempts", attempts);
    }
    if mode == Mode::Adaptive {
        reading.note(&place, Level::Warning, super::reading::NOT_CONVERTED, LIMITS_RATES, []);
        reading.note(&place, Level::Info, "wall-clock", BY_TIME_TIME, []);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Standard,
    Adaptive,
    Legacy,
}

impl Mode {
    fn of(node: Node) -> Option<Mode> {
        let is = |name: &[u8]| node.kind == tape::TEXT && node.content.eq_ignore_ascii_case(name);
        let modes =
            [(b"standard".as_slice(), Mode::Standard), (b"adaptive", Mode::Adaptive), (b"legacy", Mode::Legacy)];
        modes.iter().find(|(name, _)| is(name)).map(|(_, mode)| *mode)
    }
}

static ONE_OR_MORE: Bounds = Bounds { least: 1, ..ATTEMPTS };

const BY_2026: &str = "the policy follows the SDKs' retries of 2026 (Retry 2.1), which are their default since November 2026; older ones wait longer and pay less";
const BOTOCORES: &str =
    "legacy is what each SDK made of it; the policy has botocore's: 5 attempts, full jitter from 1s doubling, no quota";
const LIMITS_RATES: &str =
    "adaptive also limits how fast requests are sent once the service throttles; put a Throttle before the call";
const BY_TIME_TIME: &str = "botocore measures the rate by time.time, which jumps when the clock is set; a Throttle goes by a clock that does not";
