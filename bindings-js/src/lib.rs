//! The engine as scalar functions over static areas, for JavaScript and for any wasm host: see `ABI.md`.
//!
//! Numbers only, no `u64` (a BigInt in JavaScript), no text, no objects: nothing that would need an allocator. Glue: no
//! decision is made here.
#![cfg_attr(all(target_arch = "wasm32", not(feature = "page")), no_std)]

mod area;
mod convert;

use undaunted::{Mode, Policy, Problem, Shared};

use area::{BUDGET_AREA, CALL_AREA, GUARD_AREA, INPUT_AREA, Input, NUMBERS_AREA, OUTPUT_AREA, Output, POLICY_AREA};
use convert::{failure, micros, notation, number, or_minus_one, pair};
use guards::Guard;

/// Exports each function: through wasm-bindgen, or as plain C.
macro_rules! exports {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => {$(
        $(#[$doc])*
        #[cfg(feature = "bindgen")]
        #[wasm_bindgen::prelude::wasm_bindgen]
        #[allow(clippy::too_many_arguments)]
        pub fn $name($($argument: $type),*) $(-> $result)? $body

        $(#[$doc])*
        #[cfg(not(feature = "bindgen"))]
        #[unsafe(no_mangle)]
        #[allow(clippy::too_many_arguments)]
        pub extern "C" fn $name($($argument: $type),*) $(-> $result)? $body
    )*};
}

#[cfg(feature = "lab")]
mod command;
mod fleet;
mod guards;
#[cfg(feature = "lab")]
mod lab;
#[cfg(feature = "lab")]
mod resume;
#[cfg(feature = "lab")]
mod simulate;

exports! {
    /// The address of an area: 0 input, 1 output, 2 numbers, 3 policy, 4 call, 5 budget, 6 guard.
    fn area(which: u32) -> u32 {
        let address = match which {
            0 => INPUT_AREA.address().cast::<u8>(),
            1 => OUTPUT_AREA.address().cast(),
            2 => NUMBERS_AREA.address().cast(),
            3 => POLICY_AREA.address().cast(),
            4 => CALL_AREA.address().cast(),
            5 => BUDGET_AREA.address().cast(),
            _ => GUARD_AREA.address().cast(),
        };
        address as usize as u32
    }

    /// The bytes of an area.
    fn area_size(which: u32) -> u32 {
        let size = match which {
            0 => size_of_val(INPUT_AREA.get()),
            1 => size_of_val(OUTPUT_AREA.get()),
            2 => size_of_val(NUMBERS_AREA.get()),
            3 => size_of_val(POLICY_AREA.get()),
            4 => size_of_val(CALL_AREA.get()),
            5 => size_of_val(BUDGET_AREA.get()),
            _ => size_of_val(GUARD_AREA.get()),
        };
        size as u32
    }

    /// Compiles the tape in the input area, over the policy in use if `on_base` is not 0. Answers how many problems it
    /// has; with none, the policy is in use. With some, the policy in use stays.
    fn compile(len: u32, notation_number: u32, on_base: u32) -> u32 {
        let mut problems = 0;
        let base = POLICY_AREA.get();
        let compiled = Policy::compile(
            Input::new().take(len),
            notation(notation_number),
            base.as_ref().filter(|_| on_base != 0),
            &mut |_| problems += 1,
        );
        match compiled {
            Some(policy) => {
                *POLICY_AREA.get() = Some(policy);
                0
            }
            None => problems.max(1),
        }
    }

    /// Problem number `index` (from 0) of the tape that `compile` refused: code, pointer and text one after the other in
    /// the output area, their lengths in the numbers.
    fn problem(len: u32, notation_number: u32, on_base: u32, index: u32) {
        let base = POLICY_AREA.get();
        let base = base.as_ref().filter(|_| on_base != 0);
        tell_of(index, |tell| _ = Policy::compile(Input::new().take(len), notation(notation_number), base, tell));
    }

    /// The policy in use as canonical JSON in the output area; answers its length.
    fn dump() -> u32 {
        let mut output = Output::new();
        if let Some(policy) = POLICY_AREA.get() {
            policy.dump(&mut |piece| output.push(piece));
        }
        output.len()
    }

    /// What a host must know of the policy in use, in the numbers: attempts, timeout and attempt_timeout (µs, -1 for
    /// null), nested, whether a rule wants the body.
    fn settings() {
        if let Some(policy) = POLICY_AREA.get() {
            answer(&[
                or_minus_one(policy.attempts().map(u64::from)),
                or_minus_one(policy.timeout()),
                or_minus_one(policy.attempt_timeout()),
                f64::from(policy.nested() as u8),
                f64::from(u8::from(policy.needs_body())),
            ]);
        }
    }

    /// Puts a call that began at `started_at` into use. `outer_deadline` is -1 for none; `mode` 1 never retries.
    fn start(started_at: f64, seed_high: u32, seed_low: u32, outer_deadline: f64, mode: u32) {
        let mode = if mode == 1 { Mode::Inactive } else { Mode::Normal };
        *CALL_AREA.get() = POLICY_AREA
            .get()
            .as_ref()
            .map(|policy| policy.start(number(started_at), pair(seed_high, seed_low), micros(outer_deadline), mode));
    }

    /// Asked before an attempt of the call in use: 0, with its number, limit and what remains (µs, -1 for none) in the
    /// numbers; or the reason why it must not start, with how long the breaker goes on refusing (µs, -1 if it is not that).
    fn attempt(now: f64) -> u32 {
        let (Some(policy), Some(call)) = (POLICY_AREA.get(), CALL_AREA.get()) else { return 0 };
        match policy.attempt(call, number(now), shared(policy)) {
            Ok(attempt) => {
                answer(&[f64::from(attempt.number), or_minus_one(attempt.limit), or_minus_one(attempt.remaining)]);
                0
            }
            Err(refused) => {
                answer(&[or_minus_one(refused.hint)]);
                refused.reason as u32
            }
        }
    }

    /// Told of a failed attempt of the call in use. `code_kind`: 0 none, 1 `code`, 2 a name. Name, method and body stand
    /// one after the other in the input area. `flags`: 1 while connecting, 2 idempotency key, 4 × verdict, 16 should_retry is known,
    /// 32 its value, 64 cancelled, 128 nested, 256 a method is given. `wait` and `hint`: µs, -1 for none.
    ///
    /// Answers reason (0 for a retry) + 16 × class + 128 × sent + 512 × last + 1024 × nested warning; the delay, or the
    /// hint (-1 for none), is the first number.
    fn failed(
        now: f64, domain: u32, code_kind: u32, code: f64, flags: u32, wait: f64, hint: f64,
        name_len: u32, method_len: u32, body_len: u32,
    ) -> u32 {
        let (Some(policy), Some(call)) = (POLICY_AREA.get(), CALL_AREA.get()) else { return 0 };
        let mut failure = failure(domain, code_kind, code, flags, hint, name_len, method_len, body_len);
        failure.wait = micros(wait);
        let (value, packed) = convert::decision(policy.failed(call, number(now), &failure, shared(policy)));
        answer(&[value]);
        packed
    }

    /// Told of the success of the call in use. Without a budget or a breaker it is not needed.
    fn succeeded(now: f64) {
        if let (Some(policy), Some(call)) = (POLICY_AREA.get(), CALL_AREA.get()) {
            policy.succeeded(call, number(now), shared(policy));
        }
    }

    /// Told that the call in use ends without a decision. Without a budget or a breaker it is not needed.
    fn cancelled(now: f64) {
        if let (Some(policy), Some(call)) = (POLICY_AREA.get(), CALL_AREA.get()) {
            policy.cancelled(call, number(now), shared(policy));
        }
    }

    /// The name of the policy's budget (0) or breaker (1) in the output area; answers its length, 0 without one.
    fn shared_name(which: u32) -> u32 {
        let mut output = Output::new();
        let name = if which == 0 { Policy::budget_name } else { Policy::breaker_name };
        output.push(POLICY_AREA.get().as_ref().and_then(name).unwrap_or_default());
        output.len()
    }

    /// The budget (0) that the policy in use describes, full, or its breaker (1), closed, is in use. With `is_there` 1 the host has
    /// one of its name, which is in use and stays. The seed draws how long a breaker is open. Answers 0; or 1 if that one, or none,
    /// will not do: then the problem is told as by `problem`.
    fn share(which: u32, is_there: u32, seed_high: u32, seed_low: u32) -> u32 {
        let Some(policy) = POLICY_AREA.get() else { return 0 };
        let problem = &mut |problem: &Problem| tell(problem);
        let is_accepted = if which == 0 {
            let budget = BUDGET_AREA.get();
            if is_there == 0 {
                *budget = policy.budget();
            }
            policy.accepts(budget.as_ref(), problem)
        } else {
            let guard = GUARD_AREA.get();
            if is_there == 0 {
                *guard = policy.breaker(pair(seed_high, seed_low)).map(Guard::Breaker);
            }
            policy.accepts_breaker(Guard::breaker(guard).as_deref(), problem)
        };
        u32::from(!is_accepted)
    }

    /// What the budget in use has left, in millionths of a token; -1 without one.
    fn tokens(now: f64) -> f64 {
        or_minus_one(BUDGET_AREA.get().as_mut().map(|budget| budget.tokens(number(now))))
    }

    /// The waits before retries `skip` + 1 and on, `count` of them, in µs as f64 in the output area.
    fn schedule(seed_high: u32, seed_low: u32, skip: u32, count: u32) {
        let Some(policy) = POLICY_AREA.get() else { return };
        let mut output = Output::new();
        for delay in policy.schedule(pair(seed_high, seed_low)).skip(skip as usize).take(count as usize) {
            output.push(&(delay as f64).to_le_bytes());
        }
    }

    /// The seed of call number `call` (from 1): its high and low half in the numbers.
    fn call_seed(seed_high: u32, seed_low: u32, call: f64) {
        answer_pair(undaunted::call_seed(pair(seed_high, seed_low), number(call)));
    }

    /// What the tables say of a code; arguments and flags as in `failed`. Answers class + 8 × sent + 32 × condition
    /// + 256 × known + 512 × retried.
    fn classify(domain: u32, code_kind: u32, code: f64, flags: u32, hint: f64, name_len: u32, method_len: u32) -> u32 {
        let failure = failure(domain, code_kind, code, flags, hint, name_len, method_len, 0);
        convert::classification(undaunted::classify(&failure))
    }

    /// Reads header fields: `len` bytes of the input area, each name and each value after its length (u32, little
    /// endian). `now`: µs since 1970, -1 for unknown. Answers 1 if there is a hint (µs, the first number) + 2 if the
    /// server says whether to retry + 4 if it says yes + 8 if the hint is suspicious.
    fn read_hint(len: u32, now: f64) -> u32 {
        let (delay, packed) = convert::hint(len, micros(now));
        answer(&[delay]);
        packed
    }

    /// Name number `index` (from 0) of the header fields that `read_hint` looks at, in the output area; answers its
    /// length, 0 after the last.
    fn header(index: u32) -> u32 {
        let mut output = Output::new();
        output.push(undaunted::hint::HEADERS.get(index as usize).copied().unwrap_or_default().as_bytes());
        output.len()
    }

    /// The version of the engine in the output area; answers its length.
    fn version() -> u32 {
        let mut output = Output::new();
        output.push(env!("CARGO_PKG_VERSION").as_bytes());
        output.len()
    }
}

#[cfg(feature = "draws")]
exports! {
    /// Word `n` of a lane, 0 to 4: its halves in the numbers.
    fn word(seed_high: u32, seed_low: u32, lane: u32, n: f64) {
        let lane = undaunted::Lane::from_number(lane).unwrap_or(undaunted::Lane::Delay);
        answer_pair(undaunted::word(pair(seed_high, seed_low), lane, number(n)));
    }

    /// A word mapped to 0..=x: its halves in the numbers.
    fn uniform(word_high: u32, word_low: u32, x_high: u32, x_low: u32) {
        answer_pair(undaunted::uniform(pair(word_high, word_low), pair(x_high, x_low)));
    }
}

/// What is shared by the calls of a policy that names a budget or a breaker.
fn shared(policy: &Policy) -> Shared<'static> {
    Shared {
        budget: BUDGET_AREA.get().as_mut().filter(|_| policy.budget_name().is_some()),
        breaker: Guard::breaker(GUARD_AREA.get()).filter(|_| policy.breaker_name().is_some()),
    }
}

/// Problem number `index` (from 0) of those that are told.
fn tell_of(index: u32, all: impl FnOnce(&mut dyn FnMut(&Problem))) {
    let mut at = 0;
    all(&mut |problem| {
        if at == index {
            tell(problem);
        }
        at += 1;
    });
}

/// A problem: its texts in the output area, their lengths in the numbers.
fn tell(problem: &Problem) {
    let mut output = Output::new();
    output.push(problem.code.as_bytes());
    let code = output.len();
    problem.pointer(&mut |piece| output.push(piece));
    let pointer = output.len();
    problem.text(&mut |piece| output.push(piece));
    answer(&[code, pointer - code, output.len() - pointer].map(f64::from));
}

#[inline(never)]
fn answer(values: &[f64]) {
    for (to, from) in NUMBERS_AREA.get().iter_mut().zip(values) {
        *to = *from;
    }
}

fn answer_pair(value: u64) {
    answer(&[f64::from((value >> 32) as u32), f64::from(value as u32)]);
}

/// wasm-bindgen links an allocator into whatever it touches; nothing here ever asks it for memory.
#[cfg(all(target_arch = "wasm32", feature = "bindgen", not(feature = "page")))]
mod no_memory {
    use core::alloc::{GlobalAlloc, Layout};

    struct Nothing;

    // SAFETY: a null answer is how an allocator refuses.
    unsafe impl GlobalAlloc for Nothing {
        unsafe fn alloc(&self, _: Layout) -> *mut u8 {
            core::ptr::null_mut()
        }

        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }

    #[global_allocator]
    static NOTHING: Nothing = Nothing;
}

/// The core does not panic; a panic would need text and unwinding, which the engine does not carry.
#[cfg(all(target_arch = "wasm32", not(feature = "page")))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
