//! The reference pages: docs/methods.md and docs/python.md, made of the registry.
use crate::python::{self, PythonMethod};
use crate::{Result, markdown, process, translate};
use hub_client::{Method, Spec};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

const NOTE: &str = "<!-- Written by `cargo xtask docs`; change the documentation of the method instead. -->";

/// Writes the pages.
pub fn write() -> Result {
    for (path, text) in pages() {
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Fails if a page is not what would be written.
pub fn check() -> Result {
    let stale =
        pages().into_iter().filter(|(path, text)| fs::read_to_string(path).ok().as_ref() != Some(text));
    let stale: Vec<String> = stale.map(|(path, _)| path.display().to_string()).collect();
    if stale.is_empty() {
        println!("docs/methods.md and docs/python.md are fresh");
        return Ok(());
    }
    Err(format!("stale: {}; run `cargo xtask docs`", stale.join(", ")).into())
}

fn pages() -> [(PathBuf, String); 2] {
    let methods = hub_client::methods();
    let docs = process::root().join("docs");
    let python = python::methods();
    [
        (docs.join("methods.md"), methods_page(&methods)),
        (docs.join("python.md"), python_page(&methods, &python)),
    ]
}

/// The methods by the noun that they are about.
fn by_noun<'a>(methods: &[&'a Method]) -> BTreeMap<String, Vec<&'a Spec>> {
    let mut nouns: BTreeMap<String, Vec<&Spec>> = BTreeMap::new();
    for method in methods {
        nouns.entry(noun(method.spec.module)).or_default().push(&method.spec);
    }
    nouns
}

/// `Inference endpoints` for `hub_api::inference_endpoints::create`.
fn noun(module: &str) -> String {
    let mut parts = module.split("::");
    let word = match (parts.next(), parts.next()) {
        (Some("hub_cache"), _) => "downloads",
        (Some("hub_upload"), _) => "uploads",
        (Some("hub_safetensors"), _) => "safetensors",
        (_, Some(module)) => module,
        (first, None) => first.unwrap_or_default(),
    };
    let words = word.replace('_', " ");
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

/// The list of nouns and their methods that each page begins with.
fn contents(nouns: &BTreeMap<String, Vec<&Spec>>) -> String {
    let line = |(noun, specs): (&String, &Vec<&Spec>)| {
        let links: Vec<String> = specs.iter().map(|spec| format!("[{0}](#{0})", spec.name)).collect();
        format!("- **{noun}**: {}\n", links.join(", "))
    };
    nouns.iter().map(line).collect()
}

fn methods_page(methods: &[&Method]) -> String {
    let nouns = by_noun(methods);
    let mut page = format!(
        "{NOTE}\n\n# Methods\n\n\
         Every method is called on a handle, `HfApi`: required parameters in the call, the others by setters, then\n\
         `.await`, or `.block()` without an async runtime. What answers page by page has `.stream()` too. From the\n\
         command line the same parameters are JSON: `hub call METHOD '{{\"repo_id\": \"me/model\"}}'`.\n\n\
         Errors have a `kind()`; the names under *Errors* are kinds.\n\n{}",
        contents(&nouns)
    );
    for (noun, specs) in &nouns {
        let _ = write!(page, "\n## {noun}\n");
        for spec in specs {
            page.push_str(&method_section(spec));
        }
    }
    page
}

fn method_section(spec: &Spec) -> String {
    let doc = markdown::read(spec.doc);
    let mut section = format!("\n### {}\n\n{}\n", spec.name, doc.prose);
    if !spec.params.is_empty() {
        section.push_str("\n| parameter | type | |\n|---|---|---|\n");
        for param in spec.params {
            let required = if param.required { "Required. " } else { "" };
            let (ty, doc) = (param.type_name().replace('|', "\\|"), markdown::cell(param.doc));
            let _ = writeln!(section, "| `{}` | `{ty}` | {required}{doc} |", param.name);
        }
    }
    let result = match spec.output_name() {
        unit if unit == "()" => "Returns nothing.".to_owned(),
        name => format!("Returns `{name}`."),
    };
    let _ = write!(section, "\n{result}\n");
    if let Some(example) = doc.example {
        let _ = write!(section, "\n```rust\n{example}\n```\n");
    }
    section
}

fn python_page(methods: &[&Method], python: &[PythonMethod<'_>]) -> String {
    let nouns = by_noun(methods);
    let mut page = format!(
        "{NOTE}\n\n# From Python to Rust\n\n\
         Methods and parameters keep the names of Python's `HfApi`. What differs everywhere:\n\n\
         - Required parameters are in the call, the others are setters; nothing happens before `.await` or `.block()`.\n\
         - `token` belongs to the handle: `api.with_token(\"hf_…\")`; so do timeouts and proxies.\n\
         - Iterators are streams: `.stream()`; `.await` collects them.\n\
         - `run_as_future=True` is `api.run_as_future(request)`, or `tokio::spawn(request.into_future())`.\n\
         - Exceptions are one `Error`; match on its `kind()`.\n\n{}",
        contents(&nouns)
    );
    for (noun, specs) in &nouns {
        let _ = write!(page, "\n## {noun}\n");
        for spec in specs {
            if let Some(python) = python.iter().find(|python| python.name == spec.name) {
                page.push_str(&python_section(spec, python));
            }
        }
    }
    page
}

fn python_section(spec: &Spec, python: &PythonMethod<'_>) -> String {
    let required: Vec<&str> =
        spec.params.iter().filter(|param| param.required).map(|param| param.name).collect();
    let example = markdown::read(spec.doc)
        .example
        .unwrap_or_else(|| format!("api.{}({}).await?;", spec.name, required.join(", ")));
    let call = translate::to_python(python, &required, &example);
    let names: Vec<String> = python.params.iter().map(|param| format!("`{}`", param.name)).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    format!(
        "\n### {}\n\n```python\n{call}\n```\n```rust\n{example}\n```\n\nPython's keywords: {names}. [Reference](methods.md#{0})\n",
        spec.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noun_is_the_module_of_a_crate_or_its_work() {
        assert_eq!(noun("hub_api::inference_endpoints::create"), "Inference endpoints");
        assert_eq!(noun("hub_cache::snapshot"), "Downloads");
    }

    #[test]
    fn a_section_has_what_a_caller_needs() {
        let method = hub_client::method("create_tag").unwrap();
        let section = method_section(&method.spec);
        assert!(section.starts_with("\n### create_tag\n\nCreates a tag"), "{section}");
        assert!(section.contains("| `repo_id` | `RepoId` | Required. The repository. |"), "{section}");
        assert!(section.contains("| `revision` | `Option<Revision>` |"), "{section}");
        assert!(section.contains("Returns nothing."), "{section}");
        assert!(section.contains("```rust\napi.create_tag("), "{section}");
    }

    #[test]
    fn python_and_rust_stand_side_by_side() {
        let spec = &hub_client::method("create_branch").unwrap().spec;
        let python = python::methods().into_iter().find(|method| method.name == spec.name).unwrap();
        let section = python_section(spec, &python);
        let call =
            r#"api.create_branch(repo_id="me/model", branch="experiment", revision="v1", exist_ok=True)"#;
        assert!(section.contains(call), "{section}");
    }

    #[test]
    fn every_method_is_in_the_contents() {
        let methods = hub_client::methods();
        let page = methods_page(&methods);
        assert!(methods.iter().all(|method| page.contains(&format!("[{0}](#{0})", method.spec.name))));
    }
}
