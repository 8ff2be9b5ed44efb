//! What a decision tells of a wait on the way: what an explanation hears, and a host does not.

/// What a wait is made of, told on the way for explanations.
#[cfg_attr(not(feature = "lab"), allow(dead_code))]
pub(crate) enum Term {
    /// It is drawn, after this last draw.
    Draw { previous: u64 },
    /// In place of the draw, 0 to `most` is added to the hint.
    AboveHint { ceiling: u64, most: u64 },
    /// What it comes to, before `timeout` is looked at.
    Wait(u64),
    /// In its place, `floor` and 0 to `most`.
    Clip { floor: u64, most: u64 },
}
