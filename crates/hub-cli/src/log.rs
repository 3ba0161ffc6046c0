//! What the libraries report while a command runs: warnings always, more with `-v`, `-vv`, HF_DEBUG or
//! HF_HUB_VERBOSITY.
use crate::terminal::{escape, note};
use serde_json::{Map, Value, json};
use std::env;
use std::fmt::{self, Write as _};
use std::time::Instant;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// The crates of this workspace begin like this; what others report is not for users of the tool.
const OWN_CRATES: &str = "hub";

/// Sends reports to the standard error: as lines for people, or as JSON lines.
pub fn install(verbose: u8, json: bool) {
    let (level, unknown) =
        level(verbose, |name| env::var_os(name).map(|value| value.to_string_lossy().into_owned()));
    let layer = Reporter { json, detailed: level == LevelFilter::TRACE, started: Instant::now() };
    let filter = Targets::new().with_target(OWN_CRATES, level);
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(filter));
    // A process has one subscriber, and this is the only place that sets it.
    let _ = tracing::subscriber::set_global_default(subscriber);
    if let Some(value) = unknown {
        tracing::warn!(
            "HF_HUB_VERBOSITY is `{value}`, which is none of debug, info, warning, error and critical; \
             warnings are shown"
        );
    }
}

/// How much is reported, and the value of HF_HUB_VERBOSITY if it is not understood.
///
/// Options take precedence over variables, and HF_HUB_VERBOSITY over HF_DEBUG.
fn level(verbose: u8, var: impl Fn(&str) -> Option<String>) -> (LevelFilter, Option<String>) {
    match verbose {
        0 => {}
        1 => return (LevelFilter::DEBUG, None),
        _ => return (LevelFilter::TRACE, None),
    }
    // The configuration warns of quotes; here they must not change what is reported.
    let var = |name: &str| var(name).map(|value| unquoted(&value).to_owned());
    if let Some(value) = var("HF_HUB_VERBOSITY").filter(|value| !value.trim().is_empty()) {
        return match value.trim().to_ascii_lowercase().as_str() {
            "debug" => (LevelFilter::DEBUG, None),
            "info" => (LevelFilter::INFO, None),
            "warning" | "warn" => (LevelFilter::WARN, None),
            "error" | "critical" | "fatal" => (LevelFilter::ERROR, None),
            _ => (LevelFilter::WARN, Some(value)),
        };
    }
    let debug = var("HF_DEBUG").is_some_and(|value| hub_http::is_true(value.trim()));
    (if debug { LevelFilter::DEBUG } else { LevelFilter::WARN }, None)
}

/// The text between matching quotes, if it is wrapped in them, as env files leave them.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inner = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    ['"', '\''].into_iter().find_map(inner).unwrap_or(text)
}

/// Writes reports to the standard error.
struct Reporter {
    json: bool,
    /// Whether times, sources and spans are written, too.
    detailed: bool,
    started: Instant,
}

/// The fields of an event or a span.
#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message = value.to_owned();
        } else {
            self.others.insert(field.name().to_owned(), value.into());
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.others.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.others.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.others.insert(field.name().to_owned(), value.into());
    }
}

impl Fields {
    /// The message, the cause behind a colon, and the other fields in parentheses.
    fn sentence(&self) -> String {
        let mut text = self.message.clone();
        if let Some(error) = self.others.get("error") {
            let _ = write!(text, ": {}", plain(error));
        }
        let others = self.others.iter().filter(|(name, _)| *name != "error");
        let others: Vec<String> = others.map(|(name, value)| format!("{name}={}", plain(value))).collect();
        if !others.is_empty() {
            let _ = write!(text, " ({})", others.join(", "));
        }
        text
    }
}

/// A span that is open.
struct OpenSpan {
    fields: Fields,
    opened: Instant,
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

impl Reporter {
    fn write(&self, level: Level, target: &str, spans: &[String], fields: &Fields) {
        let name = level_name(level);
        if self.json {
            let mut line = json!({ "level": name, "message": fields.message, "target": target });
            if !fields.others.is_empty() {
                line["fields"] = Value::Object(fields.others.clone());
            }
            if !spans.is_empty() {
                line["spans"] = json!(spans);
            }
            return note(&line.to_string());
        }
        let text = fields.sentence();
        let text = if self.detailed {
            let seconds = self.started.elapsed().as_secs_f64();
            let spans: String = spans.iter().map(|span| format!("{span}: ")).collect();
            format!("{name}: {seconds:.3} s {target}: {spans}{text}")
        } else {
            format!("{name}: {text}")
        };
        note(&escape(&text));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Reporter {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(OpenSpan { fields, opened: Instant::now() });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<OpenSpan>() {
            values.record(&mut open.fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let mut spans = Vec::new();
        if self.detailed {
            for span in context
                .event_scope(event)
                .into_iter()
                .flat_map(tracing_subscriber::registry::Scope::from_root)
            {
                spans.push(described(span.name(), span.extensions().get::<OpenSpan>()));
            }
        }
        self.write(*metadata.level(), metadata.target(), &spans, &fields);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id).filter(|_| self.detailed) else { return };
        let extensions = span.extensions();
        let Some(open) = extensions.get::<OpenSpan>() else { return };
        let message = format!("{} took {:.1?}", described(span.name(), Some(open)), open.opened.elapsed());
        self.write(Level::TRACE, span.metadata().target(), &[], &Fields { message, others: Map::new() });
    }
}

/// The name of a span with its fields: `upload{path=model.bin}`.
fn described(name: &str, open: Option<&OpenSpan>) -> String {
    let fields = open.into_iter().flat_map(|open| &open.fields.others);
    let fields: Vec<String> = fields.map(|(name, value)| format!("{name}={}", plain(value))).collect();
    if fields.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", fields.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_take_precedence_over_variables() {
        type Case<'a> = (u8, &'a [(&'a str, &'a str)], LevelFilter, Option<&'a str>);
        let cases: [Case<'_>; 16] = [
            (0, &[], LevelFilter::WARN, None),
            (1, &[], LevelFilter::DEBUG, None),
            (2, &[], LevelFilter::TRACE, None),
            (0, &[("HF_DEBUG", "1")], LevelFilter::DEBUG, None),
            (0, &[("HF_DEBUG", "0")], LevelFilter::WARN, None),
            (0, &[("HF_DEBUG", "\"1\"")], LevelFilter::DEBUG, None),
            (0, &[("HF_HUB_VERBOSITY", "'debug'")], LevelFilter::DEBUG, None),
            (0, &[("HF_HUB_VERBOSITY", "\"\""), ("HF_DEBUG", "'1'")], LevelFilter::DEBUG, None),
            (0, &[("HF_HUB_VERBOSITY", "debug")], LevelFilter::DEBUG, None),
            (0, &[("HF_HUB_VERBOSITY", "INFO")], LevelFilter::INFO, None),
            (0, &[("HF_HUB_VERBOSITY", "warning")], LevelFilter::WARN, None),
            (0, &[("HF_HUB_VERBOSITY", "critical")], LevelFilter::ERROR, None),
            (0, &[("HF_HUB_VERBOSITY", "error"), ("HF_DEBUG", "1")], LevelFilter::ERROR, None),
            (0, &[("HF_HUB_VERBOSITY", "loud")], LevelFilter::WARN, Some("loud")),
            (0, &[("HF_HUB_VERBOSITY", "")], LevelFilter::WARN, None),
            (1, &[("HF_HUB_VERBOSITY", "loud")], LevelFilter::DEBUG, None),
        ];
        for (verbose, vars, expected, unknown) in cases {
            let var =
                |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            let found = level(verbose, var);
            assert_eq!((found.0, found.1.as_deref()), (expected, unknown), "-v {verbose} {vars:?}");
        }
    }
}
