//! Simulations of a case, in slices that are smaller than most of them.

use serde_json::Value;
use undaunted::sim::{
    Client, Guard, Herd, HerdOptions, Layers, LayersOptions, Loss, LossOptions, Outage, OutageOptions, OutageRoom,
    Queue, RETRIES, Room,
};
use undaunted::{Notation, Policy};

use crate::{Refusal, collect, compile, refusing, tape_of, word};

/// The text and the JSON of a simulation.
pub fn simulate(kind: &str, case: &Value) -> Result<[String; 2], Vec<Refusal>> {
    let policy = || compile(&case["policy"]);
    let (seed, tape) = (word(&case["seed"]), tape_of(&case["options"]));
    match kind {
        "herd" => {
            let options = refusing(|problem| HerdOptions::read(&tape, Notation::Json, problem))?;
            Ok(herd(&policy()?, seed, &options))
        }
        "outage" => {
            let options = refusing(|problem| OutageOptions::read(&tape, Notation::Json, problem))?;
            Ok(outage(&policy()?, seed, &options))
        }
        "loss" => {
            let options = refusing(|problem| LossOptions::read(&tape, Notation::Json, problem))?;
            let mut loss = Loss::new(seed, &options);
            while !loss.step(SLICE) {}
            Ok([collect(|out| loss.text(out)), collect(|out| loss.json(out))])
        }
        _ => {
            let options = refusing(|problem| LayersOptions::read(&tape, Notation::Json, problem))?;
            let policy = policy()?;
            let mut layers = Layers::new(&policy, policy.budget().as_ref(), seed, &options);
            while !layers.step(SLICE) {}
            Ok([collect(|out| layers.text(out)), collect(|out| layers.json(out))])
        }
    }
}

/// What is wrong with the conditions of a `sim_refusal`.
pub fn refusals(case: &Value) -> Vec<Refusal> {
    let tape = tape_of(&case["options"]);
    let read = |kind: &str| match kind {
        "herd" => refusing(|problem| HerdOptions::read(&tape, Notation::Json, problem)).err(),
        "outage" => refusing(|problem| OutageOptions::read(&tape, Notation::Json, problem)).err(),
        "loss" => refusing(|problem| LossOptions::read(&tape, Notation::Json, problem)).err(),
        _ => refusing(|problem| LayersOptions::read(&tape, Notation::Json, problem)).err(),
    };
    read(case["sim"].as_str().expect("a simulation")).unwrap_or_default()
}

fn herd(policy: &Policy, seed: u64, options: &HerdOptions) -> [String; 2] {
    let mut arrivals = vec![[0; RETRIES]; options.windows as usize];
    let mut room = Room {
        clients: &mut vec![Client::default(); options.clients as usize],
        arrivals: &mut arrivals,
        budgets: &mut vec![None; options.processes as usize],
        queue: &mut Box::new(Queue::EMPTY),
    };
    let mut herd = Herd::new(policy, policy.budget().as_ref(), seed, options, &mut room).expect("room for all");
    while !herd.step(&mut room, SLICE) {}
    [collect(|out| herd.text(&arrivals, out)), collect(|out| herd.json(&arrivals, out))]
}

fn outage(policy: &Policy, seed: u64, options: &OutageOptions) -> [String; 2] {
    let mut load = vec![[0; 3]; options.windows() as usize];
    let mut room = OutageRoom {
        clients: &mut vec![Client::default(); options.calls() as usize],
        load: &mut load,
        budgets: &mut vec![None; options.processes as usize],
        guards: &mut vec![Guard::None; options.processes as usize],
        queue: &mut Box::new(Queue::EMPTY),
    };
    let (budget, breaker) = (policy.budget(), policy.breaker(0));
    let mut outage =
        Outage::new(policy, budget.as_ref(), breaker.as_ref(), seed, options, &mut room).expect("room for all");
    while !outage.step(&mut room, SLICE) {}
    [collect(|out| outage.text(&load, out)), collect(|out| outage.json(&load, out))]
}

const SLICE: u64 = 100;
