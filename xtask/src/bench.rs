//! `cargo xtask bench`: pgtls beside others, on one machine in one go, round after round.

mod contenders;
mod machine;
mod process;
mod programs;
mod results;
mod scenarios;
mod statistics;

pub(crate) use contenders::{CONTENDERS, Contender};
pub(crate) use results::Results;
pub(crate) use scenarios::{SCENARIOS, SESSIONS, Scenario, TRANSFERS};
pub(crate) use statistics::Spread;

use crate::{
    generate::performance,
    stages::budgets,
    workspace::{Error, Workspace},
};
use process::Answer;
use programs::Programs;
use scenarios::{Effort, Turns};
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
    /// Only the scenarios of these names. Prints, and leaves docs/performance.md as it is.
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
    let everything = !arguments.quick && arguments.only.is_empty();
    if everything {
        // A missing tool is reported before the minutes of measuring, not after them.
        budgets::build(&workspace.root)?;
    }
    let programs = Programs::build(workspace)?;
    let mut results = Results::new(machine::facts(workspace, &programs));
    measure(&programs, &scenarios, &effort, arguments.rounds.unwrap_or(effort.rounds), &mut results)?;
    println!("\n{}", performance::tables(&results));
    if !everything {
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
            // The first contender finds the machine in another state.
            let first = round % able.len().max(1);
            able.rotate_left(first);
            take_turns(programs, scenario, effort, able, |contender, answer| {
                for (quantity, value) in scenario.quantities(answer)? {
                    results.add(scenario.name, contender.name, quantity, value);
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// Everybody does it, there and back through the order.
fn take_turns(
    programs: &Programs,
    scenario: &Scenario,
    effort: &Effort,
    mut able: Vec<&Contender>,
    mut add: impl FnMut(&Contender, &Answer) -> Result<(), Error>,
) -> Result<(), Error> {
    let server = programs.serve(scenario)?;
    let Turns { starts, each } = scenario.turns();
    for _ in 0..starts {
        let mut working = Vec::new();
        for contender in &able {
            let mut process = programs.start(contender, scenario, effort, &server)?;
            add(contender, &process.answer()?)?;
            // A contender without another turn ends before the next one begins.
            working.extend((each > 1).then_some((contender, process)));
        }
        for _ in 1..each {
            working.reverse();
            for (contender, process) in &mut working {
                add(contender, &process.again()?)?;
            }
        }
        drop(working);
        able.reverse();
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
