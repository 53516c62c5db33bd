//! What is measured without a connection, said once for those who count instructions and those who look at clocks.

pub mod certificates;
pub mod decisions;
