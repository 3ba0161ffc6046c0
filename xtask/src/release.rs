//! What a release would publish, without publishing: order, versions, changelog, contents of the packages.
use crate::{Result, process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

/// A crate that is published.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Crate {
    name: String,
    version: String,
    /// What every package must say of itself and this one does not.
    unsaid: Vec<&'static str>,
    /// The crates of this workspace that it needs, and the versions it asks for.
    needs: BTreeMap<String, String>,
}

/// Checks all of it and prints the order.
pub fn run() -> Result {
    let metadata = process::cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let crates = read(&serde_json::from_str(&process::output(metadata)?)?);
    let mut wrong = wrong(&crates);
    let order = order(&crates)?;
    let version = crates.first().map(|one| one.version.as_str()).unwrap_or_default();
    let changelog = fs::read_to_string(process::root().join("CHANGELOG.md")).unwrap_or_default();
    if !has_version(&changelog, version) {
        wrong.push(format!("CHANGELOG.md has no heading for {version}"));
    }
    for name in &order {
        let list = process::cargo(&["package", "--list", "--allow-dirty", "--package", name]);
        let list = process::output(list)?;
        let files: Vec<&str> = list.lines().collect();
        if !files.iter().any(|file| matches!(*file, "src/lib.rs" | "src/main.rs")) {
            wrong.push(format!("the package of {name} has no source"));
        }
        println!("  {name} {version}: {} files", files.len());
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("not ready\n  {}", wrong.join("\n  ")).into()) }
}

/// The published crates, out of `cargo metadata`.
fn read(metadata: &Value) -> Vec<Crate> {
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    // `publish = false` is an empty list of registries.
    let published: Vec<_> = packages
        .iter()
        .filter(|package| package["publish"].as_array().is_none_or(|list| !list.is_empty()))
        .collect();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let names: Vec<String> = published.iter().map(|package| text(&package["name"])).collect();
    let needs = |package: &Value| {
        let all = package["dependencies"].as_array().into_iter().flatten();
        // A dependency of tests has to be there too, unless it is by path alone: then the package leaves it out.
        let ours = all.filter(|need| names.contains(&text(&need["name"])));
        let ours = ours.filter(|need| !(need["kind"] == "dev" && need["req"] == "*"));
        ours.map(|need| (text(&need["name"]), text(&need["req"]))).collect()
    };
    let unsaid = |package: &Value| {
        let fields = ["description", "license", "rust_version"];
        fields.into_iter().filter(|field| package[*field].as_str().is_none_or(str::is_empty)).collect()
    };
    let one = |package: &&Value| Crate {
        name: text(&package["name"]),
        version: text(&package["version"]),
        unsaid: unsaid(package),
        needs: needs(package),
    };
    published.iter().map(one).collect()
}

/// What keeps the crates from being published as they are.
fn wrong(crates: &[Crate]) -> Vec<String> {
    let mut wrong = Vec::new();
    for one in crates {
        let name = &one.name;
        wrong.extend(one.unsaid.iter().map(|field| format!("{name} has no {field}")));
        if one.version != crates[0].version {
            wrong.push(format!("{name} is {}, {} is {}", one.version, crates[0].name, crates[0].version));
        }
        for (need, requirement) in &one.needs {
            let wanted = format!("={}", crates[0].version);
            if *requirement != wanted {
                wrong.push(format!("{name} asks for {need} {requirement}, not {wanted}"));
            }
        }
    }
    wrong
}

/// The crates so that each comes after those it needs.
fn order(crates: &[Crate]) -> Result<Vec<String>> {
    let mut order: Vec<String> = Vec::new();
    while order.len() < crates.len() {
        let ready =
            |one: &&Crate| !order.contains(&one.name) && one.needs.keys().all(|need| order.contains(need));
        let Some(next) = crates.iter().find(ready) else {
            let left = crates.iter().filter(|one| !order.contains(&one.name)).map(|one| one.name.as_str());
            return Err(format!("these need each other: {}", Vec::from_iter(left).join(", ")).into());
        };
        order.push(next.name.clone());
    }
    Ok(order)
}

/// Whether a changelog has a heading for a version: `## 0.1.0`, `## [0.1.0] - 2025-01-01`.
fn has_version(changelog: &str, version: &str) -> bool {
    let mut headings = changelog.lines().filter_map(|line| line.strip_prefix("## "));
    headings.any(|heading| heading.split([' ', '[', ']', ',']).any(|word| word == version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(name: &str, needs: &[&str]) -> Crate {
        let needs = needs.iter().map(|need| ((*need).to_owned(), "=0.1.0".to_owned())).collect();
        Crate { name: name.into(), version: "0.1.0".into(), unsaid: vec![], needs }
    }

    #[test]
    fn what_is_needed_comes_first() {
        let crates = [one("tool", &["api"]), one("api", &["types"]), one("types", &[])];
        assert_eq!(order(&crates).unwrap(), ["types", "api", "tool"]);
    }

    #[test]
    fn a_circle_is_told() {
        let error = order(&[one("a", &["b"]), one("b", &["a"])]).unwrap_err();
        assert!(error.to_string().contains("a, b"), "{error}");
    }

    #[test]
    fn versions_are_one() {
        let mut other = one("b", &["a"]);
        assert!(wrong(&[one("a", &[]), other.clone()]).is_empty());
        other.version = "0.2.0".into();
        assert_eq!(wrong(&[one("a", &[]), other.clone()]).len(), 1);
        other.needs.insert("a".into(), "^0.1".into());
        assert_eq!(wrong(&[one("a", &[]), other]).len(), 2);
    }

    #[test]
    fn private_crates_and_paths_of_tests_are_left_out() {
        let metadata = json!({ "packages": [
            { "name": "a", "version": "0.1.0", "license": "x", "description": "x", "rust_version": "1", "publish": null,
              "dependencies": [{ "name": "b", "kind": "dev", "req": "*" }, { "name": "b", "kind": null, "req": "=0.1.0" }] },
            { "name": "b", "version": "0.1.0", "license": "x", "description": "x", "rust_version": "1", "publish": null,
              "dependencies": [{ "name": "a", "kind": "dev", "req": "*" }] },
            { "name": "tests", "version": "0.1.0", "publish": [], "dependencies": [] },
        ]});
        assert_eq!(read(&metadata), [one("a", &["b"]), one("b", &[])]);
    }

    #[test]
    fn a_heading_names_the_version() {
        assert!(has_version("# Changes\n\n## [0.1.0] - today\n", "0.1.0"));
        assert!(has_version("## 0.1.0\n", "0.1.0"));
        assert!(!has_version("since 0.1.0\n## 0.1.01\n", "0.1.0"));
    }
}
