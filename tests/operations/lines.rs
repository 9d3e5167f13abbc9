//! Lines: 100 Product sale, 102 Void product, 104 Price override, 105 Set quantity, 106 Clear quantity.

use evertill::retail::transaction::Event;

use super::shop::{Shop, shows, shows_at};

#[test]
fn a_code_or_a_button_sells_its_product() {
    shows(&[
        ("scan cola", "COLA 1.00 | due 1.00"),
        ("scan cola; scan bread", "COLA 1.00 | BREAD 2.30 | due 3.30"),
        ("100 cola", "COLA 1.00 | due 1.00"),
        ("100 2*cola", "COLA 2×1.00 = 2.00 | due 2.00"),
        ("scan 2900008197659", "NATURAL CHEESE EXACT WT CHUNKS 8 OZ 1.78 | due 1.87"),
        ("scan 819765", "NATURAL CHEESE EXACT WT CHUNKS 8 OZ 1.78 | due 1.87"),
        ("scan ]E02900008197659", "NATURAL CHEESE EXACT WT CHUNKS 8 OZ 1.78 | due 1.87"),
        ("scan  cola\r\n", "COLA 1.00 | due 1.00"),
        ("scan ", "welcome"),
    ]);
}

#[test]
fn a_quantity_goes_before_the_product() {
    shows(&[
        ("scan 3*cola", "COLA 3×1.00 = 3.00 | due 3.00"),
        ("scan 3×cola", "COLA 3×1.00 = 3.00 | due 3.00"),
        ("scan 3*", "welcome | 3*"),
        ("scan 3*; scan cola", "COLA 3×1.00 = 3.00 | due 3.00"),
        ("scan 3*; scan 2*cola", "COLA 2×1.00 = 2.00 | due 2.00"),
        ("scan 3*; scan nope", "welcome | 3* | ! nope not found · F2 searches by name"),
        ("scan 3*; no", "welcome"),
        ("scan 0.5*ham", "HAM 0.5×4.00 = 2.00 | due 2.00"),
        ("scan six", "COLA 6×1.00 = 6.00 | due 6.00"),
        ("scan 2*six", "COLA 12×1.00 = 12.00 | due 12.00"),
    ]);
}

#[test]
fn what_a_product_demands_is_asked() {
    shows(&[
        ("scan ham", "welcome | ? Weight"),
        ("scan ham; type 1.25", "HAM 1.25×4.00 = 5.00 | due 5.00"),
        ("scan plu; type 2", "HAM 2×4.00 = 8.00 | due 8.00"),
        ("scan nails", "welcome | ? Quantity"),
        ("scan nails; type 12", "NAILS 12×0.10 = 1.20 | due 1.20"),
        ("scan any", "welcome | ? Price"),
        ("scan any; type 4.99", "ANY 4.99 | due 4.99"),
        ("scan deli; type", "DELI 3.00 | due 3.00"),
        ("scan deli; type 2.50", "DELI 2.50 | due 2.50"),
        ("scan any; no", "welcome"),
        ("scan ham; no", "welcome"),
    ]);
}

#[test]
fn a_product_that_cannot_be_sold_is_refused_with_the_reason() {
    shows(&[
        ("scan nope", "welcome | ! nope not found · F2 searches by name"),
        ("scan recalled", "welcome | ! RECALLED is blocked and cannot be sold · put it aside"),
        ("scan unpriced", "welcome | ! UNPRICED has no price · ask for its price; F2 searches another product"),
        ("scan yacht", "welcome | ! YACHT costs more than 99999.99 · ask for its price; put it aside"),
        ("scan bag", "BAG 0.00 | due 0.00 | ! nothing is due · F9 concludes the sale"),
        ("100", "welcome | ! no product was given · scan it, or type its code and press Enter"),
    ]);
}

#[test]
fn a_bad_scan_changes_nothing() {
    shows(&[
        (
            "scan 4006381333932",
            "welcome | ! bar code 4006381333932 ends in 2, expected check digit 1 · scan it again, or type the number under the bars",
        ),
        (
            "scan 036000291453",
            "welcome | ! bar code 036000291453 ends in 3, expected check digit 2 · scan it again, or type the number under the bars",
        ),
        (
            "scan co\u{1b}[2Jla",
            "welcome | ! bar code has a character that cannot be printed · scan it again, or type the number under the bars",
        ),
        ("scan \0", "welcome | ! bar code has a character that cannot be printed · scan it again, or type the number under the bars"),
        (
            "scan (01)123",
            "welcome | ! bar code has (01) \"123\", expected 14 digits · scan another bar code of the product, or search by its name",
        ),
        (
            "scan (10)ABC",
            "welcome | ! bar code names no product, expected (01) or (02) in it · scan another bar code of the product, or search by its name",
        ),
    ]);
}

#[test]
fn a_bad_quantity_changes_nothing() {
    shows(&[
        ("scan 0*cola", "welcome | ! a quantity must be above zero · type it again, such as 3*4011"),
        ("scan -1*cola", "welcome | ! a quantity must be above zero · type it again, such as 3*4011"),
        ("scan 10000*cola", "welcome | ! a quantity may be 9999 at most · check what was typed; nothing has changed"),
        (
            "scan 123456789012345678901234567890*cola",
            "welcome | ! a quantity may be 9999 at most · check what was typed; nothing has changed",
        ),
        ("scan 1e3*cola", "welcome | ! the quantity is not a number · type it again, such as 3*4011"),
        ("scan 2.5*cola", "welcome | ! COLA is not sold in parts · type a whole quantity"),
        ("scan 2.5*six", "welcome | ! a packed COLA is not sold in parts · type a whole quantity"),
        ("scan *cola", "welcome | ! the quantity is not a number · type it again, such as 3*4011"),
        ("scan x*cola", "welcome | ! the quantity is not a number · type it again, such as 3*4011"),
        ("scan 0.0000001*ham", "welcome | ! the quantity has too many decimals, 6 at most · type it again, such as 3*4011"),
        (
            "scan 9999*cola; scan cola",
            "COLA 9999×1.00 = 9999.00 | due 9999.00 | ! a quantity may be 9999 at most · check what was typed; nothing has changed",
        ),
        ("scan 2000*six", "welcome | ! a quantity may be 9999 at most · check what was typed; nothing has changed"),
    ]);
}

#[test]
fn a_bad_weight_or_price_is_asked_for_again() {
    shows(&[
        ("scan ham; type 0", "welcome | ? Weight ✗ a quantity must be above zero"),
        ("scan ham; type -1", "welcome | ? Weight ✗ a quantity must be above zero; this is not the way to return goods"),
        ("scan ham; type 1.2345678", "welcome | ? Weight ✗ the quantity has too many decimals, 6 at most"),
        ("scan ham; type 10000", "welcome | ? Weight ✗ a quantity may be 9999 at most"),
        ("scan ham; type 123456789012345678901234567890", "welcome | ? Weight ✗ a quantity may be 9999 at most"),
        ("scan ham; type", "welcome | ? Weight ✗ the quantity is not a number"),
        ("scan ham; type x; type 1", "HAM 4.00 | due 4.00"),
        ("scan nails; type 1.5", "welcome | ? Quantity ✗ this product is sold by the piece; type a whole number"),
        ("scan any; type 1e30", "welcome | ? Price ✗ the price is not a number"),
        ("scan any; type 123456789012345678901234567890", "welcome | ? Price ✗ a price may be 99999.99 at most"),
        ("scan any; type -1", "welcome | ? Price ✗ a price must be above zero"),
        ("scan any; type 0", "welcome | ? Price ✗ ANY has no price"),
        ("scan any; type", "welcome | ? Price ✗ the price is not a number"),
        ("scan any; type 100000", "welcome | ? Price ✗ a price may be 99999.99 at most"),
        ("scan any; type 99999.99", "ANY 99999.99 | due 99999.99"),
        ("scan any; type 1.123456789", "welcome | ? Price ✗ the price has too many decimals, 8 at most"),
    ]);
}

#[test]
fn a_label_says_weight_or_price() {
    shows(&[
        ("scan 2100001027506", "MEAT: SAUS DRY BULK 6.063×3.00 = 18.19 | due 19.10"),
        ("scan 2342345106664", "CHICKEN BREAST BONELESS 23.515×9.01 = 211.87 | due 222.46"),
        ("scan 2154321010007", "HAM 2.205×4.00 = 8.82 | due 8.82"),
        ("scan 2*2154321010007", "HAM 4.41×4.00 = 17.64 | due 17.64"),
        ("scan 2.5*2154321010007", "welcome | ! a packed HAM is not sold in parts · type a whole quantity"),
        ("scan 2212345610259", "BEEF PRIMAL 2.308559×4.44 = 10.25 | due 10.76"),
        ("scan 2*2212345610259", "BEEF PRIMAL 4.617117×4.44 = 20.50 | due 21.53"),
        ("scan 1.5*2212345610259", "welcome | ! a packed BEEF PRIMAL is not sold in parts · type a whole quantity"),
        ("scan 2254321010257", "HAM 2.5625×4.00 = 10.25 | due 10.25"),
        ("scan 2*2254321010257", "HAM 5.125×4.00 = 20.50 | due 20.50"),
        ("scan 2100002010002", "welcome | ! SOAP is not sold by weight · type the number of its price tag"),
        ("scan 2254322000004", "welcome | ! SALAD has no price · ask for its price; F2 searches another product"),
        ("scan 2254321000005", "welcome | ! HAM has no price · ask for its price; F2 searches another product"),
        ("scan 2100003000002", "welcome | ! the label says a weight of 0 · weigh it again"),
        (
            "scan 2212345610258",
            "welcome | ! bar code 2212345610258 ends in 8, expected check digit 9 · scan it again, or type the number under the bars",
        ),
        ("scan 2100003027504", "CHEESE 2.75×12.00 = 33.00 | due 33.00"),
        ("scan 2254322010256", "SALAD 10.25 | due 10.25"),
        ("scan 2*2254322010256", "SALAD 2×10.25 = 20.50 | due 20.50"),
        ("scan 2212345610259; scan 2212345610259", "BEEF PRIMAL 2.308559×4.44 = 10.25 | BEEF PRIMAL 2.308559×4.44 = 10.25 | due 21.52"),
    ]);
}

#[test]
fn an_element_string_says_how_much() {
    shows(&[
        ("scan (01)02900008441790(3202)000275", "BEEF PRIMAL 2.75×4.44 = 12.21 | due 12.82"),
        ("scan (01)02900008197659(30)3", "NATURAL CHEESE EXACT WT CHUNKS 8 OZ 3×1.78 = 5.34 | due 5.61"),
        ("scan ]C10102900008197659303", "NATURAL CHEESE EXACT WT CHUNKS 8 OZ 3×1.78 = 5.34 | due 5.61"),
        (
            "scan (01)02900008197659(3202)000275",
            "welcome | ! NATURAL CHEESE EXACT WT CHUNKS 8 OZ is not sold by weight · type the number of its price tag",
        ),
        (
            "scan (01)02900008197660",
            "welcome | ! bar code 02900008197660 ends in 0, expected check digit 6 · scan it again, or type the number under the bars",
        ),
    ]);
}

#[test]
fn equal_products_share_a_line_and_no_others_do() {
    shows(&[
        ("scan cola; scan cola", "COLA 2×1.00 = 2.00 | due 2.00"),
        ("scan cola; scan bread; scan cola", "COLA 2×1.00 = 2.00 | BREAD 2.30 | due 4.30"),
        ("scan six; scan cola", "COLA 7×1.00 = 7.00 | due 7.00"),
        ("scan cola; 104; type 2; scan cola", "COLA 2.00* | COLA 1.00 | due 3.00"),
        ("scan cola; 301; type 10; scan cola", "COLA 1×1.00 -0.10 = 0.90 | COLA 1.00 | due 1.90"),
        ("scan cola; 102; scan cola", "(COLA 1.00) | COLA 1.00 | due 1.00"),
        ("scan ham; type 1; scan ham; type 1", "HAM 4.00 | HAM 4.00 | due 8.00"),
        ("scan nails; type 1; scan nails; type 1", "NAILS 0.10 | NAILS 0.10 | due 0.20"),
        ("scan any; type 1; scan any; type 2", "ANY 1.00 | ANY 2.00 | due 3.00"),
        ("scan any; type 1; scan any; type 1", "ANY 2×1.00 = 2.00 | due 2.00"),
    ]);
}

#[test]
fn each_scan_is_a_line_where_the_store_wants_it_so() {
    shows_at(
        || {
            let mut shop = Shop::with(|store, _| store.functionality.aggregate_items = false);
            shop.play("sign 000160");
            shop
        },
        &[("scan cola; scan cola", "COLA 1.00 | COLA 1.00 | due 2.00")],
    );
}

#[test]
fn the_buyers_age_is_asked_once_a_sale() {
    shows(&[
        ("scan beer", "welcome | ? BEER may be sold only to buyers of 16 years or older. Is the buyer old enough?"),
        ("scan beer; no", "welcome"),
        ("scan beer; yes", "BEER 2.00 | due 2.00"),
        ("scan beer; yes; scan beer", "BEER 2×2.00 = 4.00 | due 4.00"),
        (
            "scan beer; yes; scan gin",
            "BEER 2.00 | due 2.00 | ? GIN may be sold only to buyers of 21 years or older. Is the buyer old enough?",
        ),
        ("scan gin; yes; scan beer", "GIN 20.00 | BEER 2.00 | due 22.00"),
        (
            "scan cola; scan beer; no; scan beer",
            "COLA 1.00 | due 1.00 | ? BEER may be sold only to buyers of 16 years or older. Is the buyer old enough?",
        ),
        (
            "scan beer; yes; 206; scan beer",
            "welcome | 343-1-000001: 2.00, given 2.00, change 0.00 | ? BEER may be sold only to buyers of 16 years or older. Is the buyer old enough?",
        ),
        (
            "scan beer; yes; kill; sign 000160; scan beer",
            "BEER 2.00 | due 2.00 | ? BEER may be sold only to buyers of 16 years or older. Is the buyer old enough?",
        ),
    ]);
}

#[test]
fn lines_are_added_after_a_part_payment_too() {
    shows(&[("scan bread; 200; type 1; scan cola", "BREAD 2.30 | COLA 1.00 | Cash 1.00 | due 2.30")]);
}

#[test]
fn void_product_takes_a_line_out_and_brings_it_back() {
    shows(&[
        ("scan cola; scan bread; 102", "COLA 1.00 | (BREAD 2.30) | due 1.00"),
        ("scan cola; scan bread; 102; 102", "COLA 1.00 | BREAD 2.30 | due 3.30"),
        ("scan cola; scan bread; line 1; 102", "(COLA 1.00) | BREAD 2.30 | due 2.30"),
        ("scan cola; 102", "(COLA 1.00) | due 0.00"),
        ("scan cola; 102; 206", "(COLA 1.00) | due 0.00 | ! nothing is sold yet · scan a product, or Alt+X voids the sale"),
        ("scan cola; 102; 200", "(COLA 1.00) | due 0.00 | ! nothing is sold yet · scan a product, or Alt+X voids the sale"),
        ("scan cola; 102; scan bread", "(COLA 1.00) | BREAD 2.30 | due 2.30"),
        ("102", "welcome | ! Void product needs a sale · scan the first product"),
        ("scan bread; 200; type 1; payment 1; 102", "BREAD 2.30 | Cash 1.00 | due 1.30 | ! no line is selected · ↑ ↓ choose one"),
    ]);
}

#[test]
fn more_than_the_rest_of_the_sale_may_not_be_paid_already() {
    shows(&[
        (
            "scan cola; scan bread; 200; type 2.50; 102",
            "COLA 1.00 | BREAD 2.30 | Cash 2.50 | due 0.80 | ! more has been paid than would be due · Alt+V voids the payment first",
        ),
        (
            "scan cola; scan bread; 200; type 1; 102",
            "COLA 1.00 | (BREAD 2.30) | Cash 1.00 | due 0.00 | ! nothing is due · F9 concludes the sale",
        ),
        ("scan cola; scan bread; 200; type 1; 102; 206", "welcome | 343-1-000001: 1.00, given 1.00, change 0.00"),
        ("scan cola; scan bread; 200; type 1; 102; 200", "welcome | 343-1-000001: 1.00, given 1.00, change 0.00"),
        ("scan cola; scan bread; 200; type 1; 102; scan soap", "COLA 1.00 | (BREAD 2.30) | SOAP 1.50 | Cash 1.00 | due 1.50"),
        (
            "scan 3*cola; 200; type 2; 105; type 1",
            "COLA 3×1.00 = 3.00 | Cash 2.00 | due 1.00 | ? Set quantity ✗ more has been paid than would be due",
        ),
        (
            "scan bread; 200; type 2; 104; type 1",
            "BREAD 2.30 | Cash 2.00 | due 0.30 | ? Change price ✗ more has been paid than would be due",
        ),
        (
            "scan bread; 200; type 2; 301; type 50",
            "BREAD 2.30 | Cash 2.00 | due 0.30 | ? Discount percent ✗ more has been paid than would be due",
        ),
        (
            "scan cola; 200; type 0.50; 102",
            "COLA 1.00 | Cash 0.50 | due 0.50 | ! more has been paid than would be due · Alt+V voids the payment first",
        ),
    ]);
}

#[test]
fn price_override_sets_the_unit_price() {
    shows(&[
        ("scan 3*cola; 104", "COLA 3×1.00 = 3.00 | due 3.00 | ? Change price"),
        ("scan 3*cola; 104; type 2", "COLA 3×2.00* = 6.00 | due 6.00"),
        ("scan cola; 104; type 2.899", "COLA 2.899* | due 2.90"),
        ("scan cola; 104; type 1", "COLA 1.00* | due 1.00"),
        ("scan cola; 104; no", "COLA 1.00 | due 1.00"),
        ("scan bag; 104; type 1; 104; type 0", "BAG 0.00* | due 0.00 | ! nothing is due · F9 concludes the sale"),
        ("scan cola; 104; type 2; 104; type 3", "COLA 3.00* | due 3.00"),
    ]);
}

#[test]
fn a_bad_price_is_asked_for_again() {
    shows(&[
        ("scan cola; 104; type 0", "COLA 1.00 | due 1.00 | ? Change price ✗ a price must be above zero"),
        ("scan cola; 104; type -1", "COLA 1.00 | due 1.00 | ? Change price ✗ a price must be above zero"),
        ("scan cola; 104; type 1e30", "COLA 1.00 | due 1.00 | ? Change price ✗ the price is not a number"),
        ("scan cola; 104; type 123456789012345678901234567890", "COLA 1.00 | due 1.00 | ? Change price ✗ a price may be 99999.99 at most"),
        ("scan cola; 104; type 100000", "COLA 1.00 | due 1.00 | ? Change price ✗ a price may be 99999.99 at most"),
        ("scan cola; 104; type", "COLA 1.00 | due 1.00 | ? Change price ✗ the price is not a number"),
        ("scan cola; 104; type 1.123456789", "COLA 1.00 | due 1.00 | ? Change price ✗ the price has too many decimals, 8 at most"),
        ("scan cola; 104; type 0; type 2", "COLA 2.00* | due 2.00"),
        (
            "scan 2212345610259; 104",
            "BEEF PRIMAL 2.308559×4.44 = 10.25 | due 10.76 | ! the price was printed on the product · F4 voids the line",
        ),
        ("scan cola; 102; 104", "(COLA 1.00) | due 0.00 | ! the line is voided · F4 brings it back"),
        ("104", "welcome | ! Price override needs a sale · scan the first product"),
        (
            "scan cola; 300; type 0.40; 104; type 0.30",
            "COLA 1×1.00 -0.40 = 0.60 | due 0.60 | ? Change price ✗ the discount of 0.40 is more than the line's 0.30",
        ),
    ]);
}

#[test]
fn an_overridden_price_stays() {
    shows(&[
        ("scan cola; 104; type 2; 105; type 3", "COLA 3×2.00* = 6.00 | due 6.00"),
        ("scan cola; 104; type 2; 106", "COLA 2.00* | due 2.00"),
        (
            "scan cola; 104; type 2; road down; scan bread",
            "offline: nobody listens at the scale unit's address | COLA 2.00* | BREAD 2.30 | due 4.30 | ! offline: nobody listens at the scale unit's address · go on selling; nothing is lost",
        ),
    ]);
}

#[test]
fn set_quantity_changes_the_selected_line() {
    shows(&[
        ("scan cola; 105", "COLA 1.00 | due 1.00 | ? Set quantity"),
        ("scan cola; 105; type 3", "COLA 3×1.00 = 3.00 | due 3.00"),
        ("scan cola; scan bread; line 1; 105; type 2", "COLA 2×1.00 = 2.00 | BREAD 2.30 | due 4.30"),
        ("scan ham; type 1; 105; type 0.333", "HAM 0.333×4.00 = 1.33 | due 1.33"),
        ("scan cola; 105; no", "COLA 1.00 | due 1.00"),
        ("scan cola; 105; type 0; type 2", "COLA 2×1.00 = 2.00 | due 2.00"),
    ]);
}

#[test]
fn a_bad_number_for_set_quantity_is_asked_for_again() {
    shows(&[
        ("scan cola; 105; type 0", "COLA 1.00 | due 1.00 | ? Set quantity ✗ a quantity of 0 is a void: Esc, then F4"),
        (
            "scan cola; 105; type -2",
            "COLA 1.00 | due 1.00 | ? Set quantity ✗ a quantity must be above zero; this is not the way to return goods",
        ),
        ("scan cola; 105; type 10000", "COLA 1.00 | due 1.00 | ? Set quantity ✗ a quantity may be 9999 at most"),
        ("scan cola; 105; type 123456789012345678901234567890", "COLA 1.00 | due 1.00 | ? Set quantity ✗ a quantity may be 9999 at most"),
        ("scan cola; 105; type 1.5", "COLA 1.00 | due 1.00 | ? Set quantity ✗ this product is sold by the piece; type a whole number"),
        ("scan cola; 105; type", "COLA 1.00 | due 1.00 | ? Set quantity ✗ the quantity is not a number"),
        ("scan cola; 105; type three", "COLA 1.00 | due 1.00 | ? Set quantity ✗ the quantity is not a number"),
        ("scan ham; type 1; 105; type 1.2345678", "HAM 4.00 | due 4.00 | ? Set quantity ✗ the quantity has too many decimals, 6 at most"),
        (
            "scan 2212345610259; 105",
            "BEEF PRIMAL 2.308559×4.44 = 10.25 | due 10.76 | ! the quantity follows from the price printed on the product · F4 voids the line",
        ),
        ("scan cola; 102; 105", "(COLA 1.00) | due 0.00 | ! the line is voided · F4 brings it back"),
        ("105", "welcome | ! Set quantity needs a sale · scan the first product"),
        ("scan bread; 200; type 1; payment 1; 105", "BREAD 2.30 | Cash 1.00 | due 1.30 | ! no line is selected · ↑ ↓ choose one"),
    ]);
}

#[test]
fn clear_quantity_is_one_and_not_none() {
    shows(&[
        ("scan 3*cola; 106", "COLA 1.00 | due 1.00"),
        ("scan cola; 106", "COLA 1.00 | due 1.00"),
        ("scan six; 106", "COLA 1.00 | due 1.00"),
        ("scan ham; type 2; 106", "HAM 2×4.00 = 8.00 | due 8.00 | ! this product's quantity must be weighed or typed · F3 sets it"),
        ("scan nails; type 5; 106", "NAILS 5×0.10 = 0.50 | due 0.50 | ! this product's quantity must be weighed or typed · F3 sets it"),
        (
            "scan 2*2212345610259; 106",
            "BEEF PRIMAL 4.617117×4.44 = 20.50 | due 21.53 | ! the quantity follows from the price printed on the product · F4 voids the line",
        ),
        ("scan cola; 102; 106", "(COLA 1.00) | due 0.00 | ! the line is voided · F4 brings it back"),
        ("106", "welcome | ! Clear quantity needs a sale · scan the first product"),
    ]);
}

#[test]
fn a_scan_longer_than_any_bar_code_is_refused() {
    let long = format!("scan {}", "7".repeat(129));
    shows(&[(&long, "welcome | ! bar code has more than 128 characters · scan it again, or type the number under the bars")]);
}

#[test]
fn only_a_lowered_quantity_is_noted() {
    let mut shop = Shop::open();
    shop.play("scan 3*cola; 105; type 5; 105; type 2; 106; 106");
    let lowered = shop.events().into_iter().filter_map(|event| {
        let Event::QuantityLowered { line, from, to, .. } = event else { return None };
        Some(format!("line {line}: {from} to {to}"))
    });
    assert_eq!(lowered.collect::<Vec<_>>(), ["line 1: 5 to 2", "line 1: 2 to 1"]);
}
