use reqwest::header::HeaderValue;
use serde_json::json;

use super::*;

#[test]
fn pauses_double_up_to_the_longest() {
    let limits = RpcLimits { pause_max: Duration::from_millis(900), ..RpcLimits::default() };
    let pauses: Vec<u128> = (1..=6).map(|attempt| limits.pause(attempt).as_millis()).collect();
    assert_eq!(pauses, [100, 200, 400, 800, 900, 900]);
    assert_eq!(limits.pause(u32::MAX).as_millis(), 900);
}

/// Any window of the schedule holds no more than the rate allows, a batch more at most.
#[test]
fn pace_keeps_the_average() {
    let pace = Pace::new(NonZeroU32::new(10).unwrap());
    let start = Instant::now();
    let mut now = start;
    let mut asked = 0;
    for count in [1, 5, 1, 1, 10, 2, 1] {
        now += pace.book(count, now);
        assert!(asked <= (now - start).as_millis() / 100, "{asked} before {:?}", now - start);
        asked += u128::from(count);
    }
    assert_eq!(now - start, Duration::from_secs(2));
    // Time that was not used is not saved up.
    now += Duration::from_secs(60);
    assert_eq!(pace.book(1, now), Duration::ZERO);
    assert_eq!(pace.book(1, now), Duration::from_millis(100));
}

#[test]
fn batch_is_no_larger_than_a_second_of_the_rate() {
    let per_second =
        |n| RpcLimits { requests_per_second: NonZeroU32::new(n), ..RpcLimits::default() };
    assert_eq!(per_second(0).batch_size(), 100);
    assert_eq!(per_second(7).batch_size(), 7);
    assert_eq!(per_second(5000).batch_size(), 100);
}

#[test]
fn rate_limits_are_told_from_other_refusals() {
    for (code, message) in [
        (-32005, "limit exceeded"),
        (429, "Your app has exceeded its compute units per second capacity."),
        (-32000, "Too Many Requests"),
        (-32007, "50/second request limit reached"),
        (-32603, "project ID request rate limit hit"),
    ] {
        assert!(is_rate_limit(code, message), "{code} {message}");
    }
    for (code, message) in [
        (-32601, "the method does not exist"),
        (-32000, "header not found"),
        (-32001, "Resource not found"),
        (-32602, "gas limit too high"),
    ] {
        assert!(!is_rate_limit(code, message), "{code} {message}");
    }
}

#[test]
fn waits_that_a_node_names_are_read() {
    assert_eq!(backoff_s(Some(&json!({"rate": {"backoff_seconds": 30}}))), 30);
    assert_eq!(backoff_s(Some(&json!({"rate": {"backoff_seconds": 0.2}}))), 1);
    assert_eq!(backoff_s(Some(&json!("later"))), 0);
    let check = |after: &'static str, date: Option<&'static str>, expect| {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(after));
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_static(date));
        }
        assert_eq!(retry_after_s(&headers), expect, "{after}");
    };
    check("7", None, 7);
    check("Sun, 06 Nov 1994 08:49:37 GMT", Some("Sun, 06 Nov 1994 08:49:07 GMT"), 30);
    check("Wed, 01 Mar 2028 00:00:05 GMT", Some("Tue, 29 Feb 2028 23:59:58 GMT"), 7);
    check("Sun, 06 Nov 1994 08:49:37 GMT", None, 0);
    check("Sun, 06 Nov 1994 08:49:37 GMT", Some("Mon, 07 Nov 1994 08:49:37 GMT"), 0);
    check("soon", Some("Sun, 06 Nov 1994 08:49:07 GMT"), 0);
    // RFC 9110's own example.
    assert_eq!(http_date_s("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
}
