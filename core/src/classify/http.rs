//! HTTP status codes. Source: RFC 9110, RFC 6585, RFC 8470 and SEMANTICS 15.1, which compares thirteen clients.

use super::row;
use super::table::{Entry, pack, packed_len};
use crate::failure::Class::{Conflict, Connect, Throttle, Timeout, Transient};
use crate::failure::Condition::{HintOnly, Immediate, OptIn};
use crate::failure::Sent::{Maybe, NotSent, Rejected};

#[rustfmt::skip]
const ROWS: &[Entry] = &[
    Entry(&[], &[408], row(Timeout, Maybe)),                          // RFC 9110 15.5.9
    Entry(&[], &[409], row(Conflict, Maybe).when(OptIn)),             // RFC 9110 15.5.10; OpenAI and Stripe repeat it
    Entry(&[], &[413], row(Transient, Rejected).when(HintOnly)),      // RFC 9110 15.5.14: temporary if it has Retry-After
    Entry(&[], &[421], row(Transient, Rejected).when(Immediate)),     // RFC 9110 15.5.20: on a new connection
    Entry(&[], &[425], row(Transient, Rejected).when(Immediate)),     // RFC 8470 5.2: without early data
    Entry(&[], &[429], row(Throttle, Rejected)),                      // RFC 6585 4
    Entry(&[], &[500], row(Transient, Maybe)),                        // RFC 9110 15.6.1
    Entry(&[], &[502], row(Transient, Maybe)),                        // RFC 9110 15.6.3
    Entry(&[], &[503], row(Transient, Maybe)),                        // RFC 9110 15.6.4
    Entry(&[], &[504], row(Timeout, Maybe)),                          // RFC 9110 15.6.5
    Entry(&[], &[509], row(Throttle, Rejected)),                      // not registered: bandwidth limit (boto)
    Entry(&[], &[520], row(Transient, Maybe)),                        // Cloudflare: the origin's answer made no sense
    Entry(&[], &[521], row(Connect, NotSent)),                        // Cloudflare: the origin refused
    Entry(&[], &[522], row(Connect, NotSent)),                        // Cloudflare: connecting to the origin timed out
    Entry(&[], &[523], row(Connect, NotSent)),                        // Cloudflare: no route to the origin
    Entry(&[], &[524], row(Transient, Maybe)),                        // Cloudflare: the origin did not answer in time
    Entry(&[], &[529], row(Throttle, Rejected)),                      // Anthropic and others: overloaded
    Entry(&[], &[598], row(Timeout, Maybe)),                          // proxies: read timeout
    Entry(&[], &[599], row(Timeout, Maybe)),                          // proxies: connect timeout, or after it
];

pub(super) static TABLE: [u8; packed_len(ROWS)] = pack(ROWS);
