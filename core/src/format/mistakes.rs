//! Every mistake a policy can have: its stable code and its sentence.
//!
//! A sentence says what was given, what is allowed and what to do. In it `$n` is the option's name, `$g` what was given,
//! `$w` what is allowed, `$r` the option's bounds, `$i` another library's name in our words, `$a` and `$b` two numbers of
//! the option's kind, `$B` the second as a duration.

use crate::words::Parts;

macro_rules! mistakes {
    ({$($name:ident: $code:literal, $text:literal;)+} {$($sim_name:ident: $sim_code:literal, $sim_text:literal;)+}) => {
        /// A mistake.
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Mistake { $($name,)+ $(#[cfg(feature = "sim")] $sim_name),+ }

        /// One line for each: the code, a blank, the sentence.
        #[cfg(not(feature = "sim"))]
        const LINES: &str = concat!($($code, " ", $text, "\n"),+);
        #[cfg(feature = "sim")]
        const LINES: &str = concat!($($code, " ", $text, "\n",)+ $($sim_code, " ", $sim_text, "\n"),+);
    };
}

impl Mistake {
    /// The code, and the sentence with its places.
    pub fn row(self) -> (&'static str, &'static str) {
        let line = Parts::lines(LINES).nth(self as usize).unwrap_or("");
        let code = Parts::words(line).next().unwrap_or("");
        (code, line.get(code.len() + 1..).unwrap_or(""))
    }
}

mistakes! {{
    UnknownOption: "unknown_option", "$n is not an option, allowed $w; correct or remove it";
    PeersOption: "unknown_option", "$n is not an option; use $i";
    UnknownClass: "unknown_value", "$n is no class with settings, allowed $w; correct or remove it";
    UnknownWord: "unknown_value", "$n is $g, allowed $w; write one of these";
    UnsupportedVersion: "unsupported_version", "$n is $g, allowed $w; write 1 or use a newer release";

    Twice: "duplicate_option", "$n is the second of its kind, allowed one; remove it";

    WrongKind: "wrong_kind", "$n is $g, allowed $w; write one of these";
    BareNumber: "bare_number", "$n is $g, allowed $w; write \"$gs\" for seconds, \"$gms\" for milliseconds";
    BadDuration: "bad_duration", "$n is $g, allowed $w; write one of these";
    TooFineDuration: "too_fine", "$n is $g, allowed whole microseconds; round it";
    TooFineDecimal: "too_fine", "$n is $g, allowed 6 decimal places; round it";

    NoAttempts: "out_of_range", "$n is $g, allowed $r; use 1 to call once without retrying";
    OutOfRange: "out_of_range", "$n is $g, allowed $r; write one in between";
    CodeOutOfRange: "out_of_range", "$n is $g, allowed -2147483648 to 2147483647; write the code as its system reports it";
    EmptyText: "out_of_range", "$n is $g, allowed one character or more; write or remove it";
    BadRange: "bad_range", "$n is $g, allowed $w; write one of these, the lower number first";

    NoClip: "missing_option", "$n is missing, needed in on_timeout; write {\"clip\": {\"min_attempt\": \"100ms\"}}";
    NoName: "missing_option", "$n is missing, needed beside its options; write the name of what is called, as \"internal-api\"";
    NoWindow: "missing_option", "$n is missing, needed with mode window; write a time as \"5s\"";
    EmptyJitter: "missing_option", "$n is empty, allowed proportional or additive; write {\"proportional\": 0.2}";
    EmptyList: "empty_list", "$n is empty, allowed 1 to 64 delays; write one";
    TooMany: "too_many", "$n has more than $a entries, allowed up to $a; shorten it";
    NameTooLong: "text_too_long", "$n is $g, allowed 64 bytes; shorten it";
    TextTooLong: "text_too_long", "$n is $g, allowed 2048 bytes in all rules together; shorten it";
    NoMatch: "rule_without_match", "$n matches nothing, allowed a code, body_contains or both; add {\"http\": 500} or the like";
    NoEffect: "rule_without_effect", "$n has no effect, allowed class, sent or both; add {\"class\": \"permanent\"} or the like";

    MaxWithoutLimit: "meaningless_option", "$n has no effect with mode window or ignore; remove it or use another mode";
    WindowWithoutMode: "meaningless_option", "$n has no effect without mode window; remove it or use mode window";
    ResetsWithoutHint: "meaningless_option", "$n has no effect with mode ignore; remove it or use another mode";
    WithoutEffect: "meaningless_option", "$n has no effect with this mode; remove it or use another mode";
    CostWithoutBudget: "meaningless_option", "$n has no effect without a budget that takes costs; remove it or set budget";
    DelayWithList: "meaningless_option", "$n has no effect with a list as backoff; remove it or change the list";
    FactorWithoutGrowth: "meaningless_option", "$n has no effect without backoff exponential; remove it or use backoff exponential";
    FactorWithDecorrelated: "meaningless_option", "$n has no effect with jitter decorrelated; remove it or use another jitter";
    DecorrelatedWithBackoff: "meaningless_option", "$n is decorrelated, allowed with backoff exponential; remove backoff or use another jitter";
    ClipWithoutTimeout: "meaningless_option", "$n has no effect without timeout; remove it or set timeout";

    ForeverWithLimit: "forever_with_limit", "$n is written beside forever: true, which makes it null; remove one of the two";
    Unlimited: "unlimited_without_timeout", "attempts and timeout are null, allowed one of the two; set timeout, or write forever: true if you mean it";
    MinAttemptTooLong: "min_attempt_too_long", "$n is $a, allowed below timeout $b; raise timeout or lower it";
    MaxBelowInitial: "max_delay_below_initial", "$n is $a, below initial $b; raise max_delay or lower initial";
    ElementAboveMax: "element_above_max_delay", "$n is $a, above max_delay $b; raise max_delay or lower it";
    ClassInitialAboveMax: "class_initial_above_max_delay", "$n is $a, above max_delay $b; raise max_delay or lower it";
    ClassAttemptsAboveAttempts: "class_attempts_above_attempts", "$n is $a, above attempts $b; raise attempts or lower it";
    CostAboveCapacity: "cost_above_capacity", "$n is $a, above capacity $b; raise capacity or lower it";
    NoBudget: "missing_budget", "$n is $g, allowed the name of a budget that was made before; make that budget first, or write its options beside its name";
    OtherBudget: "other_budget", "$n is $g, which is the name of a budget with other options; write the same options or another name";
    NoBreaker: "missing_breaker", "$n is $g, allowed the name of a breaker that was made before; make that breaker first, or write its options beside its name";
    OtherBreaker: "other_breaker", "$n is $g, which is the name of a breaker with other options; write the same options or another name";
    TooSlowToGrow: "factor_too_small", "$n is $a, too small to reach max_delay $B in 64 retries; raise factor or initial, or lower max_delay or attempts";
    NoSpread: "jitter_cannot_spread", "$n spreads a delay by less than a microsecond, allowed more; raise it or write \"none\"";
    NoRoomToSpread: "jitter_cannot_spread", "$n has no room below max_delay $B; raise max_delay or lower initial or jitter";

    NoSuchOption: "unknown_option", "$n is not an option, allowed $w; correct or remove it";
    MinCallsAboveWindow: "min_calls_above_window_calls", "$n is $a, above window_calls $b; raise window_calls or lower it";
    SlowRateWithoutSlow: "meaningless_option", "$n has no effect without slow_after; remove it or set slow_after";
    Needed: "missing_option", "$n is missing, allowed $w; write it";
} {
    TooManyCalls: "out_of_range", "$n is $a, allowed up to $b at this calls_per_second; shorten it or lower calls_per_second";
    TooManyWindows: "out_of_range", "$n is $a, allowed up to $b with this window; shorten it or widen window";
}}
