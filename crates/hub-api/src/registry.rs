//! What is known of every method without calling it.
use crate::request::perform;
use crate::{Error, HfApi, List, Request, Result, Run};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use std::io::{BufWriter, Write};

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

type Call = fn(HfApi, Value) -> BoxFuture<'static, Result<Box<dyn Json>>>;
type Stream = fn(HfApi, Value) -> BoxStream<'static, Result<Box<dyn Json>>>;
type Count = fn(HfApi, Value) -> BoxFuture<'static, Result<usize>>;

/// A result whose type only its method knows.
///
/// It is written rather than turned into a tree of values, which for a large model takes longer to build than the
/// answer to fetch.
pub trait Json: Send {
    /// Writes the result as JSON text in one line.
    ///
    /// # Errors
    /// The text cannot be written, or the result has no form in JSON.
    fn write_json(&self, out: &mut dyn Write) -> serde_json::Result<()>;
}

impl<T: Serialize + Send> Json for T {
    fn write_json(&self, out: &mut dyn Write) -> serde_json::Result<()> {
        // JSON is written by the character, which should not be a virtual call each.
        let mut out = BufWriter::new(out);
        serde_json::to_writer(&mut out, self)?;
        out.flush().map_err(serde_json::Error::io)
    }
}

impl fmt::Display for dyn Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.write_json(&mut text).map_err(|_| fmt::Error)?;
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// A list that is printed item by item.
#[doc(hidden)]
pub trait Lines {
    /// Takes the items.
    fn lines(self) -> impl Iterator<Item = Box<dyn Json>> + Send;
}

impl<T: Serialize + Send + 'static> Lines for Vec<T> {
    fn lines(self) -> impl Iterator<Item = Box<dyn Json>> + Send {
        self.into_iter().map(|item| Box::new(item) as Box<dyn Json>)
    }
}

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
    pub const fn lines_of<R: Run<Output: Lines>>() -> Self {
        Self { spec: R::SPEC, call: call::<R>, stream: Some(lines::<R>), count: None }
    }

    /// The row of a listing.
    pub const fn list_of<L: List + Run>() -> Self {
        Self { spec: L::SPEC, call: call::<L>, stream: Some(items::<L>), count: Some(count::<L>) }
    }
}

fn read<R: Request>(args: Value) -> Result<R> {
    R::deserialize(&args).map_err(|error| {
        let why = error.to_string();
        let message =
            match culprit(&args, &why, &|args| R::deserialize(args).err().map(|error| error.to_string())) {
                Some(name) => format!("{}: `{name}`: {why}", R::SPEC.name),
                None => format!("{}: {why}", R::SPEC.name),
            };
        Error::invalid(message)
    })
}

/// The argument that an error is about: the one without which it would be another.
fn culprit<'a>(
    args: &'a Value,
    error: &str,
    error_of: &dyn Fn(&Value) -> Option<String>,
) -> Option<&'a String> {
    args.as_object()?.keys().find(|name| {
        let mut others = args.clone();
        others.as_object_mut().and_then(|others| others.remove(*name));
        error_of(&others).as_deref() != Some(error)
    })
}

fn call<R: Run>(api: HfApi, args: Value) -> BoxFuture<'static, Result<Box<dyn Json>>> {
    async move { Ok(Box::new(perform(read::<R>(args)?, api).await?) as Box<dyn Json>) }.boxed()
}

fn lines<R: Run<Output: Lines>>(api: HfApi, args: Value) -> BoxStream<'static, Result<Box<dyn Json>>> {
    let all =
        async move { Ok::<_, Error>(stream::iter(perform(read::<R>(args)?, api).await?.lines().map(Ok))) };
    stream::once(all).try_flatten().boxed()
}

fn items<L: List>(api: HfApi, args: Value) -> BoxStream<'static, Result<Box<dyn Json>>> {
    match read::<L>(args) {
        Ok(request) => api.list(request).map_ok(|item| Box::new(item) as Box<dyn Json>).boxed(),
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
    fn an_argument_of_the_wrong_type_is_named() {
        use crate::repos::refs::CreateTagRequest as Tag;
        let refusal = |args| read::<Tag>(args).unwrap_err().to_string();
        let message = refusal(serde_json::json!({ "repo_id": "a", "tag": 1 }));
        assert!(message.starts_with("create_tag: `tag`: invalid type: integer `1`"), "{message}");
        let message = refusal(serde_json::json!({ "repo_id": "a", "tag": "t", "exist_ok": "yes" }));
        assert!(message.starts_with("create_tag: `exist_ok`: invalid type"), "{message}");
        let message = refusal(serde_json::json!({ "tag": "t" }));
        assert!(message.starts_with("create_tag: missing field `repo_id`"), "{message}");
    }

    #[test]
    fn a_method_knows_its_module() {
        let method = crate::repos::METHODS.iter().find(|method| method.spec.name == "create_tag").unwrap();
        assert_eq!(method.spec.module, "hub_api::repos::refs");
    }
}
