//! The metadata of repository cards.
use crate::model_index;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// Holds the metadata block at the top of a repository's README.
///
/// It is what the author wrote, without nulls. The tags of models and Spaces are without duplicates, and a
/// `model-index` has one entry for each task and dataset; one that does not follow its format is left out, as it is
/// in the Python client.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardData(Map<String, Value>);

impl CardData {
    /// Tidies the metadata of a model's card.
    pub fn of_model(mut card: Map<String, Value>) -> Self {
        if let Some(raw) = card.remove("model-index")
            && let Some(tidy) = model_index::normalize(&raw)
        {
            card.remove("model_name");
            card.insert("model-index".into(), tidy);
        }
        Self::of_space(card)
    }

    /// Tidies the metadata of a dataset's card.
    pub fn of_dataset(mut card: Map<String, Value>) -> Self {
        let index = card.remove("train_eval_index").filter(|index| !is_empty(index));
        if let Some(index) = index {
            card.insert("train-eval-index".into(), index);
        }
        card.retain(|_, value| !value.is_null());
        Self(card)
    }

    /// Tidies the metadata of a Space's card.
    pub fn of_space(mut card: Map<String, Value>) -> Self {
        card.retain(|_, value| !value.is_null());
        if let Some(Value::Array(tags)) = card.get_mut("tags") {
            let mut unique = Vec::with_capacity(tags.len());
            for tag in tags.drain(..) {
                if !unique.contains(&tag) {
                    unique.push(tag);
                }
            }
            *tags = unique;
        }
        Self(card)
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The licence, if it is a single one.
    pub fn license(&self) -> Option<&str> {
        self.get("license")?.as_str()
    }

    /// The tags of the card.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// All fields.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Gives the fields away.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_f64() == Some(0.0),
    }
}

/// Reads the card of one kind of repository; what is no object, or an empty one, is none.
macro_rules! card_reader {
    ($name:ident, $tidy:path) => {
        pub(crate) struct $name(pub Option<CardData>);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self(match Value::deserialize(deserializer)? {
                    Value::Object(card) if !card.is_empty() => Some($tidy(card)),
                    _ => None,
                }))
            }
        }
    };
}
card_reader!(ModelCard, CardData::of_model);
card_reader!(DatasetCard, CardData::of_dataset);
card_reader!(SpaceCard, CardData::of_space);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(json: Value) -> Map<String, Value> {
        let Value::Object(map) = json else { panic!("{json}") };
        map
    }

    #[test]
    fn nulls_and_repeated_tags_go() {
        let card = CardData::of_space(map(json!({"tags": ["b", "a", "b"], "title": null, "pinned": false})));
        assert_eq!(serde_json::to_value(&card).unwrap(), json!({"tags": ["b", "a"], "pinned": false}));
        assert_eq!(card.tags().collect::<Vec<_>>(), ["b", "a"]);
    }

    #[test]
    fn tags_of_datasets_stay() {
        let json = json!({"tags": ["a", "a"]});
        assert_eq!(CardData::of_dataset(map(json.clone())).into_map(), map(json));
    }

    #[test]
    fn the_train_eval_index_has_one_name() {
        let index = json!([{"task": "t"}]);
        for name in ["train_eval_index", "train-eval-index"] {
            let card = CardData::of_dataset(map(json!({name: index})));
            assert_eq!(serde_json::to_value(card).unwrap(), json!({"train-eval-index": index}));
        }
        assert!(CardData::of_dataset(map(json!({"train_eval_index": []}))).as_map().is_empty());
    }

    #[test]
    fn a_good_model_index_takes_the_place_of_the_model_name() {
        let card = json!({"model_name": "x", "model-index": [{"name": "y", "results": []}]});
        let card = CardData::of_model(map(card));
        assert_eq!(
            serde_json::to_value(&card).unwrap(),
            json!({"model-index": [{"name": "y", "results": []}]})
        );
        let again = CardData::of_model(card.clone().into_map());
        assert_eq!(again, card);
    }

    #[test]
    fn a_bad_model_index_goes() {
        let card = CardData::of_model(map(json!({"model_name": "x", "model-index": [{"results": "y"}]})));
        assert_eq!(serde_json::to_value(&card).unwrap(), json!({"model_name": "x"}));
    }
}
