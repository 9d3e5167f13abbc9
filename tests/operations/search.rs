//! Finding products: 101 Price check, 108 Product search.

use evertill::desk::Prompt;
use evertill::retail::transaction::Event;

use super::shop::{Shop, shows};

#[test]
fn a_search_sells_what_is_picked() {
    shows(&[
        ("108", "welcome | ? Product search \"\": "),
        ("108; find col", "welcome | ? Product search \"col\": COLA, COLESLAW 16 OZ, BROCCOLI WHOLE&CROWNS …"),
        ("108; find cola", "welcome | ? Product search \"cola\": COLA, CANDY BAGS-NON CHOCOLATE 13 OZ, CANDY BAGS-NON CHOCOLATE 3.5 OZ …"),
        ("108; find cola; pick cola", "COLA 1.00 | due 1.00"),
        ("108; find COLA; pick cola", "COLA 1.00 | due 1.00"),
        (
            "108; find colla",
            "welcome | ? Product search \"colla\": CANDY BAGS-NON CHOCOLATE 13 OZ, CANDY BAGS-NON CHOCOLATE 3.5 OZ, CANDY/CHOCOLATE 12 OZ …",
        ),
        ("108; find ham; pick ham", "welcome | ? Weight"),
        ("108; find 2900008197659", "welcome | ? Product search \"2900008197659\": NATURAL CHEESE EXACT WT CHUNKS 8 OZ"),
        ("108; no", "welcome"),
        ("scan bread; 108; find cola; pick cola", "BREAD 2.30 | COLA 1.00 | due 3.30"),
        ("scan 3*; 108; find cola; pick cola", "COLA 3×1.00 = 3.00 | due 3.00"),
        ("108; find recalled; pick recalled", "welcome | ! RECALLED is blocked and cannot be sold · put it aside"),
    ]);
}

#[test]
fn a_search_that_finds_nothing_says_so() {
    shows(&[
        ("108; find zzzzqq", "welcome | ? Product search \"zzzzqq\":  ✗ nothing fits; try fewer letters"),
        (
            "108; find zzzzqq; find cola",
            "welcome | ? Product search \"cola\": COLA, CANDY BAGS-NON CHOCOLATE 13 OZ, CANDY BAGS-NON CHOCOLATE 3.5 OZ …",
        ),
        (
            "108; find ; find cola",
            "welcome | ? Product search \"cola\": COLA, CANDY BAGS-NON CHOCOLATE 13 OZ, CANDY BAGS-NON CHOCOLATE 3.5 OZ …",
        ),
        ("108; find cola; find ", "welcome | ? Product search \"\": "),
        (
            "108; find cola; pick bread",
            "welcome | ? Product search \"cola\": COLA, CANDY BAGS-NON CHOCOLATE 13 OZ, CANDY BAGS-NON CHOCOLATE 3.5 OZ …",
        ),
        ("108; find \u{1b}[2J", "welcome | ? Product search \"\\u{1b}[2J\":  ✗ nothing fits; try fewer letters"),
        ("road broken; 108; find cola", "welcome | ? Product search \"cola\":  ✗ the scale unit answered with an error"),
    ]);
}

#[test]
fn searching_is_the_same_offline() {
    shows(&[
        (
            "road down; 108; find cola",
            "offline: nobody listens at the scale unit's address | welcome | ? Product search \"cola\": COLA, CANDY BAGS-NON CHOCOLATE 13 OZ, CANDY BAGS-NON CHOCOLATE 3.5 OZ … | ! offline: nobody listens at the scale unit's address · go on selling; nothing is lost",
        ),
        (
            "road down; 108; find cola; pick cola",
            "offline: nobody listens at the scale unit's address | COLA 1.00 | due 1.00 | ! offline: nobody listens at the scale unit's address · go on selling; nothing is lost",
        ),
        (
            "road hangs; 101; find cola; pick cola",
            "offline: no answer within 1.0 s | welcome | ? Price check | ! offline: no answer within 1.0 s · go on selling; nothing is lost",
        ),
    ]);
}

#[test]
fn a_price_check_sells_nothing_unless_asked_to() {
    shows(&[
        ("101", "welcome | ? Price check \"\": "),
        ("101; find cola; pick cola", "welcome | ? Price check"),
        ("101; find cola; pick cola; no", "welcome"),
        ("101; find cola; pick cola; yes", "COLA 1.00 | due 1.00"),
        ("scan bread; 101; find cola; pick cola; no", "BREAD 2.30 | due 2.30"),
        ("scan 2*; 101; find cola; pick cola; yes", "COLA 2×1.00 = 2.00 | due 2.00"),
        ("101; no", "welcome"),
        ("101; find recalled; pick recalled; yes", "welcome | ! RECALLED is blocked and cannot be sold · put it aside"),
        ("101; find ham; pick ham; yes", "welcome | ? Weight"),
    ]);
}

#[test]
fn a_price_check_tells_the_price_with_tax_and_whose_data_it_is() {
    let rows = |script: &str| {
        let (_, prompt) = Shop::open().view(script);
        let Prompt::Page(page) = prompt else { panic!("{prompt:?}") };
        page.rows.into_iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>()
    };
    let online = ["Product: TAXED", "Number: taxed", "Bar code: taxed", "Price: 10.00", "Sold by: each", "With tax: 10.80", "Tax: Tax 8 %"];
    assert_eq!(rows("101; find taxed; pick taxed")[..7], online);
    let offline = rows("road down; 101; find taxed; pick taxed");
    assert_eq!(offline[..7], online);
    assert_eq!(offline[8..], ["Prices: as of the last download"]);
    assert!(rows("101; find recalled; pick recalled").contains(&": not for sale".to_owned()));
}

#[test]
fn a_price_check_is_noted_and_a_search_is_not() {
    let mut shop = Shop::open();
    shop.play("108; find cola; no; 101; find cola; pick cola; no");
    let noted = shop.events().into_iter().filter(|event| matches!(event, Event::PriceCheck { product } if product == "cola")).count();
    assert_eq!((noted, shop.sales().len()), (1, 0));
}
