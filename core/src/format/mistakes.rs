//! Every mistake a policy can have: its stable code and its sentence.
//!
//! A sentence says what was given, what is allowed and what to do. In it `$n` is the option's name, `$g` what was given,
//! `$w` a list of words, `$a` and `$b` two numbers, which `$A` and `$B` print as durations, `$m` and `$M` as millionths.

macro_rules! mistakes {
    ($($name:ident: $code:literal, $text:literal;)+) => {
        /// A mistake.
        #[derive(Clone, Copy)]
        pub(super) enum Mistake { $($name),+ }

        impl Mistake {
            const TABLE: &[(&str, &str)] = &[$(($code, $text)),+];

            /// The code, and the sentence with its places.
            pub fn row(self) -> (&'static str, &'static str) {
                Mistake::TABLE.get(self as usize).copied().unwrap_or(("", ""))
            }
        }
    };
}

mistakes! {
    UnknownOption: "unknown_option", "$n is not an option, allowed $w; correct its name or remove it";
    PeersOption: "unknown_option", "$n is not an option; $w";
    UnknownClass: "unknown_value", "$n is no class that has settings, allowed $w; correct its name or remove it";
    UnknownWord: "unknown_value", "$n is $g, allowed $w; write one of these";
    UnsupportedVersion: "unsupported_version",
        "undaunted is $g, allowed 1, the version of the policy format; write 1, or read this policy with a newer release";

    TwoSpellings: "duplicate_option", "$n is given twice, allowed once; remove one of the two spellings";
    TwoJitters: "duplicate_option", "$n is a second kind of jitter, allowed one of proportional and additive; remove one";
    TwoCodes: "duplicate_option", "$n is a second code in one rule, allowed one; write a rule for each";

    NoMap: "wrong_kind", "$n is $g, allowed a map of options; write { \"name\": value }";
    NoBool: "wrong_kind", "$n is $g, allowed true or false; write one of the two, without quotes";
    NoWord: "wrong_kind", "$n is $g, allowed $w; write one of these";
    NoVersion: "wrong_kind", "undaunted is $g, allowed 1, the version of the policy format; write 1";
    NoCount: "wrong_kind", "$n is $g, allowed a whole number from $a to $b; write a number without quotes or fraction";
    NoCountOrNull: "wrong_kind",
        "$n is $g, allowed a whole number from $a to $b or null; write a number without quotes or fraction";
    NoDecimal: "wrong_kind", "$n is $g, allowed a number up to $M; write a finite number without quotes";
    NoDuration: "wrong_kind",
        "$n is $g, allowed a number with one of the units us, ms, s, m, h; write \"30s\" for thirty seconds";
    NoDurationOrNull: "wrong_kind",
        "$n is $g, allowed a number with one of the units us, ms, s, m, h, or null; write \"30s\" for thirty seconds";
    NoCode: "wrong_kind", "$n is $g, allowed a whole number, a range as \"500-599\" or a name; write one of these";
    NoRules: "wrong_kind", "$n is $g, allowed a list of rules; write [{\"http\": 500, \"class\": \"permanent\"}]";
    NoText: "wrong_kind", "$n is $g, allowed text; write what the body contains";

    BareNumber: "bare_number",
        "$n is $g, allowed text with a unit, since languages read bare numbers differently; write \"$gs\" for seconds or \"$gms\" for milliseconds";
    BadDuration: "bad_duration",
        "$n is $g, allowed a number with one of the units us, ms, s, m, h; write \"30s\" for thirty seconds";
    TooFineDuration: "too_fine", "$n is $g, allowed whole microseconds; round it to one";
    TooFineDecimal: "too_fine", "$n is $g, allowed at most 6 decimal places; round it";

    NoAttempts: "out_of_range", "$n is $g, allowed $a to $b; use 1 to call once without retrying";
    CountTooLarge: "out_of_range", "$n is $g, allowed $a to $b; write a smaller one";
    DecimalTooSmall: "out_of_range", "$n is $g, allowed $m to $M; write a larger one";
    FactorTooSmall: "out_of_range", "$n is $g, allowed above 1 to $M; write a larger one";
    DecimalTooLarge: "out_of_range", "$n is $g, allowed up to $M; write a smaller one";
    DurationTooShort: "out_of_range", "$n is $g, allowed $A to $B; write a longer one";
    DurationTooLong: "out_of_range", "$n is $g, allowed $A to $B; write a shorter one";
    CodeTooLarge: "out_of_range", "$n is $g, allowed -2147483648 to 2147483647; write the code as its system reports it";
    EmptyText: "out_of_range", "$n is $g, allowed at least one character; write it, or remove it";
    BadRange: "bad_range",
        "$n is $g, allowed a range from low to high, as \"500-599\"; write two numbers, or one without quotes";

    NoClip: "missing_option", "$n is missing, and needed with on_timeout; write {\"clip\": {\"min_attempt\": \"100ms\"}}";
    NoWindow: "missing_option",
        "$n is missing, and needed with mode window; write how far a hint may move our own delay, as in \"5s\"";
    EmptyJitter: "missing_option", "$n is an empty map, allowed one of proportional and additive; write {\"proportional\": 0.2}";
    EmptyList: "empty_list", "$n is an empty list, allowed 1 to 64 delays; write at least one, the last repeats";
    TooManyDelays: "too_many", "$n has more than 64 delays, allowed 1 to 64; shorten it, the last delay repeats";
    TooManyRules: "too_many", "$n has more than 32 rules, allowed up to 32; join some by a range";
    TextTooLong: "text_too_long", "$n has $a bytes, allowed 2048 in all rules together; shorten it";
    NoMatch: "rule_without_match",
        "$n names no code and no body_contains, allowed one or both; add {\"http\": 500} or the like";
    NoEffect: "rule_without_effect",
        "$n sets neither class nor sent, allowed one or both; add \"class\": \"permanent\" or the like";

    MaxWithoutLimit: "meaningless_option",
        "$n has no effect while hint.mode is window or ignore; remove it, or use mode floor or exact";
    WindowWithoutMode: "meaningless_option",
        "$n has no effect while hint.mode is not window; remove it, or use mode window";
    ResetsWithoutHint: "meaningless_option", "$n has no effect while hint.mode is ignore; remove it, or use another mode";
    DelayWithList: "meaningless_option",
        "$n has no effect while backoff is a list of delays; remove it, or change the list's first delay";
    FactorWithoutGrowth: "meaningless_option",
        "$n has no effect while backoff is not exponential; remove it, or use backoff exponential";
    FactorWithDecorrelated: "meaningless_option",
        "$n has no effect while jitter is decorrelated; remove it, or use another jitter";
    DecorrelatedWithBackoff: "meaningless_option",
        "$n decorrelated grows by itself, so backoff has no effect; remove backoff, or use another jitter";
    ClipWithoutTimeout: "meaningless_option", "$n has no effect while timeout is null; set timeout, or remove on_timeout";

    ForeverWithLimit: "forever_with_limit",
        "$n is written beside forever: true, which sets attempts and timeout to null; remove one of the two";
    Unlimited: "unlimited_without_timeout",
        "attempts is null and timeout is null, allowed one of them; set timeout, or write forever: true if you mean it";
    MinAttemptTooLong: "min_attempt_too_long", "$n is $A, allowed below timeout $B; raise timeout or lower min_attempt";
    MaxBelowInitial: "max_delay_below_initial", "$n is $A, below initial $B; raise max_delay or lower initial";
    ElementAboveMax: "element_above_max_delay", "$n is $A, above max_delay $B; raise max_delay or lower this delay";
    ClassInitialAboveMax: "class_initial_above_max_delay",
        "$n is $A, above max_delay $B; raise max_delay or lower this delay";
    ClassAttemptsAboveAttempts: "class_attempts_above_attempts",
        "$n is $a, allowed up to attempts $b; raise attempts or lower this limit";
    TooSlowToGrow: "factor_too_small",
        "$n is $m, too small to reach max_delay $B in 64 retries; raise factor or initial, or lower max_delay or attempts";
    NoAdditive: "jitter_cannot_spread",
        "$n is additive 0s, which spreads nothing, allowed above 0s; write a longer time, or jitter \"none\"";
    AdditiveAboveMax: "jitter_cannot_spread", "$n is additive $A, allowed below max_delay $B; raise max_delay or lower it";
    NoProportional: "jitter_cannot_spread",
        "$n is proportional 0, which spreads nothing, allowed above 0 to 1; write 0.2, or jitter \"none\"";
    ProportionalTooSmall: "jitter_cannot_spread",
        "$n is proportional $m, less than a microsecond of the smallest delay; raise one of the two";
    DecorrelatedWithoutRoom: "jitter_cannot_spread",
        "$n is decorrelated and initial equals max_delay $B, which leaves nothing to draw; raise max_delay or lower initial";
}
