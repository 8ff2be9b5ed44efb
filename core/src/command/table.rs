//! The commands: what each does, its files and its options.

use crate::convert::Source;

/// A command, and what it takes.
pub(super) struct Command {
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Its files by the names in the help, how many of them must be there, and what they are.
    pub files: &'static [&'static str],
    pub needed: usize,
    /// Whether failures in a few words come after the files.
    pub has_steps: bool,
    pub options: &'static [&'static [Opt]],
}

/// An option: its name as in policies, the word in the help that stands for its value, and what it means.
pub(super) struct Opt {
    pub name: &'static str,
    pub value: Value,
    pub about: &'static str,
}

pub(super) enum Value {
    /// It is there or not.
    Flag,
    /// Text, by the word for it in the help.
    Text(&'static str),
    /// One of these.
    Words(&'static str),
    /// 64 bits in decimal, which not every parser of JSON keeps: handed on as text.
    Seed,
    /// One of a machine's ports: handed on as text, too.
    Port,
}

const fn option(name: &'static str, value: Value, about: &'static str) -> Opt {
    Opt { name, value, about }
}

pub(super) static ALWAYS: &[Opt] =
    &[option("json", Value::Flag, "one line of JSON in place of the text"), option("help", Value::Flag, "this text")];
static SEEDS: &[Opt] = &[
    option("seed", Value::Seed, "what waits are drawn from, 0 to 2^64 - 1; default 1"),
    option("call", Value::Text("NUMBER"), "which call of the seed, from 1; default 1"),
    option("call_seed", Value::Seed, "the seed of the call itself, as events have it, in place of these two"),
];
static SEED: &[Opt] = &[option("seed", Value::Seed, "0 to 2^64 - 1; default 1")];
static ATTEMPTS: &[Opt] = &[option(
    "attempts",
    Value::Text("COUNT"),
    "how far to look, 1 to 1000; default the policy's own, 10 without a limit",
)];
static FAIL_ON: &[Opt] = &[option(
    "fail_on",
    Value::Words("error warning info never "),
    "from which level of finding on the exit code is 1: error (default), warning, info or never",
)];
static DIFFERENCE: &[Opt] = &[option("exit_code", Value::Flag, "exit code 1 if the policies differ")];
static FROM: &[Opt] = &[option(
    "from",
    Value::Words(Source::WORDS),
    "whose settings they are: stamina, tenacity, urllib3, grpc, p-retry or aws (without SETTINGS the environment)",
)];
static DURATION: &[Opt] =
    &[option("attempt_duration", Value::Text("TIME"), "how long each attempt lasts, as 200ms; default 0s")];
static FAILURE_RATE: &[Opt] =
    &[option("failure_rate", Value::Text("SHARE"), "of attempts that fail, 0 to 1; default 0.1")];
static ANALYSIS: &[Opt] = &[
    option("layers", Value::Text("COUNT"), "of services that retry each other with this policy, 1 to 10; default 3"),
    option("calls", Value::Text("COUNT"), "of a chain that must all succeed, 1 to 1000000; default 1"),
    option("repeats", Value::Text("COUNT"), "how often the chain is tried, 1 to 1000000; default 1"),
    option(
        "class",
        Value::Text("CLASS"),
        "of the failures: transient (default), throttle, timeout, connect or conflict",
    ),
    option(
        "calls_per_second",
        Value::Text("NUMBER"),
        "that share the budget; default so many that a window's reserve is nothing",
    ),
    option("quantiles", Value::Flag, "the times of more shares of calls, from 10 % to 99.99 %"),
];
static HERD: &[Opt] = &[
    option("clients", Value::Text("COUNT"), "that fail together, 1 to 1000000; default 10000"),
    option("window", Value::Text("TIME"), "in which retries are counted; default 100ms"),
    option("windows", Value::Text("COUNT"), "1 to 6000; default 1200"),
    option("outage", Value::Text("TIME"), "after which the server recovers; default never"),
    option("capacity", Value::Text("COUNT"), "requests that it answers in each window then; default all"),
    option(
        "processes",
        Value::Text("COUNT"),
        "that the clients are spread over, each with a budget; 1 to 1000; default 1",
    ),
];
static OUTAGE: &[Opt] = &[
    option("calls_per_second", Value::Text("NUMBER"), "that begin, evenly spaced; default 100, at most 1000000 in all"),
    option("duration", Value::Text("TIME"), "for which calls begin and are followed; default 60s"),
    option("outage_at", Value::Text("TIME"), "when the server begins to fail; default 10s"),
    option("outage", Value::Text("TIME"), "for how long it fails; default 20s"),
    option("capacity", Value::Text("COUNT"), "requests that it answers in each window at other times; default all"),
    option("window", Value::Text("TIME"), "in which attempts are counted; default 250ms, at most 6000 in all"),
    option(
        "processes",
        Value::Text("COUNT"),
        "that the calls are spread over, each with a budget and a breaker; 1 to 1000; default 1",
    ),
];
static STATUS: &[Opt] = &[
    option("status", Value::Text("NUMBER"), "what the server answers; default 503"),
    option("hint", Value::Text("TIME"), "the wait that it asks for; default none"),
];
static LOSS: &[Opt] = &[
    option("p", Value::Text("SHARE"), "of requests that make a good channel bad, 0 to 1; default 0.01"),
    option("r", Value::Text("SHARE"), "of requests that make a bad one good; default 0.1"),
    option("h", Value::Text("SHARE"), "of requests that get through a bad channel; default 0.5"),
    option("k", Value::Text("SHARE"), "of requests that get through a good one; default 1"),
    option("calls", Value::Text("COUNT"), "of a chain that must all get through, 1 to 10000; default 10"),
    option("repeats", Value::Text("COUNT"), "how often the chain is tried, 1 to 1000; default 1"),
    option("attempts", Value::Text("COUNT"), "of each call, 1 to 100; default 3"),
    option("trials", Value::Text("COUNT"), "chains that are followed, 1 to 1000000; default 10000"),
];
static LAYERS: &[Opt] = &[
    option("layers", Value::Text("COUNT"), "1 to 10; default 3"),
    option("calls", Value::Text("COUNT"), "1 to 1000000; default 1000"),
    option("failure_rate", Value::Text("SHARE"), "of requests at the bottom that fail, 0 to 1; default 1"),
];
static PREVIEW: &[Opt] = &[
    option("port", Value::Port, "on which the page is served; default 0, any that is free"),
    option("watch", Value::Flag, "an edit of the file shows in the page at once"),
    option("no_open", Value::Flag, "no browser is opened"),
];

pub(super) static COMMANDS: [Command; 11] = [
    Command {
        name: "schedule",
        about: "The wait before each retry: at least, half of the time, in 99 of 100 calls, at most, and of one call.",
        options: &[ATTEMPTS, SEEDS],
        ..ON_A_POLICY
    },
    Command { name: "lint", about: "What a reviewer would say of a policy.", options: &[FAIL_ON], ..ON_A_POLICY },
    Command {
        name: "analyse",
        about: "What becomes of calls whose attempts fail now and then: success, load, waits.",
        options: &[FAILURE_RATE, DURATION, ANALYSIS],
        ..ON_A_POLICY
    },
    Command {
        name: "simulate",
        about: "What becomes of clients that fail together and come back as the policy says.",
        options: &[HERD, STATUS, SEED],
        ..ON_A_POLICY
    },
    Command {
        name: "simulate-layers",
        about: "What layers of services that retry each other under one policy make of calls.",
        options: &[LAYERS, STATUS, SEED],
        ..ON_A_POLICY
    },
    Command {
        name: "simulate-outage",
        about: "What becomes of steady traffic over an outage and after it.",
        options: &[OUTAGE, STATUS, SEED],
        ..ON_A_POLICY
    },
    Command {
        name: "simulate-loss",
        about: "What becomes of chains of requests over a lossy network (Gilbert and Elliott).",
        files: &[],
        needed: 0,
        options: &[LOSS, SEED],
        ..ON_A_POLICY
    },
    Command {
        name: "explain",
        about: "Why the failures of one call are retried or given up, with every term that counts.",
        has_steps: true,
        options: &[DURATION, SEEDS],
        ..ON_A_POLICY
    },
    Command {
        name: "diff",
        about: "What changes from one policy to another: options, figures, findings.",
        files: &["BEFORE", "AFTER"],
        needed: 2,
        options: &[FAILURE_RATE, DURATION, DIFFERENCE],
        ..ON_A_POLICY
    },
    Command {
        name: "convert",
        about: "The policy that settings of another library come to, and findings on the original.",
        files: &[SETTINGS],
        needed: 0,
        options: &[FROM, FAIL_ON],
        ..ON_A_POLICY
    },
    Command {
        name: "preview",
        about: "A page to choose a policy by looking at it: served to this machine alone, until Ctrl-C.",
        files: &[PREVIEWED],
        needed: 0,
        options: &[PREVIEW],
        ..ON_A_POLICY
    },
];

const ON_A_POLICY: Command =
    Command { name: "", about: "", files: &["FILE"], needed: 1, has_steps: false, options: &[] };
pub(super) const POLICY: &str = "a policy as JSON, - for standard input, or preset:NAME";
pub(super) const SETTINGS: &str = "SETTINGS";
pub(super) const PREVIEWED: &str = "POLICY";
