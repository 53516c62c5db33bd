//! Projects outside the tree: an empty folder, a manifest, one program, and our crates as path dependencies.

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// The source of the crates in documents, until the first release.
const GIT: &str = "git = \"https://github.com/pgtls/pgtls\"";

/// A project of one program.
pub(crate) struct Project {
    name: &'static str,
    folder: TempDir,
}

impl Project {
    /// Writes the project. `dependencies` are the tables of dependencies, in which each of our crates has the source that the
    /// documents give it: here it is the folder of the crate.
    #[track_caller]
    pub(crate) fn new(name: &'static str, dependencies: &str, main: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let root = root();
        let workspace = fs::read_to_string(root.join("Cargo.toml")).unwrap();
        // The profiles of the tree, so that its compiled dependencies are used again.
        let profiles = &workspace[workspace.find("\n[profile.").unwrap()..];
        let dependencies: Vec<String> = dependencies.lines().map(|line| with_path(&root, line)).collect();
        let dependencies = dependencies.join("\n");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n{dependencies}\n{profiles}"
        );
        fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/main.rs"), main).unwrap();
        Self { name, folder }
    }

    /// Builds the program.
    #[track_caller]
    pub(crate) fn build(&self) -> PathBuf {
        // This test is target/<profile>/deps/suite-<hash>.
        let suite = env::current_exe().unwrap();
        let target = suite.ancestors().nth(3).unwrap();
        let output = self.cargo("build").args(["--quiet", "--target-dir"]).arg(target).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} does not build: {text}", self.name);
        target.join("debug").join(self.name).with_extension(env::consts::EXE_EXTENSION)
    }

    /// The features of our crates in the project, dev-dependencies included.
    #[track_caller]
    pub(crate) fn features(&self) -> BTreeMap<String, BTreeSet<String>> {
        let output = self.cargo("metadata").args(["--format-version", "1"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let names: BTreeMap<_, _> = metadata["packages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|package| (package["id"].as_str().unwrap(), package["name"].as_str().unwrap()))
            .collect();
        let nodes = metadata["resolve"]["nodes"].as_array().unwrap().iter();
        nodes
            .map(|node| (names[node["id"].as_str().unwrap()], node["features"].as_array().unwrap()))
            .filter(|(name, _)| *name != self.name && (*name == "pgtls" || name.starts_with("pgtls-")))
            .map(|(name, features)| {
                let features = features.iter().map(|feature| feature.as_str().unwrap().to_owned());
                (name.to_owned(), features.collect())
            })
            .collect()
    }

    fn cargo(&self, command: &str) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(self.folder.path()).arg(command);
        cargo
    }
}

/// The root of the tree.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A line of a manifest, with the folder of our crate in the place of its repository.
fn with_path(root: &Path, line: &str) -> String {
    let name = line.split_once(" = ").map_or("", |(name, _)| name);
    let folder = root.join("crates").join(name);
    line.replace(GIT, &format!("path = {:?}", folder.to_str().unwrap()))
}
