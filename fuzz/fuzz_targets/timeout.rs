//! Time limits as text: what is accepted is above zero, can be waited for, and reads the same when it is written out.

#![no_main]

use hub_fuzz::text;
use hub_http::Timeout;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = text(data);
    let Ok(limit) = text.parse::<Timeout>() else { return };
    assert!(limit > Timeout::new(std::time::Duration::ZERO));
    let now = std::time::Instant::now();
    match limit.duration() {
        Some(duration) => {
            assert!(!duration.is_zero() && now.checked_add(duration).is_some());
            assert!(limit < Timeout::NONE);
            let written = limit.to_string();
            let again: Timeout = written.trim_end_matches(" s").parse().expect("a number of seconds");
            let difference = again.duration().expect("a limit").abs_diff(duration);
            assert!(difference.as_secs_f64() <= duration.as_secs_f64() * 1e-9 + 1e-9, "{written}");
        }
        None => assert_eq!(limit, Timeout::NONE),
    }
});
