//! Simulations, slice by slice: Python may stop between two of them, and other threads run during one.

use pyo3::prelude::*;
use undaunted::sim::{
    Arrivals, Client, Guard, Herd, HerdOptions, Layers, LayersOptions, Load, Loss, LossOptions, Outage, OutageOptions,
    OutageRoom, Queue, RETRIES, Room,
};

use crate::budget::Budget;
use crate::convert::collect;
use crate::guards::Breaker;
use crate::policy::{Policy, Problem, read};

/// A simulation, or every problem that its conditions have.
type Begun = (Option<Simulation>, Vec<Problem>);

/// Clients that fail together; each process has a budget like `budget`, or like the policy's own.
#[pyfunction]
pub fn simulate_herd(
    policy: Bound<'_, Policy>,
    budget: Option<Bound<'_, Budget>>,
    seed: u64,
    options: &Bound<'_, PyAny>,
    notation: &str,
) -> PyResult<Begun> {
    let (options, problems) = read(options, notation, HerdOptions::read)?;
    let budget = full(&policy, budget);
    let begun = options.and_then(|options| Running::new(&policy.get().inner, budget.as_ref(), seed, &options));
    Ok((begun.map(|running| Simulation { inner: Inner::Herd(running) }), problems))
}

/// Chains of requests over a lossy network.
#[pyfunction]
pub fn simulate_loss(seed: u64, options: &Bound<'_, PyAny>, notation: &str) -> PyResult<Begun> {
    let (options, problems) = read(options, notation, LossOptions::read)?;
    Ok((options.map(|options| Simulation { inner: Inner::Loss(Loss::new(seed, &options)) }), problems))
}

/// Services that retry each other; each has a budget like `budget`, or like the policy's own.
#[pyfunction]
pub fn simulate_layers(
    policy: Bound<'_, Policy>,
    budget: Option<Bound<'_, Budget>>,
    seed: u64,
    options: &Bound<'_, PyAny>,
    notation: &str,
) -> PyResult<Begun> {
    let (options, problems) = read(options, notation, LayersOptions::read)?;
    let budget = full(&policy, budget);
    let begun = options.map(|options| {
        let layers = Layers::new(&policy.get().inner, budget.as_ref(), seed, &options);
        Simulation { inner: Inner::Layers(Box::new(layers)) }
    });
    Ok((begun, problems))
}

/// Steady traffic over an outage; each process has a budget like `budget` and a breaker like `breaker`, or like the policy's own.
#[pyfunction]
pub fn simulate_outage(
    policy: Bound<'_, Policy>,
    budget: Option<Bound<'_, Budget>>,
    breaker: Option<Bound<'_, Breaker>>,
    seed: u64,
    options: &Bound<'_, PyAny>,
    notation: &str,
) -> PyResult<Begun> {
    let (options, problems) = read(options, notation, OutageOptions::read)?;
    let budget = full(&policy, budget);
    let policy = &policy.get().inner;
    let breaker = breaker.map(|breaker| breaker.get().copy()).or_else(|| policy.breaker(0));
    let begun = options.and_then(|options| Traffic::new(policy, budget.as_ref(), breaker.as_ref(), seed, &options));
    Ok((begun.map(|traffic| Simulation { inner: Inner::Outage(traffic) }), problems))
}

fn full(policy: &Bound<'_, Policy>, budget: Option<Bound<'_, Budget>>) -> Option<undaunted::Budget> {
    budget.map(|budget| *budget.get().lock()).or_else(|| policy.get().inner.budget())
}

/// A simulation of one kind, as far as it has come.
#[pyclass(module = "undaunted._core")]
pub struct Simulation {
    inner: Inner,
}

enum Inner {
    Herd(Box<Running>),
    Loss(Loss),
    Layers(Box<Layers>),
    Outage(Box<Traffic>),
}

/// A herd and the memory it works in.
struct Running {
    herd: Herd,
    clients: Vec<Client>,
    arrivals: Vec<Arrivals>,
    budgets: Vec<Option<undaunted::Budget>>,
    queue: Box<Queue>,
}

/// Traffic over an outage and the memory it works in.
struct Traffic {
    outage: Outage,
    clients: Vec<Client>,
    load: Vec<Load>,
    budgets: Vec<Option<undaunted::Budget>>,
    guards: Vec<Guard>,
    queue: Box<Queue>,
}

#[pymethods]
impl Simulation {
    /// Goes on by about so many attempts; true at the end.
    fn step(&mut self, py: Python<'_>, most: u64) -> bool {
        let inner = &mut self.inner;
        py.detach(|| match inner {
            Inner::Herd(running) => running.step(most),
            Inner::Loss(loss) => loss.step(most),
            Inner::Layers(layers) => layers.step(most),
            Inner::Outage(traffic) => traffic.step(most),
        })
    }

    /// How many clients, chains or calls have come to an end, of all.
    fn progress(&self) -> (u64, u64) {
        match &self.inner {
            Inner::Herd(running) => running.herd.progress(),
            Inner::Loss(loss) => loss.progress(),
            Inner::Layers(layers) => layers.progress(),
            Inner::Outage(traffic) => traffic.outage.progress(),
        }
    }

    /// What came of it, for a reader and for a program.
    fn report(&self) -> (String, String) {
        match &self.inner {
            Inner::Herd(running) => {
                let (herd, arrivals) = (&running.herd, &running.arrivals);
                (collect(|out| herd.text(arrivals, out)), collect(|out| herd.json(arrivals, out)))
            }
            Inner::Loss(loss) => (collect(|out| loss.text(out)), collect(|out| loss.json(out))),
            Inner::Layers(layers) => (collect(|out| layers.text(out)), collect(|out| layers.json(out))),
            Inner::Outage(traffic) => {
                let (outage, load) = (&traffic.outage, &traffic.load);
                (collect(|out| outage.text(load, out)), collect(|out| outage.json(load, out)))
            }
        }
    }
}

impl Running {
    fn new(
        policy: &undaunted::Policy,
        budget: Option<&undaunted::Budget>,
        seed: u64,
        options: &HerdOptions,
    ) -> Option<Box<Running>> {
        let mut clients = vec![Client::default(); options.clients as usize];
        let mut arrivals = vec![[0; RETRIES]; options.windows as usize];
        let mut budgets = vec![None; options.processes as usize];
        let mut queue = Box::new(Queue::EMPTY);
        let mut room =
            Room { clients: &mut clients, arrivals: &mut arrivals, budgets: &mut budgets, queue: &mut queue };
        let herd = Herd::new(policy, budget, seed, options, &mut room)?;
        Some(Box::new(Running { herd, clients, arrivals, budgets, queue }))
    }

    fn step(&mut self, most: u64) -> bool {
        let mut room = Room {
            clients: &mut self.clients,
            arrivals: &mut self.arrivals,
            budgets: &mut self.budgets,
            queue: &mut self.queue,
        };
        self.herd.step(&mut room, most)
    }
}

impl Traffic {
    fn new(
        policy: &undaunted::Policy,
        budget: Option<&undaunted::Budget>,
        breaker: Option<&undaunted::Breaker>,
        seed: u64,
        options: &OutageOptions,
    ) -> Option<Box<Traffic>> {
        let mut clients = vec![Client::default(); options.calls() as usize];
        let mut load = vec![[0; 3]; options.windows() as usize];
        let mut budgets = vec![None; options.processes as usize];
        let mut guards = vec![Guard::None; options.processes as usize];
        let mut queue = Box::new(Queue::EMPTY);
        let mut room = OutageRoom {
            clients: &mut clients,
            load: &mut load,
            budgets: &mut budgets,
            guards: &mut guards,
            queue: &mut queue,
        };
        let outage = Outage::new(policy, budget, breaker, seed, options, &mut room)?;
        Some(Box::new(Traffic { outage, clients, load, budgets, guards, queue }))
    }

    fn step(&mut self, most: u64) -> bool {
        let mut room = OutageRoom {
            clients: &mut self.clients,
            load: &mut self.load,
            budgets: &mut self.budgets,
            guards: &mut self.guards,
            queue: &mut self.queue,
        };
        self.outage.step(&mut room, most)
    }
}
