//! What is known of every method without calling it.
use crate::{Error, HfApi, List, Request, Result, Run};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::Value;

/// The methods of this crate, by module.
pub static METHODS: &[&[Method]] = &[
    crate::access_requests::METHODS,
    crate::account::METHODS,
    crate::collections::METHODS,
    crate::discussions::METHODS,
    crate::inference_endpoints::METHODS,
    crate::likes::METHODS,
    crate::papers::METHODS,
    crate::repos::METHODS,
    crate::spaces::METHODS,
    crate::tags::METHODS,
    crate::users::METHODS,
    crate::webhooks::METHODS,
];

/// What is known about a method without calling it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Spec {
    /// Its name: `model_info`.
    pub name: &'static str,
    /// The module that declares it: `hub_api::repos::refs`.
    pub module: &'static str,
    /// Its documentation.
    pub doc: &'static str,
    /// Its parameters in order.
    pub params: &'static [Param],
    /// What it returns.
    pub output: &'static str,
}

impl Spec {
    /// Collects what a declaration says; for the macros.
    #[doc(hidden)]
    pub const fn new(
        name: &'static str,
        module: &'static str,
        doc: &'static str,
        params: &'static [Param],
        output: &'static str,
    ) -> Self {
        Self { name, module, doc, params, output }
    }

    /// What it returns, as one would write it: `Vec<GitCommitInfo>`.
    pub fn output_name(&self) -> String {
        type_name(self.output)
    }
}

/// One parameter of a method.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Param {
    /// Its name: `revision`.
    pub name: &'static str,
    /// Its type: `Option<Arg<Revision>>`.
    pub ty: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// Its documentation.
    pub doc: &'static str,
}

impl Param {
    /// Collects what a declaration says; for the macros.
    #[doc(hidden)]
    pub const fn new(name: &'static str, ty: &'static str, required: bool, doc: &'static str) -> Self {
        // A parameter named as a word of the language, `type`, is declared as `r#type`.
        let raw = matches!(name.as_bytes(), [b'r', b'#', ..]);
        Self { name: if raw { name.split_at(2).1 } else { name }, ty, required, doc }
    }

    /// Its type, as one would think of it: `Option<Revision>`.
    ///
    /// [`Arg`](crate::Arg) is about how values are given, and is left out.
    pub fn type_name(&self) -> String {
        type_name(self.ty)
    }
}

/// The tokens of a type, spaced as people do and without `Arg`.
fn type_name(tokens: &str) -> String {
    let mut name: String = tokens.split_whitespace().collect();
    while let Some(start) = name.match_indices("Arg<").map(|(at, _)| at).find(|&at| is_word_start(&name, at))
    {
        let inner = start + "Arg<".len();
        let mut depth = 1;
        let end = name[inner..].find(|c| {
            depth += match c {
                '<' => 1,
                '>' => -1,
                _ => 0,
            };
            depth == 0
        });
        let Some(end) = end else { break };
        name.remove(inner + end);
        name.replace_range(start..inner, "");
    }
    name.replace(',', ", ")
}

fn is_word_start(text: &str, at: usize) -> bool {
    !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

type Call = fn(HfApi, Value) -> BoxFuture<'static, Result<Value>>;
type Stream = fn(HfApi, Value) -> BoxStream<'static, Result<Value>>;
type Count = fn(HfApi, Value) -> BoxFuture<'static, Result<usize>>;

/// A row of the registry: what is known of a method, and how to call it from JSON to JSON.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Method {
    /// What is known of it.
    pub spec: Spec,
    /// Calls it with keyword arguments.
    pub call: Call,
    /// Calls it and gives the items one by one, if it lists.
    pub stream: Option<Stream>,
    /// Calls it and counts the items, if it lists page by page.
    pub count: Option<Count>,
}

impl Method {
    /// The row of a method with one result.
    pub const fn of<R: Run>() -> Self {
        Self { spec: R::SPEC, call: call::<R>, stream: None, count: None }
    }

    /// The row of a method whose result is a list that comes in one piece.
    pub const fn lines_of<R: Run>() -> Self {
        Self { spec: R::SPEC, call: call::<R>, stream: Some(lines::<R>), count: None }
    }

    /// The row of a listing.
    pub const fn list_of<L: List + Run>() -> Self {
        Self { spec: L::SPEC, call: call::<L>, stream: Some(items::<L>), count: Some(count::<L>) }
    }
}

fn read<R: Request>(args: Value) -> Result<R> {
    serde_json::from_value(args).map_err(|error| Error::invalid(format!("{}: {error}", R::SPEC.name)))
}

fn json<T: serde::Serialize>(value: T, name: &str) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| {
        Error::new(crate::ErrorKind::Decode, format!("{name}: the result is no JSON")).caused_by(error)
    })
}

fn call<R: Run>(api: HfApi, args: Value) -> BoxFuture<'static, Result<Value>> {
    async move { json(read::<R>(args)?.run(api).await?, R::SPEC.name) }.boxed()
}

fn lines<R: Run>(api: HfApi, args: Value) -> BoxStream<'static, Result<Value>> {
    let all = async move {
        match call::<R>(api, args).await {
            Ok(Value::Array(items)) => items.into_iter().map(Ok).collect(),
            other => vec![other],
        }
    };
    stream::once(all).flat_map(stream::iter).boxed()
}

fn items<L: List>(api: HfApi, args: Value) -> BoxStream<'static, Result<Value>> {
    match read::<L>(args) {
        Ok(request) => api.list(request).map(|item| json(item?, L::SPEC.name)).boxed(),
        Err(error) => stream::once(async { Err(error) }).boxed(),
    }
}

fn count<L: List>(api: HfApi, args: Value) -> BoxFuture<'static, Result<usize>> {
    async move { api.count(read::<L>(args)?).await }.boxed()
}

/// The parameters of a Python method that belong to the handle here: who asks, how patiently, through what.
///
/// They are accepted from JSON callers and bound to the handle: see [`HfApi::with_auth`], [`HfApi::with_timeout`].
pub fn handle_params(method: &str) -> &'static [&'static str] {
    match method {
        "get_dataset_tags" | "get_model_tags" | "paper_info" | "upload_large_folder" => &[],
        "model_info" | "dataset_info" | "space_info" | "repo_info" => &["token", "timeout"],
        "get_hf_file_metadata" => &["token", "timeout", "proxies"],
        "hf_hub_download" => &["token", "proxies"],
        "snapshot_download" => &["token", "proxies", "tqdm_class"],
        "create_commit" | "upload_file" | "upload_folder" => &["token", "run_as_future"],
        _ => &["token"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_without_how_they_are_given() {
        for (tokens, name) in [
            ("Option < Arg < Revision > >", "Option<Revision>"),
            ("Arg<RepoId>", "RepoId"),
            ("Many < BTreeMap < String , Arg<usize> > >", "Many<BTreeMap<String, usize>>"),
            ("Option<MyArg<u8>>", "Option<MyArg<u8>>"),
            ("()", "()"),
        ] {
            assert_eq!(type_name(tokens), name);
        }
    }

    #[test]
    fn a_method_knows_its_module() {
        let method = crate::repos::METHODS.iter().find(|method| method.spec.name == "create_tag").unwrap();
        assert_eq!(method.spec.module, "hub_api::repos::refs");
    }
}
