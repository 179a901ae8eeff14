//! [`Mutant`]: what the simulation breaks on purpose, to see that it would notice.

/// A rule of the election that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    /// The time to stop is counted from the acknowledgement, and not from the sending.
    CountedFromAck,
    /// A renewal has no time to live.
    RenewedForever,
    /// A renewal whose outcome is unknown counts as failed.
    TimeoutIsFailure,
    /// A renewal whose outcome is unknown counts as done.
    TimeoutIsSuccess,
    /// Who takes its own key over again goes on in its old epoch.
    EpochKept,
    /// Who reads that the key is its own holds it.
    GainedByRead,
    /// A holder whose time is over goes on when a renewal is acknowledged after all.
    Revived,
    /// Who leaves lets the key stand.
    KeyLeftBehind,
}
