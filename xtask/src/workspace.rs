//! The tree as the rules see it: files with their text, crates with their dependencies.
//!
//! Rules take this value instead of reading the disk, so that their tests can hand them a tree of two lines.

use cargo_metadata::{
    DependencyKind, Metadata, MetadataCommand, Package,
    camino::{Utf8Path, Utf8PathBuf},
    semver::Version,
};
use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Everything a rule may look at.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) files: Vec<File>,
    pub(crate) members: Vec<Member>,
    /// Packages of others that our users compile with ours.
    pub(crate) foreign: Vec<Foreign>,
}

/// A text file under version control, or about to be.
pub(crate) struct File {
    /// Path from the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A crate of this workspace.
#[derive(Default)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Folder from the root, with `/`.
    pub(crate) folder: String,
    pub(crate) description: Option<String>,
    pub(crate) license: Option<String>,
    pub(crate) repository: Option<String>,
    pub(crate) documentation: Option<String>,
    pub(crate) readme: Option<String>,
    pub(crate) keywords: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) published: bool,
    pub(crate) rust_version: Option<Version>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: Vec<String>,
    /// Folders from the root, with `/`, that hold the code of its targets.
    pub(crate) code_folders: Vec<String>,
}

/// A dependency as a crate of ours declares it.
pub(crate) struct Dependency {
    /// The package.
    pub(crate) name: String,
    /// Its library, as code names it.
    pub(crate) library: String,
    pub(crate) kind: DependencyKind,
    /// Whether it is behind a feature.
    pub(crate) optional: bool,
}

/// A package of somebody else.
pub(crate) struct Foreign {
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) rust_version: Option<Version>,
}

/// A sentence for a person.
#[derive(Debug)]
pub(crate) struct Error(pub(crate) String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Workspace {
    /// Reads the workspace this program was built from.
    pub(crate) fn load() -> Result<Self, Error> {
        let metadata = MetadataCommand::new()
            .exec()
            .map_err(|error| Error(format!("cargo metadata cannot be read: {error}")))?;
        let root = PathBuf::from(&metadata.workspace_root);
        let files = read_files(&root)?;
        let members =
            metadata.workspace_packages().into_iter().map(|package| member(&metadata, package)).collect();
        let foreign = foreign(&metadata)?;
        Ok(Self { root, files, members, foreign })
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Rust files of a crate that are part of its library or programs: not its tests, examples and benches.
    pub(crate) fn sources<'a>(&'a self, member: &'a Member) -> impl Iterator<Item = &'a File> {
        let prefix = format!("{}/src/", member.folder);
        self.files
            .iter()
            .filter(move |file| file.path.starts_with(&prefix) && file.has_extension("rs") && !file.is_test())
    }
}

impl File {
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }

    /// A module that is compiled for tests alone, by the name we give to such modules.
    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }
}

fn read_files(root: &Path) -> Result<Vec<File>, Error> {
    let listing = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root)
        .output()
        .map_err(|error| Error(format!("git ls-files cannot be run: {error}")))?;
    if !listing.status.success() {
        return Err(Error(format!("git ls-files failed: {}", String::from_utf8_lossy(&listing.stderr))));
    }
    let mut files = Vec::new();
    for path in String::from_utf8_lossy(&listing.stdout).split_terminator('\0') {
        // Not text: a picture, DER, or a file that was deleted and not yet committed.
        if let Ok(text) = fs::read_to_string(root.join(path)) {
            files.push(File { path: path.to_owned(), text });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    Ok(files)
}

fn member(metadata: &Metadata, package: &Package) -> Member {
    let from_root = |folder: &Utf8Path| {
        let folder = without_dots(folder);
        folder.strip_prefix(&metadata.workspace_root).unwrap_or(&folder).as_str().replace('\\', "/")
    };
    let folder = from_root(package.manifest_path.parent().unwrap_or(&package.manifest_path));
    let targets = package.targets.iter().filter_map(|target| target.src_path.parent()).map(from_root);
    Member {
        name: package.name.to_string(),
        version: package.version.to_string(),
        code_folders: targets.chain([folder.clone()]).collect(),
        folder,
        description: package.description.clone(),
        license: package.license.clone(),
        repository: package.repository.clone(),
        documentation: package.documentation.clone(),
        readme: package.readme.as_ref().map(ToString::to_string),
        keywords: package.keywords.clone(),
        categories: package.categories.clone(),
        published: package.publish.as_ref().is_none_or(|registries| !registries.is_empty()),
        rust_version: package.rust_version.clone(),
        dependencies: package
            .dependencies
            .iter()
            .map(|dependency| Dependency {
                name: dependency.name.clone(),
                library: library(metadata, dependency),
                kind: dependency.kind,
                optional: dependency.optional,
            })
            .collect(),
        features: package.features.keys().cloned().collect(),
    }
}

/// The path without its `..`, each of which takes a component before it away.
fn without_dots(path: &Utf8Path) -> Utf8PathBuf {
    let mut plain = Utf8PathBuf::new();
    for component in path.components() {
        if component.as_str() == ".." {
            plain.pop();
        } else {
            plain.push(component);
        }
    }
    plain
}

/// The name under which code uses a dependency: the one that the manifest gives it, or the one that its library has.
fn library(metadata: &Metadata, dependency: &cargo_metadata::Dependency) -> String {
    let package = metadata.packages.iter().find(|package| package.name.as_str() == dependency.name);
    let target = package
        .and_then(|package| package.targets.iter().find(|target| target.is_lib() || target.is_proc_macro()));
    let name = dependency.rename.as_ref().or(target.map(|target| &target.name)).unwrap_or(&dependency.name);
    name.replace('-', "_")
}

/// The packages reachable from our published crates without a dev-dependency.
fn foreign(metadata: &Metadata) -> Result<Vec<Foreign>, Error> {
    let resolve = metadata.resolve.as_ref().ok_or_else(|| Error("cargo metadata has no graph".to_owned()))?;
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let packages: BTreeMap<_, _> = metadata.packages.iter().map(|package| (&package.id, package)).collect();
    let mut queue: Vec<_> = metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| package.publish.as_ref().is_none_or(|registries| !registries.is_empty()))
        .map(|package| &package.id)
        .collect();
    let mut seen = BTreeMap::new();
    while let Some(id) = queue.pop() {
        if seen.contains_key(id) {
            continue;
        }
        seen.insert(id, packages.get(id));
        let Some(node) = nodes.get(id) else { continue };
        queue.extend(node.deps.iter().filter_map(|dependency| {
            let shipped = dependency.dep_kinds.iter().any(|info| info.kind != DependencyKind::Development);
            shipped.then_some(&dependency.pkg)
        }));
    }
    Ok(seen
        .values()
        .flatten()
        .filter(|package| package.source.is_some())
        .map(|package| Foreign {
            name: package.name.to_string(),
            version: package.version.clone(),
            rust_version: package.rust_version.clone(),
        })
        .collect())
}
