//! What negotiating costs in allocations: nothing, whatever happens.

use super::explore::{Graph, inputs, plans};
use pgtls_core::{
    negotiation::Negotiation,
    param::SslMode,
    policy::{EncryptionPlan, GssCredentials, Payload, PolicyInput, Transport},
};

#[test]
fn a_plan_allocates_nothing() {
    for sslmode in SslMode::ALL {
        let cost = allocation_counter::measure(|| {
            let input = PolicyInput::new(*sslmode);
            let plan = EncryptionPlan::new(input, Transport::Tcp, GssCredentials::Absent, Payload::Startup);
            plan.map(Negotiation::new).unwrap();
        });
        assert_eq!(cost.count_total, 0, "{sslmode:?}");
    }
}

/// Every transition there is, those of machines that are used wrongly included.
#[test]
fn no_input_in_any_state_allocates() {
    let inputs = inputs();
    let mut transitions = 0_usize;
    for plan in plans() {
        let states = Graph::walk(plan, &inputs).states;
        let cost = allocation_counter::measure(|| {
            for (state, input) in
                states.iter().flat_map(|state| inputs.iter().map(move |input| (state, input)))
            {
                let mut machine = state.clone();
                transitions += usize::from(machine.handle_input(*input).is_ok());
                let _ = machine.poll_action();
                while machine.poll_event().is_some() {}
            }
        });
        assert_eq!(cost.count_total, 0, "{plan:?}");
    }
    assert!(transitions > 60_000, "only {transitions} were tried");
}
