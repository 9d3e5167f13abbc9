//! Codes as databases keep them.

/// The form in which a code is kept: a UPC-A is the EAN-13 with a 0 before it (GS1 General Specifications, GTIN-12).
pub(in crate::channel) fn code_key(code: &str) -> &str {
    match code.strip_prefix('0') {
        Some(upc) if code.len() == 13 && code.bytes().all(|byte| byte.is_ascii_digit()) => upc,
        _ => code,
    }
}

#[cfg(test)]
mod tests {
    use super::code_key;

    #[test]
    fn a_upc_is_an_ean_with_a_zero_before_it() {
        for (code, key) in [
            ("0036000291452", "036000291452"),
            ("036000291452", "036000291452"),
            ("4006381333931", "4006381333931"),
            ("0000000000000", "000000000000"),
            ("0A36000291452", "0A36000291452"),
            ("00036000291452", "00036000291452"),
            ("0", "0"),
            ("", ""),
        ] {
            assert_eq!(code_key(code), key);
        }
    }
}
