//! `cargo xtask bench`: pgtls beside others, on one machine in one go, round after round.

mod contenders;
mod machine;
mod programs;
mod results;
mod scenarios;
mod statistics;

pub(crate) use contenders::{CONTENDERS, Contender};
pub(crate) use results::Results;
pub(crate) use scenarios::{SCENARIOS, Scenario};
pub(crate) use statistics::Spread;

use crate::{
    generate::performance,
    stages::budgets,
    workspace::{Error, Workspace},
};
use programs::Programs;
use scenarios::Effort;
use std::{fs, time::Instant};

/// Where the numbers are kept that `docs/performance.md` is made of.
pub(crate) const RESULTS: &str = "docs/performance/results.json";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Fewer and shorter rounds, a minute or two in all. Prints, and leaves docs/performance.md as it is.
    #[arg(long)]
    quick: bool,
    /// How many rounds. In each, every contender does everything once.
    #[arg(long, value_name = "COUNT")]
    rounds: Option<usize>,
    /// Only what is called so. Prints, and leaves docs/performance.md as it is.
    #[arg(long, value_name = "NAME", value_parser = scenarios::names())]
    only: Vec<String>,
}

/// Measures, prints, and writes the page if everything was measured.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Error> {
    let effort = if arguments.quick { scenarios::QUICK } else { scenarios::FULL };
    let chosen = |scenario: &&Scenario| {
        arguments.only.is_empty() || arguments.only.iter().any(|name| name == scenario.name)
    };
    let scenarios: Vec<_> = SCENARIOS.iter().filter(chosen).collect();
    let programs = Programs::build(workspace)?;
    let mut results = Results::new(machine::facts(workspace, programs.libpq_version()));
    measure(&programs, &scenarios, &effort, arguments.rounds.unwrap_or(effort.rounds), &mut results)?;
    println!("\n{}", performance::tables(&results));
    if arguments.quick || !arguments.only.is_empty() {
        return Ok(());
    }
    results.instructions = budgets::medians(&workspace.root)?;
    write(workspace, RESULTS, &results.to_json())?;
    for (path, content) in performance::files(&results) {
        write(workspace, path, &content)?;
    }
    Ok(())
}

fn measure(
    programs: &Programs,
    scenarios: &[&Scenario],
    effort: &Effort,
    rounds: usize,
    results: &mut Results,
) -> Result<(), Error> {
    let start = Instant::now();
    for round in 0..rounds {
        println!("round {} of {rounds}, {} s", round + 1, start.elapsed().as_secs());
        for scenario in scenarios {
            let mut able: Vec<_> =
                CONTENDERS.iter().filter(|contender| programs.can(contender, scenario)).collect();
            // Whoever is first has the machine in another state.
            let first = round % able.len().max(1);
            able.rotate_left(first);
            for contender in scenario.turns(&able) {
                let answers = programs.run(contender, scenario, effort)?;
                for (quantity, value) in scenario.quantities(&answers)? {
                    results.add(scenario.name, contender.name, quantity, value);
                }
            }
        }
    }
    Ok(())
}

fn write(workspace: &Workspace, path: &str, content: &str) -> Result<(), Error> {
    let whole = workspace.root.join(path);
    let folder = whole.parent().map_or(Ok(()), fs::create_dir_all);
    folder
        .and_then(|()| fs::write(&whole, content))
        .map_err(|error| Error(format!("{path} cannot be written: {error}")))?;
    println!("{path} is written");
    Ok(())
}
