//! What the listings of models, datasets and Spaces have in common.
use crate::{Arg, Http, Many};
use hub_types::InvalidArgument;

/// Query parameters as the Python client makes them of its arguments: what is empty is not given, in most places.
pub(super) trait SearchQuery: Sized {
    /// Adds a text.
    fn text(self, name: &str, value: Option<&String>) -> Self;
    /// Adds each of several texts.
    fn texts(self, name: &str, values: &Many<String>) -> Self;
    /// Adds each of several tags of a kind, `language:fr`; the kind is put before those that lack it.
    fn tags_of(self, kind: &str, values: &Many<String>) -> Self;
    /// Adds a switch if it is on.
    fn switch(self, name: &str, on: bool) -> Self;
    /// Adds the order and the limit.
    fn sorted(self, sort: Option<&String>, direction: Option<i64>, limit: Option<&Arg<usize>>) -> Self;
}

impl SearchQuery for Http {
    fn text(self, name: &str, value: Option<&String>) -> Self {
        self.query_some(name, value.filter(|value| !value.is_empty()))
    }

    fn texts(self, name: &str, values: &Many<String>) -> Self {
        self.query_each(name, values.iter().filter(|value| !value.is_empty()))
    }

    fn tags_of(self, kind: &str, values: &Many<String>) -> Self {
        let tag = |value: &String| {
            let named = value.strip_prefix(kind).is_some_and(|rest| rest.starts_with(':'));
            if named { value.clone() } else { format!("{kind}:{value}") }
        };
        self.query_each("filter", values.iter().filter(|value| !value.is_empty()).map(tag))
    }

    fn switch(self, name: &str, on: bool) -> Self {
        if on { self.query_bool(name, true) } else { self }
    }

    fn sorted(self, sort: Option<&String>, direction: Option<i64>, limit: Option<&Arg<usize>>) -> Self {
        let limit = match limit.map(Arg::get).transpose() {
            Ok(limit) => limit,
            Err(error) => return Http::invalid(error),
        };
        self.query_some("sort", sort.map(|sort| wire_order(sort)))
            .query_some("direction", direction)
            .query_some("limit", limit)
    }
}

/// The Hub's name for an order that Python has its own for.
fn wire_order(sort: &str) -> &str {
    match sort {
        "last_modified" => "lastModified",
        "trending_score" => "trendingScore",
        "created_at" => "createdAt",
        other => other,
    }
}

/// The limit of a listing; one that is no number makes the request invalid.
pub(super) fn limit_of(limit: Option<&Arg<usize>>) -> Option<usize> {
    limit.and_then(|limit| limit.get().ok().copied())
}

/// The error of asking for named parts and for more than the usual ones at once.
pub(super) fn expand_excludes(others: &str) -> Http {
    Http::invalid(InvalidArgument::new(format!("`expand` cannot go together with {others}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_their_kind_once() {
        let values = ["fr", "language:en", "languages:x", ""].into();
        let http = Http::get("/x").tags_of("language", &values);
        let expected = ["language:fr", "language:en", "language:languages:x"];
        assert_eq!(http, Http::get("/x").query_each("filter", expected));
    }

    #[test]
    fn orders_have_the_names_of_the_hub() {
        for (sort, wire) in
            [("last_modified", "lastModified"), ("created_at", "createdAt"), ("likes", "likes")]
        {
            let http = Http::get("/x").sorted(Some(&sort.into()), None, None);
            assert_eq!(http, Http::get("/x").query("sort", wire));
        }
    }

    #[test]
    fn a_limit_below_zero_is_refused() {
        assert!(Http::get("/x").sorted(None, None, Some(&Arg::from(-1))).invalid.is_some());
        assert_eq!(limit_of(Some(&Arg::from(3))), Some(3));
    }
}
