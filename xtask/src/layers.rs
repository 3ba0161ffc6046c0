//! Who may use whom: checked from what cargo knows, so that a layer cannot grow a dependency unseen.
use crate::{Result, process};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The crates that each crate may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("hub-types", &[]),
    ("hub-http", &["hub-types"]),
    ("hub-api", &["hub-types", "hub-http"]),
    ("hub-safetensors", &[]),
    ("hub-cache", &["hub-types", "hub-http", "hub-api"]),
    ("hub-upload", &["hub-types", "hub-http", "hub-api"]),
    ("hub-local", &["hub-types", "hub-api"]),
    ("hub-client", &["hub-types", "hub-http", "hub-api", "hub-safetensors", "hub-cache", "hub-upload"]),
    ("hub-cli", &ALL),
    ("hub-tests", &ALL),
    ("xtask", &["hub-client"]),
];

const ALL: [&str; 8] = [
    "hub-types",
    "hub-http",
    "hub-api",
    "hub-safetensors",
    "hub-cache",
    "hub-upload",
    "hub-local",
    "hub-client",
];

/// What a crate may use besides, when one of its features is on.
const WITH_FEATURE: &[(&str, &str, &[&str])] =
    &[("hub-safetensors", "remote", &["hub-types", "hub-http", "hub-api"])];

/// How many crates hub-types brings at most, itself included.
const MOST_CRATES_OF_TYPES: usize = 15;

/// The crates that come in more than one version, and who leaves no choice.
const SEVERAL_VERSIONS: &[(&str, &str)] = &[("getrandom", "ring 0.17 seeds itself with 0.2")];

/// A crate's use of another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Use {
    by: String,
    of: String,
    /// Whether only tests and examples use it.
    dev: bool,
    /// The features that bring it; `None` if it is always there.
    features: Option<BTreeSet<String>>,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} uses {}", self.by, self.of)?;
        match &self.features {
            Some(features) => {
                write!(f, " with {}", Vec::from_iter(features.iter().map(String::as_str)).join(", "))
            }
            None => Ok(()),
        }
    }
}

/// Checks all of it.
pub fn run() -> Result {
    let metadata = process::cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&process::output(metadata)?)?;
    let (crates, uses) = read(&metadata);
    let mut wrong = wrong_uses(&crates, &uses);

    let types = tree("hub-types")?;
    if types.len() > MOST_CRATES_OF_TYPES {
        let names = Vec::from_iter(types.iter().map(|(name, _)| name.as_str())).join(", ");
        wrong.push(format!(
            "hub-types brings {} crates, more than {MOST_CRATES_OF_TYPES}: {names}",
            types.len()
        ));
    }
    let tool = tree("hub-cli")?;
    wrong.extend(several_versions(&tool, SEVERAL_VERSIONS));
    if wrong.is_empty() {
        println!(
            "layers hold: {} crates of the workspace, hub-types brings {} crates, hub {}",
            crates.len(),
            types.len(),
            tool.len()
        );
        return Ok(());
    }
    Err(format!("the layers do not hold\n  {}", wrong.join("\n  ")).into())
}

/// The crates of the workspace and how they use each other, out of `cargo metadata`.
fn read(metadata: &Value) -> (BTreeSet<String>, Vec<Use>) {
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let crates: BTreeSet<String> = packages.iter().map(name).collect();
    let mut uses = Vec::new();
    for package in packages {
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let of = name(dependency);
            if crates.contains(&of) {
                let optional = dependency["optional"] == true;
                uses.push(Use {
                    by: name(package),
                    dev: dependency["kind"] == "dev",
                    features: optional.then(|| features_that_bring(&package["features"], &of)),
                    of,
                });
            }
        }
    }
    (crates, uses)
}

/// The features of a crate that switch an optional dependency on, by themselves or through others.
fn features_that_bring(features: &Value, dependency: &str) -> BTreeSet<String> {
    let table: BTreeMap<&str, Vec<&str>> = features
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, parts)| {
            (name.as_str(), parts.as_array().into_iter().flatten().filter_map(Value::as_str).collect())
        })
        .collect();
    let direct = |part: &str| {
        let part = part.strip_prefix("dep:").unwrap_or(part);
        // `name?/feature` switches nothing on.
        part == dependency || part.split_once('/').is_some_and(|(name, _)| name == dependency)
    };
    let mut found: BTreeSet<String> = BTreeSet::new();
    loop {
        let before = found.len();
        for (name, parts) in &table {
            if parts.iter().any(|part| direct(part) || found.contains(*part)) {
                found.insert((*name).to_owned());
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// The uses that break a rule, and the crates that no rule speaks of.
fn wrong_uses(crates: &BTreeSet<String>, uses: &[Use]) -> Vec<String> {
    let allowed = |name: &str| MAY_USE.iter().find(|(by, _)| *by == name).map(|(_, of)| *of);
    let unknown = crates.iter().filter(|name| allowed(name).is_none());
    let unknown = unknown.map(|name| format!("{name} is in no layer; say in layers.rs whom it may use"));
    let refused = uses.iter().filter(|link| {
        let always = allowed(&link.by).unwrap_or_default().contains(&link.of.as_str());
        let in_tests = link.dev && link.of == "hub-local";
        !(always || in_tests || behind_a_feature(link))
    });
    unknown.chain(refused.map(|link| format!("{link}, which its layer may not"))).collect()
}

/// Whether one use is there only with features that allow it.
fn behind_a_feature(link: &Use) -> bool {
    let gate = |feature: &str| {
        let mut gates = WITH_FEATURE.iter().filter(|(by, name, _)| *by == link.by && *name == feature);
        gates.any(|(_, _, of)| of.contains(&link.of.as_str()))
    };
    match &link.features {
        // Features that bring the allowed one are as good as it, unless they are on by default.
        Some(features) => features.iter().any(|feature| gate(feature)) && !features.contains("default"),
        None if link.dev => {
            WITH_FEATURE.iter().any(|(by, _, of)| *by == link.by && of.contains(&link.of.as_str()))
        }
        None => false,
    }
}

/// The crates that one brings on this system, with their versions, itself included.
fn tree(package: &str) -> Result<BTreeSet<(String, String)>> {
    let tree = process::cargo(&["tree", "--package", package, "--edges", "normal,build", "--prefix", "none"]);
    Ok(process::output(tree)?.lines().filter_map(crate_of_line).collect())
}

/// `serde v1.0.228 (*)` as name and version.
fn crate_of_line(line: &str) -> Option<(String, String)> {
    let mut words = line.split_whitespace();
    let name = words.next()?;
    let version = words.next()?.strip_prefix('v')?;
    Some((name.to_owned(), version.to_owned()))
}

/// The crates that come in more than one major version without an excuse, and the excuses that nothing needs.
fn several_versions(tree: &BTreeSet<(String, String)>, excused: &[(&str, &str)]) -> Vec<String> {
    let mut versions: BTreeMap<&str, BTreeMap<String, &str>> = BTreeMap::new();
    for (name, version) in tree {
        versions.entry(name).or_default().insert(major(version), version);
    }
    let mut wrong = Vec::new();
    for (name, majors) in &versions {
        if majors.len() > 1 && !excused.iter().any(|(excused, _)| excused == name) {
            let all = Vec::from_iter(majors.values().copied()).join(" and ");
            wrong.push(format!(
                "{name} comes in {all}; `cargo tree -p hub-cli -i {name}@VERSION` tells who asks"
            ));
        }
    }
    for (name, reason) in excused {
        if versions.get(name).is_none_or(|majors| majors.len() < 2) {
            wrong.push(format!("{name} comes in one version, and layers.rs excuses several ({reason})"));
        }
    }
    wrong
}

/// The part of a version that changes when compatibility breaks: `1` of 1.2.3, `0.2` of 0.2.17.
fn major(version: &str) -> String {
    let numbers: Vec<&str> = version.split(['.', '-', '+']).collect();
    match numbers.as_slice() {
        ["0", "0", patch, ..] => format!("0.0.{patch}"),
        ["0", minor, ..] => format!("0.{minor}"),
        [major, ..] => (*major).to_owned(),
        [] => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn link(by: &str, of: &str) -> Use {
        Use { by: by.into(), of: of.into(), dev: false, features: None }
    }

    fn wrong(link: Use) -> bool {
        let crates = [link.by.clone(), link.of.clone()].into_iter().filter(|name| !name.is_empty()).collect();
        !wrong_uses(&crates, &[link]).is_empty()
    }

    fn set(pairs: &[(&str, &str)]) -> BTreeSet<(String, String)> {
        pairs.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect()
    }

    #[test]
    fn a_layer_uses_only_those_below() {
        assert!(!wrong(link("hub-api", "hub-http")));
        assert!(wrong(link("hub-http", "hub-api")));
        assert!(wrong(link("hub-cache", "hub-upload")));
        assert!(wrong(link("hub-upload", "hub-cache")));
        assert!(wrong(link("hub-local", "hub-http")));
    }

    #[test]
    fn the_local_hub_is_for_tests() {
        assert!(wrong(link("hub-cache", "hub-local")));
        assert!(!wrong(Use { dev: true, ..link("hub-cache", "hub-local") }));
    }

    #[test]
    fn safetensors_is_remote_by_feature_only() {
        let with = |features: &[&str]| Use {
            features: Some(features.iter().map(|name| (*name).to_owned()).collect()),
            ..link("hub-safetensors", "hub-api")
        };
        assert!(wrong(link("hub-safetensors", "hub-api")));
        assert!(!wrong(with(&["remote"])));
        assert!(!wrong(with(&["remote", "blocking"])));
        assert!(wrong(with(&["other"])));
        assert!(wrong(with(&["default", "remote"])));
    }

    #[test]
    fn a_crate_without_a_layer_is_told() {
        assert!(wrong(link("hub-new", "hub-types")));
    }

    #[test]
    fn uses_are_read_from_metadata() {
        let metadata = json!({ "packages": [
            { "name": "hub-api", "features": {}, "dependencies": [
                { "name": "serde", "kind": null, "optional": false },
                { "name": "hub-local", "kind": "dev", "optional": false },
            ]},
            { "name": "hub-local", "dependencies": [], "features": {} },
            { "name": "hub-safetensors", "dependencies": [{ "name": "hub-api", "kind": null, "optional": true }],
              "features": { "remote": ["dep:hub-api"], "blocking": ["hub-api?/blocking"], "all": ["remote"] } },
        ]});
        let (crates, uses) = read(&metadata);
        assert_eq!(crates.len(), 3);
        let features = ["all".to_owned(), "remote".to_owned()].into();
        assert_eq!(
            uses,
            [
                Use { dev: true, ..link("hub-api", "hub-local") },
                Use { features: Some(features), ..link("hub-safetensors", "hub-api") },
            ]
        );
    }

    #[test]
    fn versions_that_are_compatible_count_as_one() {
        let tree = set(&[("a", "1.2.0"), ("a", "1.3.0"), ("b", "0.2.1"), ("b", "0.3.0")]);
        let told = several_versions(&tree, &[]);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("b comes in 0.2.1 and 0.3.0"), "{told:?}");
        assert!(several_versions(&tree, &[("b", "c asks")]).is_empty());
    }

    #[test]
    fn an_excuse_that_nothing_needs_is_told() {
        assert_eq!(several_versions(&set(&[("a", "1.2.0")]), &[("a", "b asks")]).len(), 1);
    }

    #[test]
    fn lines_of_a_tree_are_read() {
        assert_eq!(crate_of_line("serde v1.0.228 (*)"), Some(("serde".into(), "1.0.228".into())));
        assert_eq!(crate_of_line(""), None);
        assert_eq!(crate_of_line("[build-dependencies]"), None);
    }
}
