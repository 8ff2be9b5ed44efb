//! A policy as others write it: as a file, as code, as the settings of other systems, with a finding for what they cannot
//! say or say otherwise.
//!
//! Source of what each system does: SEMANTICS 1 to 15, gRPC's proposal A6, curl's manual, Envoy's `RetryPolicy`, and the
//! SDKs' and tools' reference of AWS.

mod code;
mod remarks;
mod shortest;
mod system;

use crate::failure::names;
use crate::lint::{self, Finding};
use crate::policy::Policy;
use crate::text::Text;
use code::Writing;

/// What a policy is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A policy file.
    Json = 0,
    /// A program in Python.
    Python = 1,
    /// A module in TypeScript.
    TypeScript = 2,
    /// A function in Rust, which parses JSON.
    Rust = 3,
    /// A command line.
    Curl = 4,
    /// A service config.
    Grpc = 5,
    /// What a route of Envoy's has: YAML.
    Envoy = 6,
    /// Environment variables of AWS' SDKs.
    Aws = 7,
}

names!(Target {
    Json = "json", Python = "python", TypeScript = "typescript", Rust = "rust", Curl = "curl", Grpc = "grpc",
    Envoy = "envoy", Aws = "aws",
});

/// A policy as others write it.
pub struct Export<'p> {
    /// Whom it is written for.
    pub target: Target,
    policy: &'p Policy,
}

impl Policy {
    /// As others write it.
    ///
    /// ```
    /// use undaunted::{Policy, export::Target};
    ///
    /// let policy = Policy::preset("interactive").expect("a preset");
    /// let export = policy.export(Target::Aws);
    /// let mut text = Vec::new();
    /// export.text(&mut |piece| text.extend_from_slice(piece));
    /// assert_eq!(text, b"AWS_RETRY_MODE=standard\nAWS_MAX_ATTEMPTS=3\n");
    /// let mut pointers = String::new();
    /// export.findings(&mut |finding| finding.pointer(&mut |piece| pointers += std::str::from_utf8(piece).unwrap()));
    /// assert_eq!(pointers, "/timeout/backoff/hint/classes/budget");
    /// ```
    pub fn export(&self, target: Target) -> Export<'_> {
        Export { target, policy: self }
    }
}

impl Export<'_> {
    /// The code alone, to be pasted; it ends with a line.
    pub fn text(&self, out: &mut dyn FnMut(&[u8])) {
        match self.target {
            Target::Json => self.code("", Writing::Json, "\n", out),
            Target::Python => self.code(PYTHON.0, Writing::Python, PYTHON.1, out),
            Target::TypeScript => self.code(TYPESCRIPT.0, Writing::TypeScript, TYPESCRIPT.1, out),
            Target::Rust => self.code(RUST.0, Writing::Rust, RUST.1, out),
            Target::Curl => system::curl(self.policy, &mut Text::new(out)),
            Target::Grpc => system::grpc(self.policy, &mut Text::new(out)),
            Target::Envoy => system::envoy(self.policy, &mut Text::new(out)),
            Target::Aws => system::aws(self.policy, &mut Text::new(out)),
        }
    }

    /// Tells what the target cannot say or says otherwise, in the order of the options.
    pub fn findings(&self, tell: &mut dyn FnMut(&Finding)) {
        remarks::tell(self.policy, self.target, tell);
    }

    /// One object: target, text, findings.
    pub fn json(&self, out: &mut dyn FnMut(&[u8])) {
        Text::new(out).text("{\"target\":\"").text(self.target.as_str()).text("\",\"text\":\"");
        self.text(&mut |piece| {
            for byte in piece {
                match byte {
                    b'\n' => out(b"\\n"),
                    b'"' | b'\\' => out(&[b'\\', *byte]),
                    _ => out(core::slice::from_ref(byte)),
                }
            }
        });
        out(b"\",\"findings\":");
        lint::write_json(&mut |tell| self.findings(tell), out);
        out(b"}");
    }

    fn code(&self, before: &str, writing: Writing, after: &str, out: &mut dyn FnMut(&[u8])) {
        out(before.as_bytes());
        code::write(&shortest::of(self.policy), writing, out);
        out(after.as_bytes());
    }
}

const PYTHON: (&str, &str) = (
    "import undaunted\n\npolicy = undaunted.Policy",
    "\n\n\n@policy\ndef call() -> None:\n    ...  # what may fail for a moment\n",
);
const TYPESCRIPT: (&str, &str) = (
    "import { ok, Policy } from \"undaunted\";\n\nexport const policy = new Policy(",
    ");\n\nexport const get = (url: string) => policy.run(({ signal }) => fetch(url, { signal }).then(ok));\n",
);
const RUST: (&str, &str) = (
    "use undaunted::Policy; // with its feature serde, and serde_json\n\npub fn policy() -> Result<Policy, serde_json::Error> {\n    serde_json::from_str(\n        r#\"",
    "\"#,\n    )\n}\n",
);
