use super::*;

#[test]
fn dates_of_documents_are_read_to_the_second() {
    for (text, expected) in [
        ("1970-01-01T00:00:00Z", 0),
        ("2000-02-29T23:59:59Z", 951_868_799),
        ("2025-06-19T10:01:18Z", 1_750_327_278),
        ("2100-03-01T00:00:00Z", 4_107_542_400),
    ] {
        assert_eq!(dates::rfc3339_s(text), Some(expected), "{text}");
    }
}

#[test]
fn dates_of_another_form_or_calendar_are_none() {
    for text in [
        "2025-06-19T10:01:18+00:00",
        "2025-06-19 10:01:18Z",
        "2025-02-29T00:00:00Z",
        "2025-13-01T00:00:00Z",
        "2025-00-01T00:00:00Z",
        "2025-06-19T24:00:00Z",
        "1969-12-31T23:59:59Z",
        "",
    ] {
        assert_eq!(dates::rfc3339_s(text), None, "{text}");
    }
}

#[test]
fn an_oversized_document_is_refused_before_it_is_parsed() {
    let json = vec![b'{'; COLLATERAL_BYTES_MAX + 1];
    assert_eq!(Collateral::parse(&json).unwrap_err().code, ReasonCode::CollateralTooLarge);
    assert_eq!(Collateral::parse(&json[1..]).unwrap_err().code, ReasonCode::CollateralMalformed);
}
