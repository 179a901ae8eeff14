//! [`Mutant`]: what is broken on purpose, to see that it is noticed.

/// A rule of the cluster that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    /// An old leader goes on writing after it has seen the plan of a newer one.
    NoEpochCheck,
    /// A new leader does not begin by stamping the plan.
    NotStamped,
    /// A barrier is taken as passed if a read says that nothing has changed.
    ConfirmedByRead,
    /// What saves nothing is answered at once.
    NoBarrier,
    /// After a conflict a command is decided again without a look at what was committed.
    NoLookUp,
    /// Whoever hands a shard over drops what it has held back.
    NoBuffer,
    /// An unrecorded reply is believed, whichever attempt it is to.
    EarlierReplyBelieved,
    /// Whoever owns the shard acts, also on what is meant for another one.
    AddresseeIgnored,
    /// A node acts whether or not it hears itself.
    DeafActs,
    /// Of those who listen to a shard one gets each message.
    QueueGroups,
    /// A successor waits until the owner has released the shard, dead or alive.
    WaitsForTheDead,
    /// That a move was completed is taken for the shard's next move as well.
    OldReportsCount,
}
