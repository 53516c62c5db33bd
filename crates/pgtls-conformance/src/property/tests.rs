use super::*;
use crate::client::Attempt;
use std::{pin::pin, task::Waker};

fn situation(server: &str, settings: &str) -> Situation {
    let text = format!("x\n  server {server}\n  conninfo ~ {settings}\n  libpq fail:\n");
    let crate::scenario::Scenarios(mut all) = text.parse().unwrap();
    all.remove(0).situation
}

/// A driver that never looks whose the certificate is.
fn careless(attempt: &Attempt) -> ClientClaim {
    let conninfo = attempt.conninfo.replace("verify-full", "verify-ca");
    Reference.connect(&Attempt { conninfo, ..attempt.clone() })
}

#[test]
fn a_driver_is_compared_with_pgtls() {
    let other = situation("ok certificate=wrong-host", "sslmode=verify-full sslrootcert={pki}/ca/root.crt");
    conforms(&Reference, &other).unwrap();
    let found = conforms(&careless, &other).unwrap_err();
    let text = found.to_string();
    assert!(text.starts_with("the client connects where libpq refuses; goes another way; "), "{text}");
    // What is shown can be put into a file of scenarios.
    let (_, block) = text.split_once("\n\n").unwrap();
    let crate::scenario::Scenarios(again) =
        format!("{block}\n").parse().unwrap_or_else(|error| panic!("{error}: {block}"));
    let Nonconformance::Differs(found) = found else { panic!("{found:?}") };
    assert_eq!(again[0].situation, found.scenario.situation);
    assert_eq!(again[0].libpq18.events, found.scenario.libpq18.events);
}

#[test]
fn what_a_driver_declines_says_nothing() {
    struct Declines;
    impl ClientUnderTest for Declines {
        fn connect(&self, _: &Attempt) -> ClientClaim {
            unreachable!("it has declined")
        }
        fn declines(&self, _: &Attempt) -> Option<String> {
            Some("not today".to_owned())
        }
    }
    conforms(&Declines, &situation("ok", "")).unwrap();
}

#[test]
fn futures_are_given_up() {
    let never = || {
        let mut left = 3;
        core::future::poll_fn(move |context| {
            left -= 1;
            context.waker().wake_by_ref();
            if left == 0 { Poll::Ready("done") } else { Poll::Pending }
        })
    };
    let poll = |polls, times: usize| {
        let mut future = pin!(given_up_after(polls, never()));
        let mut context = Context::from_waker(Waker::noop());
        (0..times).map(|_| future.as_mut().poll(&mut context)).last().unwrap()
    };
    assert_eq!(poll(5, 2), Poll::Pending);
    assert_eq!(poll(5, 3), Poll::Ready(Some("done")));
    assert_eq!(poll(3, 3), Poll::Ready(Some("done")));
    assert_eq!(poll(2, 1), Poll::Pending);
    assert_eq!(poll(2, 2), Poll::Ready(None));
    assert_eq!(poll(0, 1), Poll::Ready(None));
}
