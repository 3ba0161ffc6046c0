//! Evaluation results in the cards of models.
//!
//! A `model-index` is a list of models, each with `results`; a result has a `task`, a `dataset` and `metrics`. Cards
//! repeat a task and dataset for each metric, so the normal form gathers the metrics of each.
use serde_json::{Map, Value};

/// Brings a model index into its normal form; none if it is not one.
pub(crate) fn normalize(index: &Value) -> Option<Value> {
    let mut name = &Value::Null;
    let mut groups: Vec<Group<'_>> = Vec::new();
    let models = items(index).filter(|models| !models.is_empty())?;
    for model in models {
        name = model.get("name")?;
        for result in items(model.get("results")?)? {
            let result = EvalResult::read(result)?;
            for metric in result.metrics {
                let metric = tidy_metric(metric)?;
                match groups.iter_mut().find(|group| group.result.same_subject(&result)) {
                    Some(group) => group.metrics.push(metric),
                    None => groups.push(Group { result: result.clone(), metrics: vec![metric] }),
                }
            }
        }
    }
    let results = groups.into_iter().map(Group::write).collect();
    Some(Value::Array(vec![object([("name", Some(name)), ("results", Some(&Value::Array(results)))])]))
}

/// A result of the card: what was evaluated on what, and the metrics that came out.
#[derive(Clone)]
struct EvalResult<'a> {
    task_type: &'a Value,
    task_name: Option<&'a Value>,
    dataset_type: &'a Value,
    dataset_name: &'a Value,
    dataset: &'a Map<String, Value>,
    source: Option<&'a Map<String, Value>>,
    metrics: &'a [Value],
}

impl<'a> EvalResult<'a> {
    fn read(result: &'a Value) -> Option<Self> {
        let task = result.get("task")?.as_object()?;
        let dataset = result.get("dataset")?.as_object()?;
        Some(Self {
            task_type: task.get("type")?,
            task_name: task.get("name"),
            dataset_type: dataset.get("type")?,
            dataset_name: dataset.get("name")?,
            dataset,
            source: result.get("source").and_then(Value::as_object),
            metrics: items(result.get("metrics")?)?,
        })
    }

    fn same_subject(&self, other: &Self) -> bool {
        let detail = |result: &Self, name| result.dataset.get(name).filter(|v| !v.is_null()).cloned();
        self.task_type == other.task_type
            && self.dataset_type == other.dataset_type
            && ["config", "split", "revision"]
                .into_iter()
                .all(|name| detail(self, name) == detail(other, name))
    }
}

/// The metrics of one task and dataset; the rest is that of the first result.
struct Group<'a> {
    result: EvalResult<'a>,
    metrics: Vec<Value>,
}

impl Group<'_> {
    fn write(self) -> Value {
        let result = &self.result;
        let detail = |name| result.dataset.get(name);
        let task = object([("type", Some(result.task_type)), ("name", result.task_name)]);
        let dataset = object([
            ("name", Some(result.dataset_name)),
            ("type", Some(result.dataset_type)),
            ("config", detail("config")),
            ("split", detail("split")),
            ("revision", detail("revision")),
            ("args", detail("args")),
        ]);
        let source = result.source.filter(|source| source.get("url").is_some_and(|url| !url.is_null()));
        let source = source.map(|source| object([("url", source.get("url")), ("name", source.get("name"))]));
        object([
            ("task", Some(&task)),
            ("dataset", Some(&dataset)),
            ("metrics", Some(&Value::Array(self.metrics))),
            ("source", source.as_ref()),
        ])
    }
}

/// The items of a list; an empty text or object is an empty list, as it is for Python.
fn items(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(items) => Some(items),
        Value::String(text) if text.is_empty() => Some(&[]),
        Value::Object(fields) if fields.is_empty() => Some(&[]),
        _ => None,
    }
}

fn tidy_metric(metric: &Value) -> Option<Value> {
    let metric = metric.as_object()?;
    Some(object([
        ("type", Some(metric.get("type")?)),
        ("value", Some(metric.get("value")?)),
        ("name", metric.get("name")),
        ("config", metric.get("config")),
        ("args", metric.get("args")),
        ("verified", metric.get("verified")),
        ("verifyToken", metric.get("verifyToken")),
    ]))
}

fn object<const N: usize>(fields: [(&str, Option<&Value>); N]) -> Value {
    let present =
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), without_nulls(value?)?)));
    Value::Object(present.collect())
}

fn without_nulls(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Null => return None,
        Value::Array(items) => items.iter().filter_map(without_nulls).collect(),
        Value::Object(fields) => {
            let present =
                fields.iter().filter_map(|(name, value)| Some((name.clone(), without_nulls(value)?)));
            Value::Object(present.collect())
        }
        plain => plain.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn result(split: &str, metric: &Value) -> Value {
        json!({"task": {"type": "asr", "x": 1}, "dataset": {"type": "cv", "name": "CV", "split": split},
            "metrics": [metric]})
    }

    #[test]
    fn metrics_of_one_task_and_dataset_are_gathered() {
        let index = json!([{"name": "m", "results": [
            result("test", &json!({"type": "wer", "value": 1.5, "date": "today"})),
            result("train", &json!({"type": "wer", "value": 2})),
            result("test", &json!({"type": "cer", "value": "3 ± 1", "verified": null})),
        ]}]);
        let dataset = |split: &str| json!({"type": "cv", "name": "CV", "split": split});
        let expected = json!([{"name": "m", "results": [
            {"task": {"type": "asr"}, "dataset": dataset("test"), "metrics": [
                {"type": "wer", "value": 1.5}, {"type": "cer", "value": "3 ± 1"}]},
            {"task": {"type": "asr"}, "dataset": dataset("train"), "metrics": [{"type": "wer", "value": 2}]},
        ]}]);
        assert_eq!(normalize(&index), Some(expected));
    }

    #[test]
    fn several_models_become_one_named_like_the_last() {
        let wer = result("test", &json!({"type": "wer", "value": 1}));
        let index = json!([{"name": "a", "results": [wer]}, {"name": "b", "results": [wer]}]);
        let tidy = normalize(&index).unwrap();
        assert_eq!(tidy[0]["name"], "b");
        assert_eq!(tidy[0]["results"][0]["metrics"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_source_needs_a_url() {
        let mut with_source = result("test", &json!({"type": "wer", "value": 1}));
        with_source["source"] = json!({"name": "board", "url": "https://example.org"});
        let tidy = normalize(&json!([{"name": "a", "results": [with_source]}])).unwrap();
        assert_eq!(tidy[0]["results"][0]["source"], with_source["source"]);
        with_source["source"] = json!({"name": "board"});
        let tidy = normalize(&json!([{"name": "a", "results": [with_source]}])).unwrap();
        assert!(tidy[0]["results"][0].get("source").is_none());
    }

    #[test]
    fn what_breaks_the_format_is_no_index() {
        let metric = json!({"type": "wer", "value": 1});
        let mut no_metrics = result("test", &metric);
        no_metrics["metrics"] = Value::Null;
        for index in [
            json!("text"),
            json!({}),
            json!([]),
            json!([{"results": []}]),
            json!([{"name": "a"}]),
            json!([{"name": "a", "results": {"b": 1}}]),
            json!([{"name": "a", "results": [{"task": "asr"}]}]),
            json!([{"name": "a", "results": [no_metrics]}]),
            json!([{"name": "a", "results": [result("t", &json!({"type": "wer"}))]}]),
        ] {
            assert_eq!(normalize(&index), None, "{index}");
        }
    }
}
