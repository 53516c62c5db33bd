//! Files that are written from the code. Each generator is a function in its own module; tidy compares.

mod divergences;
mod files;
mod header;
mod names;
mod negotiation;
mod parameters;
mod sslmode;
mod template;

use crate::workspace::{Error, Workspace};
use std::fs;

/// A file that is generated whole.
pub(crate) struct Generated {
    /// Path from the root.
    pub(crate) path: &'static str,
    pub(crate) content: fn() -> String,
}

/// All of them.
pub(crate) const GENERATED: &[Generated] = &[
    Generated { path: "crates/pgtls-ffi/include/pgtls.h", content: header::content },
    Generated { path: "docs/divergences.md", content: divergences::content },
    Generated { path: "docs/files.md", content: files::content },
    Generated { path: "docs/names.md", content: names::content },
    Generated { path: "docs/negotiation.md", content: negotiation::content },
    Generated { path: "docs/parameters.md", content: parameters::content },
    Generated { path: "docs/sslmode.md", content: sslmode::content },
];

/// Writes those that are stale.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Error> {
    for generated in GENERATED {
        let content = (generated.content)();
        if workspace.file(generated.path).is_some_and(|file| file.text == content) {
            println!("{} is fresh", generated.path);
            continue;
        }
        fs::write(workspace.root.join(generated.path), content)
            .map_err(|error| Error(format!("{} cannot be written: {error}", generated.path)))?;
        println!("{} is written", generated.path);
    }
    Ok(())
}
