//! A simulation in slices. One goes on in an instance: a host that wants several makes as many instances.

use undaunted::Problem;
use undaunted::sim::{
    Arrivals, Client, Guard, Herd, HerdOptions, Layers, LayersOptions, Load, Loss, LossOptions, MOST_CLIENTS,
    MOST_PROCESSES, MOST_WINDOWS, Outage, OutageOptions, OutageRoom, Queue, RETRIES, Room,
};
use undaunted::{Budget, Policy};

use crate::area::{Area, Input, POLICY_AREA};
use crate::convert::{notation, number, pair};
use crate::lab::report;
use crate::{answer, tell_of};

exports! {
    /// Begins the simulation of this kind (0 herd, 1 loss, 2 layers, 3 outage), under the policy in use and with budgets and
    /// breakers like those that it describes. The input area holds a tape with the conditions; answers how many problems these have.
    fn simulate(kind: u32, len: u32, notation_number: u32, seed_high: u32, seed_low: u32) -> u32 {
        let mut problems = 0;
        let policy = POLICY_AREA.get().unwrap_or_default();
        let begun = begin(kind, &policy, pair(seed_high, seed_low), len, notation_number, &mut |_| problems += 1);
        *SIMULATION_AREA.get() = begun;
        problems
    }

    /// Problem number `index` (from 0) of the conditions that `simulate` refused: as `problem`.
    fn simulation_problem(kind: u32, len: u32, notation_number: u32, index: u32) {
        tell_of(index, |tell| _ = begin(kind, &Policy::default(), 0, len, notation_number, tell));
    }

    /// Goes on by about `most` attempts: 1 at the end, else 0. In the numbers: how many clients, chains or calls have come to
    /// an end, of how many.
    fn step(most: f64) -> u32 {
        let (is_over, (ended, all)) = go_on(number(most));
        answer(&[ended as f64, all as f64]);
        u32::from(is_over)
    }

    /// What came of it: as of `analyse`.
    fn outcome() {
        let arrivals = ARRIVALS_AREA.get();
        match SIMULATION_AREA.get() {
            Some(Simulation::Herd(herd)) => report(|out| herd.text(arrivals, out), |out| herd.json(arrivals, out)),
            Some(Simulation::Loss(loss)) => report(|out| loss.text(out), |out| loss.json(out)),
            Some(Simulation::Layers(layers)) => report(|out| layers.text(out), |out| layers.json(out)),
            Some(Simulation::Outage(outage)) => {
                let load = LOAD_AREA.get();
                report(|out| outage.text(load, out), |out| outage.json(load, out));
            }
            None => {}
        }
    }
}

#[cfg(feature = "page")]
mod promise {
    use js_sys::{Function, Promise};
    use wasm_bindgen::prelude::wasm_bindgen;
    use wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_futures::JsFuture;

    use super::go_on;
    use crate::convert::number;

    /// Goes on to the end, in slices of about `most` attempts. After each, `progress` is told how many clients, chains or calls have come
    /// to an end, of how many, and the promise that `turn` makes is waited for; what either throws, or that promise rejects with, ends it.
    #[wasm_bindgen]
    pub async fn proceed(most: f64, progress: Function, turn: Function) -> Result<(), JsValue> {
        loop {
            let (is_over, (ended, all)) = go_on(number(most));
            progress.call2(&JsValue::NULL, &(ended as f64).into(), &(all as f64).into())?;
            JsFuture::from(turn.call0(&JsValue::NULL)?.unchecked_into::<Promise>()).await?;
            if is_over {
                return Ok(());
            }
        }
    }
}

fn go_on(most: u64) -> (bool, (u64, u64)) {
    match SIMULATION_AREA.get() {
        Some(Simulation::Herd(herd)) => (herd.step(&mut room(), most), herd.progress()),
        Some(Simulation::Loss(loss)) => (loss.step(most), loss.progress()),
        Some(Simulation::Layers(layers)) => (layers.step(most), layers.progress()),
        Some(Simulation::Outage(outage)) => (outage.step(&mut outage_room(), most), outage.progress()),
        None => (true, (0, 0)),
    }
}

#[allow(clippy::large_enum_variant)]
enum Simulation {
    Herd(Herd),
    Loss(Loss),
    Layers(Layers),
    Outage(Outage),
}

fn begin(
    kind: u32,
    policy: &Policy,
    seed: u64,
    len: u32,
    notation_number: u32,
    problem: &mut dyn FnMut(&Problem),
) -> Option<Simulation> {
    let (tape, notation, budget) = (Input::new().take(len), notation(notation_number), policy.budget());
    Some(match kind {
        0 => {
            let options = HerdOptions::read(tape, notation, problem)?;
            Simulation::Herd(Herd::new(policy, budget.as_ref(), seed, &options, &mut room())?)
        }
        1 => Simulation::Loss(Loss::new(seed, &LossOptions::read(tape, notation, problem)?)),
        2 => {
            let options = LayersOptions::read(tape, notation, problem)?;
            Simulation::Layers(Layers::new(policy, budget.as_ref(), seed, &options))
        }
        _ => {
            let options = OutageOptions::read(tape, notation, problem)?;
            let breaker = policy.breaker(0);
            let room = &mut outage_room();
            Simulation::Outage(Outage::new(policy, budget.as_ref(), breaker.as_ref(), seed, &options, room)?)
        }
    })
}

fn room() -> Room<'static> {
    Room {
        clients: CLIENTS_AREA.get(),
        arrivals: ARRIVALS_AREA.get(),
        budgets: BUDGETS_AREA.get(),
        queue: QUEUE_AREA.get(),
    }
}

fn outage_room() -> OutageRoom<'static> {
    OutageRoom {
        clients: CLIENTS_AREA.get(),
        load: LOAD_AREA.get(),
        budgets: BUDGETS_AREA.get(),
        guards: GUARDS_AREA.get(),
        queue: QUEUE_AREA.get(),
    }
}

static SIMULATION_AREA: Area<Option<Simulation>> = Area::new(None);
static CLIENTS_AREA: Area<[Client; MOST_CLIENTS]> = Area::new([Client::NEW; MOST_CLIENTS]);
static ARRIVALS_AREA: Area<[Arrivals; MOST_WINDOWS]> = Area::new([[0; RETRIES]; MOST_WINDOWS]);
static BUDGETS_AREA: Area<[Option<Budget>; MOST_PROCESSES]> = Area::new([None; MOST_PROCESSES]);
static LOAD_AREA: Area<[Load; MOST_WINDOWS]> = Area::new([[0; 3]; MOST_WINDOWS]);
static GUARDS_AREA: Area<[Guard; MOST_PROCESSES]> = Area::new([Guard::None; MOST_PROCESSES]);
static QUEUE_AREA: Area<Queue> = Area::new(Queue::EMPTY);
