//! The methods of Python's `HfApi`, as a table: names, keyword names, and which of them must be given.

/// A method of Python's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonMethod<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its keyword names in order.
    pub params: Vec<PythonParam<'a>>,
}

/// A keyword of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PythonParam<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it must be given.
    pub required: bool,
}

/// All of them.
pub fn methods() -> Vec<PythonMethod<'static>> {
    read(include_str!("../data/methods.tsv"))
}

/// Reads lines of a name, a tab and keyword names; `?` after a keyword means that it may be left out.
pub fn read(table: &str) -> Vec<PythonMethod<'_>> {
    let lines = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.split_once('\t').unwrap_or((line, ""))).map(method).collect()
}

fn method<'a>((name, keywords): (&'a str, &'a str)) -> PythonMethod<'a> {
    let param = |word: &'a str| match word.strip_suffix('?') {
        Some(name) => PythonParam { name, required: false },
        None => PythonParam { name: word, required: true },
    };
    PythonMethod { name, params: keywords.split_whitespace().map(param).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_method() {
        let read = read("# head\nget_model_tags\t\nwhoami\ttoken?\nlike\trepo_id token?\n");
        assert_eq!(read.len(), 3);
        assert!(read[0].params.is_empty());
        assert_eq!(read[2].params[0], PythonParam { name: "repo_id", required: true });
        assert_eq!(read[2].params[1], PythonParam { name: "token", required: false });
    }

    #[test]
    fn the_table_has_each_method_once() {
        let names: std::collections::BTreeSet<_> = methods().iter().map(|method| method.name).collect();
        assert_eq!(names.len(), methods().len());
        assert_eq!(names.len(), 108);
    }
}
