//! `cargo xtask`: the one door of this project. What CI runs, you can run.

mod api;
mod bench;
mod code;
mod conformance;
mod generate;
mod mutants;
mod no_std;
mod scenarios;
mod stages;
mod tidy;
mod verdicts;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Checks, generated files and tests of the pgtls workspace")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check the rules about the tree: layers, words, links, generated files, ...
    Tidy,
    /// Write the files that are generated from the code.
    Generate,
    /// Write the listings of the published libraries' API.
    Api,
    /// Write the conformance kit's scenarios from recordings of libpq, where those lie beside the workspace.
    Scenarios,
    /// Run the conformance kit with the clients that are installed, and write docs/conformance/results.md.
    Conformance(conformance::Arguments),
    /// Compare the kit's verdicts on a client with those of the rig in which libpq was recorded.
    Verdicts(verdicts::Arguments),
    /// Run every check and every test; name stages to run only those.
    Test {
        /// Stages to run; all of them by default.
        #[arg(value_parser = stages::stage_names())]
        stages: Vec<String>,
    },
    /// Measure connections beside those of other libraries, and write docs/performance.md.
    Bench(bench::Arguments),
    /// Change the code that decides in small ways, and see whether a test of its crate notices (needs cargo-mutants).
    Mutants(mutants::Selection),
    /// `test` with the parts that are too slow or too demanding for every day: live servers required, many random cases.
    Ci,
}

fn main() -> ExitCode {
    if let Some(code) = api::as_rustdoc() {
        return code;
    }
    let result = Workspace::load().and_then(|workspace| match Arguments::parse().task {
        Task::Tidy => tidy::run(&workspace),
        Task::Generate => generate::run(&workspace),
        Task::Api => api::run(&workspace),
        Task::Scenarios => scenarios::run(&workspace),
        Task::Conformance(arguments) => conformance::run(&workspace, &arguments),
        Task::Verdicts(arguments) => verdicts::run(&arguments),
        Task::Test { stages } => stages::run(&workspace, &stages, stages::Rigour::Everyday),
        Task::Bench(arguments) => bench::run(&workspace, &arguments),
        Task::Mutants(selection) => mutants::run(&workspace, &selection),
        Task::Ci => stages::run(&workspace, &[], stages::Rigour::Ci),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
