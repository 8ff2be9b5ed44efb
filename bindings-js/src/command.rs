//! The command line, as the core has it: texts in the output area, their length in the numbers.

use undaunted::command::{self, Invocation};
use undaunted::explain;

use crate::answer;
use crate::area::{Input, Output};

exports! {
    /// What the arguments in the input area, each ended by 0, ask for: 0 a text to say, 1 a sentence that refuses them, 2 JSON.
    fn invoke(len: u32) -> u32 {
        let mut invocation = Invocation::Refuse;
        said(|out| invocation = command::invoke(text(len), env!("CARGO_PKG_VERSION"), out));
        match invocation {
            Invocation::Say => 0,
            Invocation::Refuse => 1,
            Invocation::Run => 2,
        }
    }

    /// How far a long work has come, for one line of a terminal.
    fn progress(done: f64, all: f64) {
        said(|out| command::progress(done as u64, all as u64, out));
    }

    /// The failure that a few words in the input area stand for, as JSON; 0 and a sentence if for none.
    fn read_step(len: u32) -> u32 {
        let mut is_right = false;
        said(|out| is_right = explain::step(text(len), out));
        is_right.into()
    }
}

/// Empty if it is not UTF-8.
fn text(len: u32) -> &'static str {
    core::str::from_utf8(Input::new().take(len)).unwrap_or("")
}

fn said(write: impl FnOnce(&mut dyn FnMut(&[u8]))) {
    let mut output = Output::new();
    write(&mut |piece| output.push(piece));
    answer(&[output.len() as f64]);
}
