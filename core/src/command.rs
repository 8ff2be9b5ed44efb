//! The command line: what its arguments ask for, the help, and how far a long work has come. Files and screens are the host's.

mod table;

use core::num::NonZeroU64;

use crate::explain::step;
use crate::format::print_text;
use crate::text::{Text, cut};
use crate::words::Parts;
use table::{ALWAYS, COMMANDS, Command, Opt, POLICY, PREVIEWED, SETTINGS, Value};

/// What the arguments of a command line come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invocation {
    /// A text for standard output: the help, or the version.
    Say,
    /// A sentence for standard error: the arguments are none, and the exit code is 2.
    Refuse,
    /// One object in JSON: the `command`, its `files`, its `steps` as an explanation takes failures, and its `options` by name, values as
    /// the readers of options take them.
    Run,
}

/// Writes what `arguments` ask for, those after the name of the program, each ended by a byte of 0.
///
/// ```
/// use undaunted::command::{Invocation, invoke};
///
/// let mut json = Vec::new();
/// let mut write = |piece: &[u8]| json.extend_from_slice(piece);
/// assert_eq!(invoke("lint\0retry.json\0--json\0", "1.0", &mut write), Invocation::Run);
/// assert_eq!(json, br#"{"command":"lint","files":["retry.json"],"steps":[],"options":{"json":true}}"#);
/// ```
pub fn invoke(arguments: &str, version: &str, out: &mut dyn FnMut(&[u8])) -> Invocation {
    let text = &mut Text::new(out);
    let mut all = Arguments { rest: arguments };
    let command = match all.next() {
        None | Some("--help" | "-h" | "help") => {
            overview(text);
            return Invocation::Say;
        }
        Some("--version" | "-V") => {
            text.text("undaunted ").text(version).text("\n");
            return Invocation::Say;
        }
        Some(name) => COMMANDS.iter().find(|command| command.name == name).ok_or(name),
    };
    let command = match command {
        Ok(command) => command,
        Err(name) => {
            quoted(text.text("undaunted: "), name).text(" is no command, allowed ");
            listed(text, COMMANDS.iter().map(|command| command.name)).text("; run undaunted --help\n");
            return Invocation::Refuse;
        }
    };
    if all.clone().take_while(|argument| *argument != "--").any(|argument| matches!(argument, "--help" | "-h")) {
        command.help(text);
        return Invocation::Say;
    }
    let parsed = Parsed { command, rest: all, is_plain: false };
    if let Some(mistake) = parsed.clone().find_map(Result::err).or_else(|| parsed.missing()) {
        mistake.tell(command, text);
        return Invocation::Refuse;
    }
    parsed.write(text);
    Invocation::Run
}

/// Writes how far a long work has come: a bar for one line of a terminal, to be written over the one before.
pub fn progress(done: u64, all: u64, out: &mut dyn FnMut(&[u8])) {
    let text = &mut Text::new(out);
    let share = |of: u64| NonZeroU64::new(all).map_or(of, |all| done.min(all.get()).saturating_mul(of) / all);
    (0..BAR).for_each(|cell| _ = text.text(if cell < share(BAR) { "█" } else { "░" }));
    text.text(" ").number(share(100)).text(" %");
}

/// One argument, or an option with its value.
enum Argument<'a> {
    Plain(&'a str),
    Option(&'static Opt, &'a str),
}

enum Mistake<'a> {
    NoSuchOption(&'a str),
    NoValue(&'static Opt),
    NotAllowed(&'static Opt, &'a str),
    NeedlessValue(&'static Opt),
    Twice(&'static Opt),
    NoFile(&'static str),
    TooMany(&'a str),
    NotAStep(&'a str),
    Early,
}

/// Each ended by 0.
#[derive(Clone)]
struct Arguments<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Arguments<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let (argument, rest) = cut(self.rest, 0);
        self.rest = rest?;
        Some(argument)
    }
}

/// The arguments after the command, one by one.
#[derive(Clone)]
struct Parsed<'a> {
    command: &'static Command,
    rest: Arguments<'a>,
    /// Whether no options can come any more.
    is_plain: bool,
}

impl<'a> Iterator for Parsed<'a> {
    type Item = Result<Argument<'a>, Mistake<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let argument = self.rest.next()?;
        if argument == "--" && !self.is_plain {
            self.is_plain = true;
            return self.next();
        }
        let Some(written) = argument.strip_prefix("--").filter(|_| !self.is_plain) else {
            return Some(Ok(Argument::Plain(argument)));
        };
        let (name, value) = cut(written, b'=');
        let Some(option) = self.command.all_options().find(|option| is_name(option.name, name)) else {
            return Some(Err(Mistake::NoSuchOption(argument)));
        };
        if let Value::Flag = option.value {
            return Some(value.map_or(Ok(Argument::Option(option, "")), |_| Err(Mistake::NeedlessValue(option))));
        }
        let Some(value) = value.or_else(|| self.rest.next()) else {
            return Some(Err(Mistake::NoValue(option)));
        };
        let is_right = match option.value {
            Value::Words(words) => Parts::words(words).any(|word| word == value),
            Value::Seed => value.bytes().all(|byte| byte.is_ascii_digit()) && value.parse::<u64>().is_ok(),
            Value::Port => is_number(value) && value.parse::<u64>().is_ok_and(|port| port <= PORTS),
            Value::Flag | Value::Text(_) => true,
        };
        Some(if is_right { Ok(Argument::Option(option, value)) } else { Err(Mistake::NotAllowed(option, value)) })
    }
}

impl<'a> Parsed<'a> {
    fn arguments(&self) -> impl Iterator<Item = Argument<'a>> + Clone {
        self.clone().filter_map(Result::ok)
    }

    fn plain(&self) -> impl Iterator<Item = &'a str> + Clone {
        self.arguments().filter_map(|argument| match argument {
            Argument::Plain(text) => Some(text),
            Argument::Option(..) => None,
        })
    }

    /// What comes after the files.
    fn steps(&self) -> impl Iterator<Item = &'a str> + Clone {
        self.plain().skip(self.command.files.len())
    }

    fn options(&self) -> impl Iterator<Item = (&'static Opt, &'a str)> {
        self.arguments().filter_map(|argument| match argument {
            Argument::Plain(_) => None,
            Argument::Option(option, value) => Some((option, value)),
        })
    }

    /// What is wrong with all of them together.
    fn missing(&self) -> Option<Mistake<'a>> {
        for (place, (option, _)) in self.options().enumerate() {
            if self.options().take(place).any(|(before, _)| before.name == option.name) {
                return Some(Mistake::Twice(option));
            }
        }
        let given = self.plain().count();
        if given < self.command.needed {
            return self.command.files.get(given).map(|file| Mistake::NoFile(file));
        }
        let mut steps = self.steps();
        if !self.command.has_steps {
            return steps.next().map(Mistake::TooMany);
        }
        let wrong = steps.clone().find(|text| !step(text, &mut |_| {}));
        let last = steps.clone().count().saturating_sub(1);
        let is_early = steps.take(last).any(|text| text == "ok");
        wrong.map(Mistake::NotAStep).or(is_early.then_some(Mistake::Early))
    }

    fn write(&self, text: &mut Text) {
        let files = self.command.files.len();
        text.text("{\"command\":\"").text(self.command.name).text("\",\"files\":[");
        for (place, file) in self.plain().take(files).enumerate() {
            quoted(text.text(if place == 0 { "" } else { "," }), file);
        }
        text.text("],\"steps\":[");
        // The success at the end is what comes after the last failure anyway.
        for (place, failure) in self.steps().filter(|text| *text != "ok").enumerate() {
            text.text(if place == 0 { "" } else { "," });
            step(failure, &mut |piece| _ = text.bytes(piece));
        }
        text.text("],\"options\":{");
        for (place, (option, value)) in self.options().enumerate() {
            text.text(if place == 0 { "\"" } else { ",\"" }).text(option.name).text("\":");
            match option.value {
                Value::Flag => text.text("true"),
                Value::Text(_) if is_number(value) && value.len() < DIGITS => text.text(shortest(value)),
                _ => quoted(text, value),
            };
        }
        text.text("}}");
    }
}

impl Mistake<'_> {
    fn tell(&self, command: &Command, text: &mut Text) {
        text.text("undaunted: ");
        match self {
            Mistake::NoSuchOption(argument) => {
                quoted(text.text(command.name).text(" has no option "), argument).text(", allowed ");
                let mut is_first = true;
                for option in command.all_options() {
                    text.text(if is_first { "" } else { ", " });
                    written(text, option);
                    is_first = false;
                }
            }
            Mistake::NoValue(option) => {
                written(text, option);
                text.text(" has no value, allowed ");
                option.allowed(text);
            }
            Mistake::NotAllowed(option, value) => {
                written(text, option);
                quoted(text.text(" is "), value).text(", allowed ");
                option.allowed(text);
            }
            Mistake::NeedlessValue(option) => {
                written(text, option);
                text.text(" takes no value; write it alone");
            }
            Mistake::Twice(option) => {
                written(text, option);
                text.text(" is given twice; remove one");
            }
            Mistake::NoFile(file) => _ = text.text(file).text(" is missing"),
            Mistake::TooMany(argument) => {
                quoted(text.text(command.name).text(" takes no "), argument).text(" as well");
            }
            Mistake::NotAStep(argument) => _ = step(argument, &mut |piece| _ = text.bytes(piece)),
            Mistake::Early => _ = text.text("ok ends the call, but failures come after it; write it last"),
        }
        text.text("; run undaunted ").text(command.name).text(" --help\n");
    }
}

impl Opt {
    fn allowed(&self, text: &mut Text) {
        match self.value {
            Value::Flag => {}
            Value::Text(name) => _ = text.text(name),
            Value::Words(words) => _ = listed(text, Parts::words(words)),
            Value::Seed => _ = text.text("0 to 2^64 - 1"),
            Value::Port => _ = text.text("0 to ").number(PORTS),
        }
    }

    fn placeholder(&self, text: &mut Text) {
        match self.value {
            Value::Flag => {}
            Value::Text(name) => _ = text.text(name),
            Value::Words(_) => _ = text.text("WORD"),
            Value::Seed | Value::Port => _ = text.text("NUMBER"),
        }
    }
}

impl Command {
    fn all_options(&self) -> impl Iterator<Item = &'static Opt> + use<> {
        self.options.iter().chain([&ALWAYS]).flat_map(|options| options.iter())
    }

    fn help(&self, text: &mut Text) {
        text.text("undaunted ").text(self.name);
        for (place, file) in self.files.iter().enumerate() {
            text.text(if place < self.needed { " " } else { " [" }).text(file).text(if place < self.needed {
                ""
            } else {
                "]"
            });
        }
        text.text(if self.has_steps { " FAILURE..." } else { "" }).text(" [options]\n\n");
        text.text(self.about).text("\n\n");
        for file in self.files {
            let about = match *file {
                SETTINGS => "settings of another library as JSON, or - for standard input",
                PREVIEWED => "a policy file, there or yet to be made, -, or preset:NAME; default no file",
                _ => POLICY,
            };
            text.text("  ").text(file).to(HELP).text(about).text("\n");
        }
        if self.has_steps {
            text.text("  FAILURE")
                .to(HELP)
                .text("503, reset, \"429 + hint 2s\", \"postgres 40001\", ...; the attempt after the last succeeds\n");
        }
        for option in self.all_options() {
            written(text.text("  "), option);
            text.text(" ");
            option.placeholder(text);
            text.to(HELP).text(option.about).text("\n");
        }
    }
}

fn overview(text: &mut Text) {
    text.text(
        "undaunted COMMAND [arguments]\n\nRetry policies on the command line: the same answers as in the program.\n\n",
    );
    for command in &COMMANDS {
        text.text("  ").text(command.name).to(OVERVIEW).text(command.about).text("\n");
    }
    text.text("\nundaunted COMMAND --help tells more; undaunted --version which version this is.\n");
    text.text(
        "Exit codes: 0, 1 if lint, convert or diff found what they were to find, 2 if something could not be read.\n",
    );
}

/// An option as it is written: `--failure-rate`.
fn written(text: &mut Text, option: &Opt) {
    text.text("--");
    option.name.bytes().for_each(|byte| _ = text.bytes(&[if byte == b'_' { b'-' } else { byte }]));
}

fn is_name(name: &str, written: &str) -> bool {
    name.len() == written.len()
        && name
            .bytes()
            .zip(written.bytes())
            .all(|(one, other)| one == other && one != b'_' || (one, other) == (b'_', b'-'))
}

fn quoted<'t, 'o>(text: &'t mut Text<'o>, value: &str) -> &'t mut Text<'o> {
    print_text(value.as_bytes(), &mut |piece| _ = text.bytes(piece));
    text
}

/// `a, b or c`.
fn listed<'t, 'o>(text: &'t mut Text<'o>, words: impl Iterator<Item = &'static str> + Clone) -> &'t mut Text<'o> {
    let count = words.clone().count();
    for (place, word) in words.enumerate() {
        text.text(if place == 0 {
            ""
        } else if place + 1 == count {
            " or "
        } else {
            ", "
        })
        .text(word);
    }
    text
}

/// A number as JSON has it.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = cut(digits, b'.');
    let fraction = fraction.unwrap_or("0");
    let are_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    are_digits(whole) && are_digits(fraction) && (whole == "0" || !whole.starts_with('0'))
}

/// Without zeros at the end of a fraction.
fn shortest(number: &str) -> &str {
    let (whole, Some(fraction)) = cut(number, b'.') else { return number };
    let zeros = fraction.bytes().rev().take_while(|byte| *byte == b'0').count();
    let end = if zeros == fraction.len() { whole.len() } else { number.len() - zeros };
    number.get(..end).unwrap_or(number)
}

/// Where the columns of help begin.
const OVERVIEW: usize = 19;
const HELP: usize = 30;
/// Numbers of so many letters are handed on as text: not every parser of JSON keeps them.
const DIGITS: usize = 16;
/// The last port.
const PORTS: u64 = 65_535;
/// Cells of a progress bar.
const BAR: u64 = 32;
