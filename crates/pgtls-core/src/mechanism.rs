//! Which SCRAM mechanism to answer with (spec 10.2): a pure decision table.
