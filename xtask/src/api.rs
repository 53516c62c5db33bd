//! `cargo xtask api`: what each published library shows to its users, one line an item, in `tests/data/api/`.
//!
//! Each change of the API is a line in a diff, and so a decision. The source is rustdoc's JSON, an unstable format: stable
//! compilers write it when RUSTC_BOOTSTRAP is set ([`as_rustdoc`]). The stage is skipped for a compiler with an unknown format.

use crate::workspace::{Error, Member, Workspace};
use public_api::{Builder, PublicApi};
use std::{
    env, fs, io,
    path::PathBuf,
    process::{Command, ExitCode},
};

/// Where the listings are, from the root.
const FOLDER: &str = "tests/data/api";

/// Set for the cargo that we start, which then starts us in the place of rustdoc.
const AS_RUSTDOC: &str = "PGTLS_XTASK_AS_RUSTDOC";

/// Published all the same: their users see something else than Rust.
const WITHOUT: &[&str] = &["pgtls-cli", "pgtls-ffi"];

/// Why there is no listing.
pub(crate) enum Unlisted {
    /// The compiler's JSON has a form that is not known here.
    Form(public_api::Error),
    /// Anything else.
    Failed(Error),
}

/// Writes the listings.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Error> {
    let listings = listings(workspace).map_err(|unlisted| match unlisted {
        Unlisted::Form(error) => {
            Error(format!("the JSON of this compiler's rustdoc cannot be read: {error}"))
        }
        Unlisted::Failed(error) => error,
    })?;
    fs::create_dir_all(workspace.root.join(FOLDER)).map_err(|error| cannot(FOLDER, "made", &error))?;
    for (path, listing) in listings {
        fs::write(workspace.root.join(&path), listing).map_err(|error| cannot(&path, "written", &error))?;
        println!("{path} is written");
    }
    Ok(())
}

/// Compares with the listings that are there.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Unlisted> {
    let mut stale = Vec::new();
    for (path, listing) in listings(workspace)? {
        let known = workspace.file(&path).map_or("", |file| file.text.as_str());
        if known != listing {
            for line in differences(known, &listing) {
                println!("{path}: {line}");
            }
            stale.push(path);
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    let what = "what is public has changed: if that is meant, `cargo xtask api` writes it down, and CHANGELOG.md tells it";
    Err(Unlisted::Failed(Error(format!("{what} ({})", stale.join(", ")))))
}

/// Path and content for each library.
fn listings(workspace: &Workspace) -> Result<Vec<(String, String)>, Unlisted> {
    let libraries: Vec<&Member> = workspace
        .members
        .iter()
        .filter(|member| member.published && !WITHOUT.contains(&member.name.as_str()))
        .collect();
    let folder = document(workspace, &libraries).map_err(Unlisted::Failed)?;
    libraries
        .iter()
        .map(|member| {
            let json = folder.join(member.name.replace('-', "_")).with_extension("json");
            let api = Builder::from_rustdoc_json(json)
                .omit_blanket_impls(true)
                .omit_auto_trait_impls(true)
                .build()
                .map_err(Unlisted::Form)?;
            Ok((format!("{FOLDER}/{}.txt", member.name), listing(&api)))
        })
        .collect()
}

/// Runs rustdoc and returns the path of its JSON.
fn document(workspace: &Workspace, libraries: &[&Member]) -> Result<PathBuf, Error> {
    let xtask = env::current_exe().map_err(|error| Error(format!("xtask does not find itself: {error}")))?;
    let mut command = Command::new("cargo");
    command.args(["doc", "--quiet", "--no-deps", "--all-features", "--lib"]);
    for member in libraries {
        command.args(["--package", &member.name]);
    }
    let status = command
        .current_dir(&workspace.root)
        .env("RUSTDOC", xtask)
        .env("RUSTDOCFLAGS", "-Z unstable-options --output-format json")
        .env(AS_RUSTDOC, "1")
        .status()
        .map_err(|error| Error(format!("cargo cannot be run: {error}")))?;
    if status.success() {
        Ok(workspace.root.join("target/doc"))
    } else {
        Err(Error("cargo doc failed".to_owned()))
    }
}

/// The whole program when cargo starts it as rustdoc; `None` otherwise.
///
/// RUSTC_BOOTSTRAP is set for rustdoc alone: set for cargo, it would compile every crate again.
pub(crate) fn as_rustdoc() -> Option<ExitCode> {
    env::var_os(AS_RUSTDOC)?;
    let status = Command::new("rustdoc").args(env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1").status();
    let succeeded = status.is_ok_and(|status| status.success());
    Some(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn listing(api: &PublicApi) -> String {
    let mut text = String::new();
    let items: Vec<String> = api.items().map(ToString::to_string).collect();
    for item in without_known(&items) {
        text.push_str(item);
        text.push('\n');
    }
    text
}

/// The items without the functions of traits of Rust's own libraries: the line of the implementation is enough.
fn without_known(items: &[String]) -> Vec<&str> {
    let mut in_known_trait = false;
    let mut kept = Vec::new();
    for item in items {
        match item.strip_prefix("impl") {
            Some(rest) => in_known_trait = is_known_trait(rest),
            None if in_known_trait && item.contains("fn ") => continue,
            // The associated types of a trait stand among its functions.
            None => in_known_trait &= item.starts_with("pub type "),
        }
        if !item.contains("core::marker::StructuralPartialEq") {
            kept.push(item.as_str());
        }
    }
    kept
}

/// Whether what follows `impl` names a trait of Rust's own libraries.
fn is_known_trait(rest: &str) -> bool {
    let mut depth = 0_usize;
    let mut before = ' ';
    let after_generics = rest.char_indices().find(|&(_, c)| {
        match c {
            '<' => depth += 1,
            '>' if before != '-' => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = c;
        c == ' ' && depth == 0
    });
    let name = after_generics.and_then(|(at, _)| rest.get(at..)).unwrap_or_default().trim_start();
    name.contains(" for ") && ["core::", "alloc::", "std::"].iter().any(|library| name.starts_with(library))
}

/// Lines that only one of the two has.
fn differences(old: &str, new: &str) -> impl Iterator<Item = String> {
    let gone =
        old.lines().filter(|line| !new.lines().any(|other| other == *line)).map(|line| format!("- {line}"));
    let come =
        new.lines().filter(|line| !old.lines().any(|other| other == *line)).map(|line| format!("+ {line}"));
    gone.chain(come).collect::<Vec<_>>().into_iter()
}

fn cannot(path: &str, be: &str, error: &io::Error) -> Error {
    Error(format!("{path} cannot be {be}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_known_trait_prescribes_is_left_out() {
        let all = [
            "pub struct a::S",
            "impl a::S",
            "pub fn a::S::new() -> Self",
            "impl core::clone::Clone for a::S",
            "pub fn a::S::clone(&self) -> a::S",
            "impl core::marker::StructuralPartialEq for a::S",
            "impl<F: core::ops::Fn(u8) -> u8> core::iter::Iterator for a::I<F>",
            "pub type a::I<F>::Item = u8",
            "pub fn a::I<F>::next(&mut self) -> core::option::Option<u8>",
            "impl<T> a::Ours for a::Vec<core::T>",
            "pub fn a::Vec<core::T>::ours(&self)",
            "pub fn a::free()",
        ];
        let items = all.map(str::to_owned);
        let left_out = [4, 5, 8];
        let kept = all.iter().enumerate().filter(|(index, _)| !left_out.contains(index));
        assert_eq!(without_known(&items), kept.map(|(_, item)| *item).collect::<Vec<_>>());
    }

    #[test]
    fn what_has_gone_and_what_has_come() {
        let found: Vec<_> = differences("a\nb\n", "b\nc\n").collect();
        assert_eq!(found, ["- a", "+ c"]);
    }
}
