//! Settings of other libraries as policies, with what a reviewer would say of the original.
//!
//! Each source has a file that knows its names, kinds, defaults and formulas. Nothing is dropped silently: what a policy
//! cannot express is a finding. Source of the formulas: SEMANTICS 1 to 6, and the libraries in the versions named there.

mod aws;
mod draft;
pub(crate) mod grpc;
mod p_retry;
mod reading;
mod stamina;
mod tenacity;
mod urllib3;
mod waits;

use crate::failure::names;
use crate::format::{Path, Problem, tape::Node};
use crate::lint::{self, Finding};
use crate::policy::Policy;
use crate::text::Text;
pub(crate) use reading::NOT_CONVERTED;
use reading::Reading;

/// Whose settings they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// stamina's keyword arguments; times in seconds.
    Stamina = 0,
    /// What a tenacity object is made of, by the names of its classes and their arguments; times in seconds.
    Tenacity = 1,
    /// The arguments of `urllib3.Retry`; times in seconds.
    Urllib3 = 2,
    /// A gRPC service config.
    Grpc = 3,
    /// p-retry's options; times in milliseconds.
    PRetry = 4,
    /// Environment variables of AWS' SDKs; others are not looked at.
    Aws = 5,
}

names!(Source {
    Stamina = "stamina", Tenacity = "tenacity", Urllib3 = "urllib3", Grpc = "grpc", PRetry = "p-retry", Aws = "aws",
});

/// Settings that are a policy now.
pub struct Conversion<'t> {
    /// Whose settings they were.
    pub source: Source,
    /// What they come to here.
    pub policy: Policy,
    settings: Node<'t>,
}

impl<'t> Conversion<'t> {
    /// The policy that the settings on `tape` come to, or None after every mistake in them was handed to `problem`.
    ///
    /// ```
    /// use undaunted::convert::{Conversion, Source};
    /// use undaunted::{Policy, tape::Writer};
    ///
    /// let mut tape = Vec::new();
    /// let mut write = |bytes: &[u8]| tape.extend_from_slice(bytes);
    /// let mut writer = Writer::new(&mut write);
    /// writer.map();
    /// writer.end_map();
    /// let conversion = Conversion::read(Source::Stamina, &tape, &mut |_| {}).expect("stamina's defaults");
    /// assert_eq!(conversion.policy, Policy::preset("stamina").expect("a preset"));
    /// let mut codes = Vec::new();
    /// conversion.findings(&mut |finding| codes.push(finding.code));
    /// assert!(codes.contains(&"jitter-collapses-at-cap"));
    /// ```
    pub fn read(source: Source, tape: &'t [u8], problem: &mut dyn FnMut(&Problem)) -> Option<Conversion<'t>> {
        let settings = Node::read(tape);
        let policy = run(source, settings, problem, &mut |_| {})?;
        Some(Conversion { source, policy, settings })
    }

    /// Tells every finding on the original, with pointers into it, in the order in which they are made.
    pub fn findings(&self, tell: &mut dyn FnMut(&Finding)) {
        run(self.source, self.settings, &mut |_| {}, tell);
    }

    /// Policy and findings for a reader.
    pub fn text(&self, out: &mut dyn FnMut(&[u8])) {
        Text::new(out).text("from ").text(self.source.as_str()).text("\n\n");
        self.policy.dump(out);
        out(b"\n\n");
        lint::write_all(&mut |tell| self.findings(tell), out);
    }

    /// One object: source, policy, findings.
    pub fn json(&self, out: &mut dyn FnMut(&[u8])) {
        Text::new(out).text("{\"source\":\"").text(self.source.as_str()).text("\",\"policy\":");
        self.policy.dump(out);
        out(b",\"findings\":");
        lint::write_json(&mut |tell| self.findings(tell), out);
        out(b"}");
    }
}

fn run(
    source: Source,
    settings: Node,
    problem: &mut dyn FnMut(&Problem),
    tell: &mut dyn FnMut(&Finding),
) -> Option<Policy> {
    let (name, read): (_, fn(&mut Reading, &Path, Node)) = match source {
        Source::Stamina => ("stamina's settings", stamina::read),
        Source::Tenacity => ("tenacity's settings", tenacity::read),
        Source::Urllib3 => ("urllib3's settings", urllib3::read),
        Source::Grpc => ("the service config", grpc::read),
        Source::PRetry => ("p-retry's options", p_retry::read),
        Source::Aws => ("the environment", aws::read),
    };
    let mut reading = Reading::new(problem, tell);
    read(&mut reading, &Path::root(name), settings);
    reading.policy()
}
