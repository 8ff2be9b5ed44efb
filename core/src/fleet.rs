//! What a fleet shares: the machines of its guards, as Redis and Valkey run them.
//!
//! They take the same steps as those of the core, in Lua: `budget.lua` those of [`Budget`](crate::Budget), and so on. A guard
//! that is *away* (`go_away`) gathers what its store is to hear; the host carries it there and back. What is asked has a
//! number, which the answer is told with: answers may overtake each other.

/// The script of budgets.
pub const BUDGET: &str = concat!(include_str!("fleet/ring.lua"), include_str!("fleet/budget.lua"));
/// The script of breakers.
pub const BREAKER: &str = concat!(include_str!("fleet/ring.lua"), include_str!("fleet/breaker.lua"));
/// The script of bulkheads.
pub const BULKHEAD: &str = include_str!("fleet/bulkhead.lua");
/// The script of policies that a fleet reads.
pub const POLICY: &str = include_str!("fleet/policy.lua");
/// The script of throttles.
pub const THROTTLE: &str = concat!(include_str!("fleet/ring.lua"), include_str!("fleet/throttle.lua"));
