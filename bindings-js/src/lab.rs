//! What a person choosing a policy asks, each answered as text and as JSON: one after the other in the output area, their
//! lengths in the numbers.

use undaunted::Problem;
use undaunted::analysis::{LadderOptions, Options};
use undaunted::convert::{Conversion, Source};
use undaunted::explain::Script;
use undaunted::export::Target;
use undaunted::lint::HedgeLint;

use crate::area::{Input, OTHER_AREA, Output, POLICY_AREA, ROOM_AREA};
use crate::convert::notation;
use crate::{answer, tell_of};

exports! {
    /// What becomes of calls with the policy in use. The input area holds a tape with the conditions; answers how many
    /// problems these have.
    fn analyse(len: u32, notation_number: u32) -> u32 {
        let mut problems = 0;
        let read = Options::read(Input::new().take(len), notation(notation_number), &mut |_| problems += 1);
        if let (Some(options), Some(policy)) = (read, POLICY_AREA.get()) {
            let analysis = policy.analyse(&options, ROOM_AREA.get());
            report(|out| analysis.text(out), |out| analysis.json(out));
        }
        problems
    }

    /// Problem number `index` (from 0) of the conditions that `analyse` refused: as `problem`.
    fn analysis_problem(len: u32, notation_number: u32, index: u32) {
        tell_of(index, |tell| _ = Options::read(Input::new().take(len), notation(notation_number), tell));
    }

    /// Remembers the policy in use as the one before, for `diff`.
    fn keep_before() {
        *OTHER_AREA.get() = *POLICY_AREA.get();
    }

    /// What changes from the policy that was kept to the one in use; conditions and answer as of `analyse`.
    fn diff(len: u32, notation_number: u32) -> u32 {
        let mut problems = 0;
        let read = Options::read(Input::new().take(len), notation(notation_number), &mut |_| problems += 1);
        if let (Some(options), Some(before), Some(after)) = (read, OTHER_AREA.get(), POLICY_AREA.get()) {
            let difference = before.diff(after, &options, ROOM_AREA.get());
            report(|out| difference.text(out), |out| difference.json(out));
        }
        problems
    }

    /// Every decision of one call under the policy in use. The input area holds a tape with the script; answers how many
    /// problems this has.
    fn explain(len: u32, notation_number: u32) -> u32 {
        let mut problems = 0;
        let read = Script::read(Input::new().take(len), notation(notation_number), &mut |_| problems += 1);
        if let (Some(script), Some(policy)) = (read, POLICY_AREA.get()) {
            let explanation = policy.explain(&script.options, script.failures());
            report(|out| explanation.text(out), |out| explanation.json(out));
        }
        problems
    }

    /// Problem number `index` (from 0) of the script that `explain` refused: as `problem`.
    fn script_problem(len: u32, notation_number: u32, index: u32) {
        tell_of(index, |tell| _ = Script::read(Input::new().take(len), notation(notation_number), tell));
    }

    /// The waits before each retry under the policy in use. The input area holds a tape with the options; answers how many
    /// problems these have.
    fn ladder(len: u32, notation_number: u32) -> u32 {
        let mut problems = 0;
        let read = LadderOptions::read(Input::new().take(len), notation(notation_number), &mut |_| problems += 1);
        if let (Some(options), Some(policy)) = (read, POLICY_AREA.get()) {
            let ladder = policy.ladder(options);
            report(|out| ladder.text(ROOM_AREA.get(), out), |out| ladder.json(ROOM_AREA.get(), out));
        }
        problems
    }

    /// Problem number `index` (from 0) of the options that `ladder` refused: as `problem`.
    fn ladder_problem(len: u32, notation_number: u32, index: u32) {
        tell_of(index, |tell| _ = LadderOptions::read(Input::new().take(len), notation(notation_number), tell));
    }

    /// What a reviewer would say of the policy in use.
    fn lint() {
        if let Some(policy) = POLICY_AREA.get() {
            report(|out| policy.lint_text(out), |out| policy.lint_json(out));
        }
    }

    /// What a reviewer would say of a hedge. The input area holds a tape with its options; answers how many problems these have.
    fn lint_hedge(len: u32, notation_number: u32) -> u32 {
        let mut problems = 0;
        let read = HedgeLint::read(Input::new().take(len), notation(notation_number), &mut |_| problems += 1);
        if let Some(lint) = read {
            report(|out| lint.text(out), |out| lint.json(out));
        }
        problems
    }

    /// Problem number `index` (from 0) of the options that `lint_hedge` refused: as `problem`.
    fn hedge_problem(len: u32, notation_number: u32, index: u32) {
        tell_of(index, |tell| _ = HedgeLint::read(Input::new().take(len), notation(notation_number), tell));
    }

    /// What settings of another library come to, by the number of the library. The input area holds a tape with them; answers
    /// how many problems they have.
    fn convert(source: u32, len: u32) -> u32 {
        let mut problems = 0;
        if let Some(conversion) = converted(source, len, &mut |_| problems += 1) {
            report(|out| conversion.text(out), |out| conversion.json(out));
        }
        problems
    }

    /// Problem number `index` (from 0) of the settings that `convert` refused: as `problem`.
    fn conversion_problem(source: u32, len: u32, index: u32) {
        tell_of(index, |tell| _ = converted(source, len, tell));
    }

    /// The policy in use as others write it, by the number of the target.
    fn export_as(target: u32) {
        if let (Some(target), Some(policy)) = (Target::from_number(target), POLICY_AREA.get()) {
            let export = policy.export(target);
            report(|out| export.text(out), |out| export.json(out));
        }
    }
}

fn converted(source: u32, len: u32, problem: &mut dyn FnMut(&Problem)) -> Option<Conversion<'static>> {
    Conversion::read(Source::from_number(source)?, Input::new().take(len), problem)
}

pub fn report(text: impl FnOnce(&mut dyn FnMut(&[u8])), json: impl FnOnce(&mut dyn FnMut(&[u8]))) {
    let mut output = Output::new();
    text(&mut |piece| output.push(piece));
    let len = output.len();
    json(&mut |piece| output.push(piece));
    answer(&[len, output.len() - len].map(f64::from));
}
