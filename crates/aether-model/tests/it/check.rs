//! Board against code: what the check says where they differ.

use aether_model::{Aggregate, Board, BoundedContext, Component, ExternalSystem, Lacks, Policy};

fn board() -> Board {
    Board::from_yaml(
        "
board: Bank
people:
  Customer:
    issue: [Open account, Withdraw, Request transfer]
    look_at: [Balances]
contexts:
  banking:
    aggregates:
      Account:
        handles: [Open account, Withdraw, Add interest]
        emits: [Account opened, Money withdrawn, Interest added]
        answers: [Balance]
    policies:
      Daily interest:
        when: [Account opened, Interest added]
        after: a day
        then: [Add interest]
    read_models:
      Balances:
        from: [Account opened, Money withdrawn, Interest added]
  transfers:
    aggregates:
      Transfer:
        handles: [Request transfer]
        emits: [Transfer requested]
    policies:
      Transfers:
        when: [Transfer requested, banking.Money withdrawn]
        then: [banking.Withdraw]
        emits: [Transfer completed]
",
    )
    .unwrap()
}

/// Code that does what the board says, in the spelling of code.
struct Code {
    account: Component,
    transfer: Component,
    transfers: Component,
    balances: Component,
}

fn code() -> Code {
    Code {
        account: Component::aggregate("account")
            .handles(["OpenAccount", "Withdraw", "AddInterest"])
            .emits(["AccountOpened", "MoneyWithdrawn.v2", "InterestAdded", "aether.TimerSet"])
            .answers(["Balance", "Owner"])
            .schedules(["AddInterest"]),
        transfer: Component::aggregate("transfer").handles(["RequestTransfer"]).emits(["TransferRequested"]),
        transfers: Component::policy("transfers")
            .reacts_to(["TransferRequested", "banking.MoneyWithdrawn"])
            .sends(["Withdraw"])
            .emits(["TransferCompleted"]),
        balances: Component::read_model("balances").in_context("banking").from_events([
            "AccountOpened",
            "MoneyWithdrawn",
            "InterestAdded",
        ]),
    }
}

/// What the check says of the code after a change.
fn differs(change: impl FnOnce(&mut Code)) -> String {
    let mut code = code();
    change(&mut code);
    match board().check(&[code.account, code.transfer, code.transfers, code.balances]) {
        Ok(()) => String::new(),
        Err(mismatches) => mismatches.to_string(),
    }
}

#[track_caller]
fn says(change: impl FnOnce(&mut Code), expected: &str) {
    let said = differs(change);
    assert_eq!(said, expected, "\n{said}");
}

#[test]
fn board_and_code_that_are_one() {
    board().validate().unwrap();
    says(|_| {}, "");
}

#[test]
fn an_event_that_only_the_board_has() {
    says(
        |code| drop(code.account.emits.remove(2)),
        "board and code differ in 1 place
the board's context `banking` says that aggregate `Account` emits `Interest added`, the code has no such event
  help: add it to the enum of its events, or take it from the board",
    );
}

#[test]
fn an_event_that_only_the_code_has() {
    says(
        |code| code.account.emits.push("AccountFrozen".into()),
        "board and code differ in 1 place
the code says that aggregate `Account` emits `AccountFrozen`, the board's context `banking` does not
  help: list it under `emits` on the board, or take it from the code",
    );
}

#[test]
fn an_event_with_two_names() {
    says(
        |code| code.account.emits = ["Opened", "MoneyWithdrawn", "InterestAdded"].map(Into::into).to_vec(),
        "board and code differ in 2 places
the board's context `banking` says that aggregate `Account` emits `Account opened`, the code has no such event
  help: add it to the enum of its events, or take it from the board; or is it the code's `Opened`? Then give both one name
the code says that aggregate `Account` emits `Opened`, the board's context `banking` does not
  help: list it under `emits` on the board, or take it from the code; or is it the board's `Account opened`? Then give both one name",
    );
}

#[test]
fn commands_and_queries() {
    says(
        |code| {
            code.account.handles = vec!["OpenAccount".into(), "AddInterest".into(), "Audit".into()];
            code.account.answers.clear();
        },
        "board and code differ in 3 places
the board's context `banking` says that aggregate `Account` handles `Withdraw`, the code has no such command
  help: add it to the actor's commands, or take it from the board
the code says that aggregate `Account` handles `Audit`, the board's context `banking` does not
  help: list it under `handles` on the board, or take it from the code
the board's context `banking` says that aggregate `Account` answers `Balance`, the code has no such query
  help: add it to the actor's queries, or take it from the board",
    );
}

#[test]
fn reactions() {
    says(
        |code| {
            code.transfers.reacts_to.pop();
            code.transfers.sends = vec!["Deposit".into()];
            code.transfers.emits.clear();
        },
        "board and code differ in 4 places
the board's context `transfers` says that policy `Transfers` emits `Transfer completed`, the code has no such event
  help: add it to the enum of its events, or take it from the board
the board's context `transfers` says that policy `Transfers` reacts to `banking.Money withdrawn`, the code has no such reaction
  help: let the code react to it, or take it from the board
the board's context `transfers` says that policy `Transfers` sends `banking.Withdraw`, the code has no such command to send
  help: let the code send it, or take it from the board
the code says that policy `Transfers` sends `Deposit`, the board's context `transfers` does not
  help: list it under `then` on the board, or take it from the code",
    );
}

#[test]
fn projections() {
    says(
        |code| code.balances.from = vec!["AccountOpened".into(), "InterestAdded".into(), "AccountClosed".into()],
        "board and code differ in 2 places
the board's context `banking` says that read model `Balances` is made from `Money withdrawn`, the code has no such event in its projection
  help: let the projection take it in, or take it from the board
the code says that read model `Balances` is made from `AccountClosed`, the board's context `banking` does not
  help: list it under `from` on the board, or take it from the code",
    );
}

#[test]
fn an_event_of_another_context() {
    says(
        |code| code.transfers.reacts_to = vec!["TransferRequested".into(), "lending.MoneyWithdrawn".into()],
        "board and code differ in 2 places
the board's context `transfers` says that policy `Transfers` reacts to `banking.Money withdrawn`, the code has no such reaction
  help: let the code react to it, or take it from the board; or is it the code's `lending.MoneyWithdrawn`? Then give both one name
the code says that policy `Transfers` reacts to `lending.MoneyWithdrawn`, the board's context `transfers` does not
  help: list it under `when` on the board, or take it from the code; or is it the board's `banking.Money withdrawn`? Then give both one name",
    );
}

#[test]
fn timers() {
    says(
        |code| code.account.schedules.clear(),
        "board and code differ in 1 place
the board's context `banking` says that policy `Daily interest` sends `Add interest` after a day, nothing in the code schedules it
  help: set a timer for it and say so with `Component::schedules`, or take it from the board",
    );
    says(
        |code| code.account.schedules.extend(["Withdraw".into(), "CloseAccount".into()]),
        "board and code differ in 2 places
the code says that aggregate `Account` schedules `Withdraw`, the board has no policy with `after` that sends it
  help: put a policy with `after` on the board that has it under `then`, or take it from the code
the code says that aggregate `Account` schedules `CloseAccount`, the board has no policy with `after` that sends it
  help: put a policy with `after` on the board that has it under `then`, or take it from the code",
    );
}

#[test]
fn a_process_manager_may_send_by_timers() {
    says(
        |code| {
            code.transfers.sends.clear();
            code.transfers.schedules.push("Withdraw".into());
        },
        "",
    );
}

#[test]
fn a_policy_that_waits_may_be_a_component() {
    let board = Board::new("B")
        .with(Aggregate::new("Account").handles(["Add interest"]).emits(["Interest added"]))
        .with(Policy::new("Interest").when(["Interest added"]).after("a day").then(["Add interest"]));
    let account = Component::aggregate("Account").handles(["AddInterest"]).emits(["InterestAdded"]);
    let interest = Component::policy("Interest").reacts_to(["InterestAdded"]).schedules(["AddInterest"]);
    board.check(&[account, interest]).unwrap();
}

#[test]
fn effects() {
    let board = Board::new("B")
        .with(Aggregate::new("Account").handles(["Open"]).emits(["Opened"]))
        .with(Policy::new("Welcome").when(["Opened"]).then(["Send letter", "Send gift"]))
        .with(ExternalSystem::new("Post").receives(["Send letter", "Send gift"]));
    let account = || Component::aggregate("Account").handles(["Open"]).emits(["Opened"]);
    board.check(&[account().effects(["SendLetter", "SendGift"])]).unwrap();
    assert_eq!(
        board.check(&[account().effects(["SendLetter", "SendBill"])]).unwrap_err().to_string(),
        "board and code differ in 2 places
the board says that policy `Welcome` sends `Send gift`, nothing in the code does it
  help: declare it as an effect and say so with `Component::effects`, or take it from the board
the code says that aggregate `Account` has the effect `SendBill`, the board has no policy that sends it
  help: put a policy on the board that has it under `then`, or take it from the code"
    );
    let welcome = Component::policy("welcome").reacts_to(["Opened"]).effects(["SendLetter", "SendGift"]);
    board.check(&[account(), welcome]).unwrap();
    assert_eq!(
        board.check(&[account()]).unwrap_err().to_string(),
        "board and code differ in 1 place
the board has policy `Welcome`, the code has none
  help: write the process manager and describe it to the check, or take it from the board"
    );
}

#[test]
fn whole_components() {
    says(
        |code| {
            code.transfer.name = "cheque".into();
            code.balances.name = "balance".into();
        },
        "board and code differ in 4 places
the board's context `banking` has read model `Balances`, the code has none
  help: write the projection and describe it to the check, or take it from the board; or is it the code's `balance`? Then give both one name
the board's context `transfers` has aggregate `Transfer`, the code has none
  help: write the actor and describe it to the check, or take it from the board
the code has aggregate `cheque`, the board has none
  help: put it on the board, or take it from the code
the code has read model `balance`, the board's context `banking` has none
  help: put it on the board, or take it from the code; or is it the board's `Balances`? Then give both one name",
    );
}

#[test]
fn a_name_that_several_contexts_have() {
    let account = || Aggregate::new("Account").handles(["Open"]).emits(["Opened"]);
    let board = Board::new("B")
        .context(BoundedContext::new("banking").with(account()))
        .context(BoundedContext::new("support").with(account()));
    let component = || Component::aggregate("account").handles(["Open"]).emits(["Opened"]);
    let mismatches = board.check(&[component()]).unwrap_err();
    assert_eq!(
        mismatches.to_string(),
        "board and code differ in 1 place
the code has aggregate `account`, the board has several: in `banking`, in `support`
  help: say which with `Component::in_context`"
    );
    assert_eq!(mismatches.as_slice().first().unwrap().lacks, Lacks::Board);
    board.check(&[component().in_context("banking"), component().in_context("support")]).unwrap();
}

#[test]
fn components_of_one_name_are_one_together() {
    says(
        |code| {
            code.balances.from = vec!["AccountOpened".into()];
            code.transfer =
                Component::read_model("Balances").from_events(["MoneyWithdrawn", "InterestAdded"]);
        },
        "board and code differ in 1 place
the board's context `transfers` has aggregate `Transfer`, the code has none
  help: write the actor and describe it to the check, or take it from the board",
    );
}

#[test]
fn a_test_that_unwraps_it_says_what_to_do() {
    let mismatches = board().check(&[]).unwrap_err();
    assert_eq!(format!("{mismatches:?}"), mismatches.to_string());
    assert_eq!(mismatches.iter().count(), 5, "{mismatches}");
}
