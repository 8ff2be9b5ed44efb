//! Tokens of calls that are handed over. The call in use crosses from one engine to the other as the bytes of its area.

use undaunted::resume::Token;
use undaunted::{Class, Decision, Mode, Reason, Sent};

use crate::area::{CALL_AREA, Input, Output, POLICY_AREA};
use crate::convert::{decision, micros, notation, number, or_minus_one};
use crate::{answer, shared, tell_of};

exports! {
    /// The token of the call in use, whose last failure was decided as `packed` says, as `failed` packs it; with `is_refused` 1
    /// the attempt after it was refused. `carried` is the time before the call's start, `made_at` now, µs since 1970; `hint` is -1
    /// for none. The text stands in the output area, its length is the first number. Answers 0 without a call.
    fn token(now: f64, carried: f64, made_at: f64, packed: u32, hint: f64, is_refused: u32) -> u32 {
        let Some(call) = CALL_AREA.get() else { return 0 };
        let here = number(now).max(call.last_now).saturating_sub(call.started_at);
        let (elapsed, made_at, hint) = (number(carried).saturating_add(here), number(made_at), micros(hint));
        let class = Class::from_number(packed >> 4 & 7).unwrap_or(Class::Permanent);
        let sent = Sent::from_number(packed >> 7 & 3).unwrap_or(Sent::Maybe);
        let token = match Reason::from_number(packed & 15) {
            _ if is_refused == 1 => Token { hint, ..Token::of(call, class, sent, elapsed, made_at) },
            Some(reason) => Token::after(call, &Decision::GiveUp { reason, hint, class, sent }, elapsed, made_at),
            None => {
                let retry = Decision::Retry { delay: 0, class, sent, last: false, nested_warning: false };
                Token::after(call, &retry, elapsed, made_at)
            }
        };
        let mut output = Output::new();
        token.json(&mut |piece| output.push(piece));
        answer(&[f64::from(output.len())]);
        1
    }

    /// Puts the call of a token, whose tape is in the input area, into use under the policy in use; answers how many problems it
    /// has. With none, the numbers are: what comes of its last failure as `failed` answers it, with the delay or the hint before;
    /// the time since the first attempt; and, of a token whose next attempt is due, 1, else 0. The delay is the token's hint then.
    fn resume(len: u32, notation_number: u32, now: f64, since_1970: f64, mode: u32) -> u32 {
        let mut problems = 0;
        let read = Token::read(Input::new().take(len), notation(notation_number), &mut |_| problems += 1);
        if let (Some(token), Some(policy)) = (read, POLICY_AREA.get()) {
            let mode = if mode == 1 { Mode::Inactive } else { Mode::Normal };
            let resumed = policy.resume(&token, number(now), number(since_1970), mode, shared(policy));
            let (value, packed) = match resumed.decision {
                Some(made) => decision(made),
                None => (or_minus_one(token.hint), (token.class as u32) << 4 | (token.sent as u32) << 7),
            };
            *CALL_AREA.get() = Some(resumed.call);
            answer(&[
                value,
                f64::from(packed),
                resumed.elapsed as f64,
                f64::from(u8::from(resumed.decision.is_none())),
                f64::from(resumed.call.failures),
            ]);
        }
        problems
    }

    /// Problem number `index` (from 0) of the token that `resume` refused: as `problem`.
    fn token_problem(len: u32, notation_number: u32, index: u32) {
        tell_of(index, |tell| _ = Token::read(Input::new().take(len), notation(notation_number), tell));
    }
}
