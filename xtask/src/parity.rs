//! The registry against Python's `HfApi`: every method, every keyword.
use crate::Result;
use crate::process::root;
use crate::python::{self, PythonMethod};
use std::fmt;

/// What of Python's is something else than a method of the registry here, and what.
const ELSEWHERE: &[(&str, &str)] = &[(
    "run_as_future",
    "HfApi::run_as_future, a function over requests: what it takes cannot come from JSON",
)];

/// A method of the registry, as far as it is compared.
#[derive(Debug)]
struct Ours<'a> {
    name: &'a str,
    /// Parameters of the request, and whether they must be given.
    params: Vec<(&'a str, bool)>,
    /// Keywords that belong to the handle.
    handle: &'a [&'a str],
}

/// A difference from Python.
#[derive(Debug, PartialEq, Eq)]
enum Gap<'a> {
    Method(&'a str),
    Param { method: &'a str, param: &'a str },
    Required { method: &'a str, param: &'a str, ours: bool },
    NotPythons { method: &'a str, handle: &'a str },
    Untested(&'a str),
}

impl fmt::Display for Gap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method(name) => write!(f, "{name} is missing"),
            Self::Param { method, param } => write!(f, "{method} does not take {param}"),
            Self::Required { method, param, ours: true } => {
                write!(f, "{method} requires {param}, which Python lets one leave out")
            }
            Self::Required { method, param, ours: false } => {
                write!(f, "{method} lets one leave out {param}, which Python requires")
            }
            Self::NotPythons { method, handle } => {
                write!(f, "{method} takes {handle} for the handle, which Python does not know")
            }
            Self::Untested(name) => write!(f, "{name} is called by no end-to-end test"),
        }
    }
}

/// Compares, and fails if more is missing than the methods that may be.
pub fn run(allowed: &[&str]) -> Result {
    let theirs = python::methods();
    let methods = hub_client::methods();
    let ours: Vec<Ours> = methods
        .iter()
        .map(|method| Ours {
            name: method.spec.name,
            params: method.spec.params.iter().map(|param| (param.name, param.required)).collect(),
            handle: hub_client::handle_params(method.spec.name),
        })
        .collect();
    let tests = end_to_end_tests()?;
    let mut gaps = gaps(&theirs, &ours);
    gaps.extend(untested(&ours, &tests));
    let (missing, known): (Vec<_>, Vec<_>) =
        gaps.iter().partition(|gap| !matches!(gap, Gap::Method(name) if allowed.contains(name)));

    let params: usize = theirs.iter().map(|method| method.params.len()).sum();
    println!("{} of {} methods, {params} keywords", theirs.len() - count_methods(&gaps), theirs.len());
    for (name, place) in ELSEWHERE {
        println!("  {name} is {place}");
    }
    for gap in known {
        println!("  {gap}, for now");
    }
    for name in allowed.iter().filter(|name| ours.iter().any(|method| method.name == **name)) {
        println!("  {name} is there; --allow need not name it");
    }
    if missing.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = missing.iter().map(ToString::to_string).collect();
    Err(format!("the registry differs from Python's HfApi\n  {}", lines.join("\n  ")).into())
}

fn count_methods(gaps: &[Gap<'_>]) -> usize {
    gaps.iter().filter(|gap| matches!(gap, Gap::Method(_))).count()
}

/// The text of all end-to-end tests.
fn end_to_end_tests() -> Result<String> {
    let folder = root().join("tests/tests/e2e");
    let mut text = String::new();
    for entry in std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        text.push_str(&std::fs::read_to_string(entry?.path())?);
    }
    Ok(text)
}

/// The methods that no end-to-end test calls.
fn untested<'a>(ours: &[Ours<'a>], tests: &str) -> Vec<Gap<'a>> {
    let called = |name: &str| tests.contains(&format!(".{name}("));
    ours.iter().filter(|method| !called(method.name)).map(|method| Gap::Untested(method.name)).collect()
}

/// All that differs, in Python's order.
fn gaps<'a>(theirs: &[PythonMethod<'a>], ours: &[Ours<'a>]) -> Vec<Gap<'a>> {
    let mut gaps = Vec::new();
    for python in theirs.iter().filter(|method| !ELSEWHERE.iter().any(|(name, _)| *name == method.name)) {
        let method = python.name;
        let Some(known) = ours.iter().find(|ours| ours.name == method) else {
            gaps.push(Gap::Method(method));
            continue;
        };
        for param in &python.params {
            let (param, required) = (param.name, param.required);
            match known.params.iter().find(|(name, _)| *name == param) {
                Some(&(_, ours)) if ours != required => gaps.push(Gap::Required { method, param, ours }),
                Some(_) => {}
                None if known.handle.contains(&param) => {}
                None => gaps.push(Gap::Param { method, param }),
            }
        }
        let strange =
            known.handle.iter().filter(|handle| python.params.iter().all(|param| param.name != **handle));
        gaps.extend(strange.map(|handle| Gap::NotPythons { method, handle }));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "like\trepo_id repo_type? token?\nrun_as_future\tfn\n";

    fn like<'a>(params: &[(&'a str, bool)], handle: &'a [&'a str]) -> Ours<'a> {
        Ours { name: "like", params: params.to_vec(), handle }
    }

    #[test]
    fn the_same_has_no_gap() {
        let ours = [like(&[("repo_id", true), ("repo_type", false)], &["token"])];
        assert_eq!(gaps(&python::read(TABLE), &ours), []);
    }

    #[test]
    fn a_missing_method_is_told_once() {
        assert_eq!(gaps(&python::read(TABLE), &[]), [Gap::Method("like")]);
    }

    #[test]
    fn a_method_that_no_test_calls_is_told() {
        let ours = [like(&[("repo_id", true)], &["token"])];
        assert_eq!(untested(&ours, "api.unlike(it).await"), [Gap::Untested("like")]);
        assert_eq!(untested(&ours, "api\n    .like(it).await"), []);
    }

    #[test]
    fn a_missing_keyword_is_told() {
        let ours = [like(&[("repo_id", true)], &["token"])];
        assert_eq!(gaps(&python::read(TABLE), &ours), [Gap::Param { method: "like", param: "repo_type" }]);
    }

    #[test]
    fn what_must_be_given_is_the_same() {
        let ours = [like(&[("repo_id", false), ("repo_type", true)], &["token"])];
        assert_eq!(
            gaps(&python::read(TABLE), &ours),
            [
                Gap::Required { method: "like", param: "repo_id", ours: false },
                Gap::Required { method: "like", param: "repo_type", ours: true },
            ]
        );
    }

    #[test]
    fn the_handle_takes_only_what_python_knows() {
        let ours = [like(&[("repo_id", true), ("repo_type", false)], &["token", "timeout"])];
        let told = gaps(&python::read(TABLE), &ours);
        assert_eq!(told, [Gap::NotPythons { method: "like", handle: "timeout" }]);
    }
}
