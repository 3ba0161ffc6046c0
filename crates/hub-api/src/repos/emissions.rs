//! The carbon emissions that models declare.
use crate::types::CardData;
use hub_types::InvalidArgument;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Bounds on the emissions of training a model, in grams of CO₂, both included.
///
/// In JSON it is a list of two, of which either may be null.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Bounds", into = "Bounds")]
pub struct EmissionsThresholds(Bounds);

type Bounds = (Option<f64>, Option<f64>);

impl EmissionsThresholds {
    /// At least this much.
    pub fn at_least(minimum: f64) -> Self {
        Self((Some(minimum), None))
    }

    /// At most this much.
    pub fn at_most(maximum: f64) -> Self {
        Self((None, Some(maximum)))
    }

    /// Whether what a card declares is within the bounds; what it does not declare is not.
    pub fn contain(&self, card: &CardData) -> bool {
        let (minimum, maximum) = self.0;
        declared(card).is_some_and(|grams| {
            minimum.is_none_or(|minimum| minimum <= grams) && maximum.is_none_or(|maximum| grams <= maximum)
        })
    }
}

impl From<(f64, f64)> for EmissionsThresholds {
    fn from((minimum, maximum): (f64, f64)) -> Self {
        Self((Some(minimum), Some(maximum)))
    }
}

impl TryFrom<Bounds> for EmissionsThresholds {
    type Error = InvalidArgument;

    fn try_from(bounds: Bounds) -> Result<Self, Self::Error> {
        match bounds {
            (None, None) => Err(InvalidArgument::new("emissions_thresholds needs a minimum or a maximum")),
            bounds => Ok(Self(bounds)),
        }
    }
}

impl From<EmissionsThresholds> for Bounds {
    fn from(thresholds: EmissionsThresholds) -> Self {
        thresholds.0
    }
}

/// The grams that a card declares: a number, or the first in a text, by itself or as `emissions`.
fn declared(card: &CardData) -> Option<f64> {
    let field = card.get("co2_eq_emissions")?;
    let field = if field.is_object() { field.get("emissions")? } else { field };
    match field {
        Value::Number(number) => number.as_f64().filter(|grams| *grams != 0.0),
        Value::String(text) => first_number(text),
        _ => None,
    }
}

fn first_number(text: &str) -> Option<f64> {
    let text = &text[text.find(|c: char| c.is_ascii_digit())?..];
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let whole = digits(text);
    let fraction = text[whole..].strip_prefix('.').map_or(0, digits);
    let end = if fraction > 0 { whole + 1 + fraction } else { whole };
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn emissions_are_declared_in_many_ways() {
        let cases = [
            (json!(15.5), Some(15.5)),
            (json!({"emissions": "110.3 g"}), Some(110.3)),
            (json!({"emissions": 99, "source": "x"}), Some(99.0)),
            (json!("about 3. or 4"), Some(3.0)),
            (json!("~0.5kg"), Some(0.5)),
            (json!("none"), None),
            (json!(0), None),
            (json!({"source": "x"}), None),
            (json!(null), None),
        ];
        for (field, grams) in cases {
            let card: CardData = serde_json::from_value(json!({"co2_eq_emissions": field})).unwrap();
            assert_eq!(declared(&card), grams, "{card:?}");
        }
    }

    #[test]
    fn bounds_are_included() {
        let card: CardData = serde_json::from_value(json!({"co2_eq_emissions": 10})).unwrap();
        assert!(EmissionsThresholds::from((10.0, 10.0)).contain(&card));
        assert!(!EmissionsThresholds::at_least(10.1).contain(&card));
        assert!(!EmissionsThresholds::at_most(9.9).contain(&card));
        assert!(!EmissionsThresholds::at_least(0.0).contain(&CardData::default()));
    }

    #[test]
    fn one_bound_at_least_is_needed() {
        let read = serde_json::from_str::<EmissionsThresholds>;
        assert_eq!(read("[null, 100]").unwrap(), EmissionsThresholds::at_most(100.0));
        assert!(read("[null, null]").is_err());
        assert!(read("[1]").is_err());
    }
}
