use super::*;

#[test]
fn a_cookie_makes_no_element_and_ends_no_attribute() {
    assert_eq!(escaped(b"<i>&\"'a"), b"&lt;i&gt;&amp;&quot;&#39;a");
}

#[test]
fn a_nonce_is_believed_where_it_is_one() {
    let with = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(PART_FIELD.clone(), HeaderValue::from_str(value).unwrap());
        asked_with(&headers)
    };
    let nonce = random();
    assert_eq!(nonce.len(), 32);
    assert_eq!(with(&format!("1 {nonce}")), Some((1, nonce.clone())));
    for wrong in [
        "",
        "1",
        "1 x",
        &format!("x {nonce}"),
        "1 '><script>0123456789abcdef012345",
        &format!("256 {nonce}"),
    ] {
        assert_eq!(with(wrong), None, "{wrong}");
    }
}
