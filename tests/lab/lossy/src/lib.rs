//! A lossy channel: it is good or bad, each packet gets through or not by its state, and then the state may change.
//!
//! Source: Gilbert, "Capacity of a burst-noise channel", 1960; Elliott, "Estimates of error rates for codes on burst-noise
//! channels", 1963. Written without looking at the core's simulation, and with draws of its own, so that the two can be compared.

use std::str::FromStr;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Probabilities of a channel, 0 to 1, written `p,r,h,k`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// That a good channel is bad at the next packet.
    pub p: f64,
    /// That a bad channel is good at the next packet.
    pub r: f64,
    /// That a packet gets through while the channel is bad.
    pub h: f64,
    /// That a packet gets through while the channel is good.
    pub k: f64,
}

impl Model {
    /// Nothing is lost.
    pub const CLEAR: Model = Model { p: 0.0, r: 1.0, h: 1.0, k: 1.0 };
}

impl FromStr for Model {
    type Err = String;

    fn from_str(text: &str) -> Result<Model, String> {
        let wrong =
            || format!("the channel is '{text}', allowed are four probabilities p,r,h,k of 0 to 1, as 0.5,0.2,0,1");
        let values: Vec<f64> = text.split(',').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
        match values[..] {
            [p, r, h, k] if values.iter().all(|value| (0.0..=1.0).contains(value)) => Ok(Model { p, r, h, k }),
            _ => Err(wrong()),
        }
    }
}

/// A channel that is good at first.
pub struct Channel {
    model: Model,
    draws: ChaCha8Rng,
    is_bad: bool,
}

impl Channel {
    /// Channel `number` of a seed; each has draws of its own.
    pub fn new(model: Model, seed: u64, number: u64) -> Channel {
        let mut draws = ChaCha8Rng::seed_from_u64(seed);
        draws.set_stream(number);
        Channel { model, draws, is_bad: false }
    }

    /// Whether the next packet gets through.
    pub fn passes(&mut self) -> bool {
        let Model { p, r, h, k } = self.model;
        let (through, flips) = if self.is_bad { (h, r) } else { (k, p) };
        let passes = self.draws.random_bool(through);
        self.is_bad ^= self.draws.random_bool(flips);
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::{Channel, Model};

    const PACKETS: u64 = 200_000;

    fn fates(model: Model) -> Vec<bool> {
        let mut channel = Channel::new(model, 7, 1);
        (0..PACKETS).map(|_| channel.passes()).collect()
    }

    fn share_lost(fates: &[bool]) -> f64 {
        fates.iter().filter(|passes| !**passes).count() as f64 / fates.len() as f64
    }

    #[test]
    fn the_share_of_lost_packets_is_the_stationary_one() {
        for (model, expected) in [
            (Model { p: 0.5, r: 0.2, h: 0.0, k: 1.0 }, 0.5 / 0.7),
            (Model { p: 0.1, r: 0.3, h: 0.5, k: 0.99 }, 0.25 * 0.5 + 0.75 * 0.01),
        ] {
            let lost = share_lost(&fates(model));
            assert!((lost - expected).abs() < 0.01, "{model:?}: {lost}, expected {expected}");
        }
    }

    #[test]
    fn bursts_are_as_long_as_the_bad_state() {
        let fates = fates(Model { p: 0.5, r: 0.2, h: 0.0, k: 1.0 });
        let bursts: Vec<usize> =
            fates.split(|passes| *passes).map(<[bool]>::len).filter(|length| *length > 0).collect();
        let mean = bursts.iter().sum::<usize>() as f64 / bursts.len() as f64;
        assert!((mean - 5.0).abs() < 0.1, "a mean burst of {mean} packets, expected 1 / r = 5");
    }

    #[test]
    fn a_seed_gives_the_same_losses_again_and_another_number_others() {
        let model = "0.5,0.2,0,1".parse().unwrap();
        let run = |seed, number| {
            let mut channel = Channel::new(model, seed, number);
            (0..64).map(|_| channel.passes()).collect::<Vec<_>>()
        };
        assert_eq!(run(1, 1), run(1, 1));
        assert_ne!(run(1, 1), run(1, 2));
        assert_ne!(run(1, 1), run(2, 1));
    }

    #[test]
    fn what_is_no_channel_is_refused_in_a_sentence() {
        for text in ["", "0.5", "0.5,0.2,0", "0.5,0.2,0,1,1", "0.5,0.2,0,2", "0.5,0.2,0,NaN"] {
            assert!(text.parse::<Model>().unwrap_err().contains("four probabilities"), "{text}");
        }
    }
}
