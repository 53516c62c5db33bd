//! Files that are written from the code. Each generator is a function in its own module; tidy compares.

mod cross_reference;
mod divergences;
mod files;
mod header;
mod names;
mod negotiation;
mod parameters;
pub(crate) mod performance;
mod readme;
mod sslmode;
mod template;

use crate::workspace::{Error, Workspace};
use std::fs;

/// A file that is generated whole.
pub(crate) struct Generated {
    /// Path from the root.
    pub(crate) path: String,
    pub(crate) content: String,
}

/// All of them.
pub(crate) fn generated(workspace: &Workspace) -> Vec<Generated> {
    let documents = [
        ("crates/pgtls-ffi/include/pgtls.h", header::content()),
        (cross_reference::TABLE, cross_reference::content(workspace)),
        ("docs/divergences.md", divergences::content()),
        ("docs/files.md", files::content()),
        ("docs/names.md", names::content()),
        ("docs/negotiation.md", negotiation::content()),
        ("docs/parameters.md", parameters::content()),
        (performance::PAGE, performance::page_content()),
        (performance::CHART, performance::chart_content()),
        ("docs/sslmode.md", sslmode::content()),
    ];
    let documents = documents.into_iter().map(|(path, content)| Generated { path: path.to_owned(), content });
    let published = workspace.members.iter().filter(|member| member.published);
    let readmes = published.map(|member| Generated {
        path: format!("{}/{}", member.folder, readme::NAME),
        content: readme::content(workspace, member),
    });
    documents.chain(readmes).collect()
}

/// Writes those that are stale.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Error> {
    for Generated { path, content } in generated(workspace) {
        if workspace.file(&path).is_some_and(|file| file.text == content) {
            println!("{path} is fresh");
            continue;
        }
        fs::write(workspace.root.join(&path), content)
            .map_err(|error| Error(format!("{path} cannot be written: {error}")))?;
        println!("{path} is written");
    }
    Ok(())
}
