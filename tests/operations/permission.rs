//! Who may do what: every operation by every role, and a manager's right lent for one operation.

use evertill::retail::transaction::{Content, Event};

use super::shop::{Shop, shows};

/// At a register where the trainee, who may do nothing special, has signed in.
fn trainee() -> Shop {
    by("200")
}

fn by(operator: &str) -> Shop {
    let mut shop = Shop::closed();
    shop.play(&format!("sign {operator}"));
    shop
}

#[test]
fn each_role_may_do_what_its_group_says_and_no_more() {
    let operations = [
        ("102", "scan cola; 102"),
        ("104 lower", "scan bread; 104; type 1"),
        ("104 higher", "scan bread; 104; type 3"),
        ("211", "scan bread; 200; type 1; 211"),
        ("300 small", "scan bread; 300; type 0.10"),
        ("300 large", "scan 20*bread; 300; type 21"),
        ("301 small", "scan bread; 301; type 10"),
        ("301 large", "scan bread; 301; type 55"),
        ("301 most", "scan bread; 301; type 100"),
        ("500", "scan cola; 500"),
        ("917", "917; yes"),
        ("others", "scan 2*cola; 105; type 1; 106; 101; no; 108; no; 200; type 0.5; 703; sign OPERATOR; 206; 701"),
    ];
    let rows = [
        ("200", "others"),
        ("201", "104 lower, others"),
        ("202", "104 higher, others"),
        ("000160", "102, 104 lower, 104 higher, 211, 300 small, 301 small, 500, 917, others"),
        ("300", "102, 104 lower, 104 higher, 211, 300 small, 300 large, 301 small, 301 large, 500, 917, others"),
        ("000110", "102, 104 lower, 104 higher, 211, 300 small, 300 large, 301 small, 301 large, 301 most, 500, 917, others"),
    ];
    for (operator, expected) in rows {
        let allowed = operations.iter().filter(|(_, script)| {
            let seen = by(operator).play(&script.replace("OPERATOR", operator));
            !seen.contains("? manager for")
        });
        let allowed: Vec<&str> = allowed.map(|(name, _)| *name).collect();
        assert_eq!(allowed.join(", "), expected, "{operator}");
    }
}

#[test]
fn a_manager_lends_a_right_for_one_operation() {
    super::shop::shows_at(
        trainee,
        &[
            ("scan cola; 102", "COLA 1.00 | due 1.00 | ? manager for Void product"),
            ("scan cola; 102; sign 000110", "(COLA 1.00) | due 0.00"),
            ("scan cola; 102; sign 000110; 102", "(COLA 1.00) | due 0.00 | ? manager for Void product"),
            ("scan cola; 102; no", "COLA 1.00 | due 1.00"),
            ("scan bread; 104; type 1; sign 000110", "BREAD 1.00* | due 1.00"),
            ("scan bread; 104; type 1; sign 000110; 104; type 0.50", "BREAD 1.00* | due 1.00 | ? manager for Price override"),
            ("scan bread; 200; type 1; 211; sign 000110", "BREAD 2.30 | (Cash 1.00) | due 2.30"),
            ("scan bread; 301; type 10; sign 000110", "BREAD 1×2.30 -0.23 = 2.07 | due 2.07"),
            ("scan cola; 500; sign 000110", "COLA 1.00 | due 1.00 | ? Give up this sale of 1.00?"),
            ("scan cola; 500; sign 000110; yes", "welcome | ! the sale was voided · scan the next product"),
            ("917; yes; sign 000110", "offline: disconnected by hand | welcome | ! offline: disconnected by hand · F12 connects again"),
            ("scan cola; 701; yes", "COLA 1.00 | due 1.00 | ? manager for Void transaction"),
            (
                "scan cola; 701; yes; sign 000110",
                "sign in | ! logged off; 1 sale is unsent · leave the register running; they are on their way",
            ),
        ],
    );
}

#[test]
fn nobody_authorizes_himself_nor_what_he_may_not_do() {
    super::shop::shows_at(
        trainee,
        &[
            ("scan cola; 102; sign 200", "COLA 1.00 | due 1.00 | ? manager for Void product ✗ another operator must authorize this"),
            ("scan cola; 102; sign 201", "COLA 1.00 | due 1.00 | ? manager for Void product ✗ Lower may not do this either"),
            ("scan cola; 102; sign 000110/9", "COLA 1.00 | due 1.00 | ? manager for Void product ✗ operator or PIN is wrong"),
            ("scan cola; 102; sign 9", "COLA 1.00 | due 1.00 | ? manager for Void product ✗ operator or PIN is wrong"),
            ("scan cola; 102; sign 200; sign 000160", "(COLA 1.00) | due 0.00"),
            ("scan cola; 102; sign 000160", "(COLA 1.00) | due 0.00"),
            (
                "scan bread; 301; type 70; sign 300",
                "BREAD 2.30 | due 2.30 | ? manager for Line discount percent ✗ Bounded may not do this either",
            ),
            ("road down; scan cola; 102; sign 000110", "offline: nobody listens at the scale unit's address | (COLA 1.00) | due 0.00"),
            (
                "scan cola; road down; 102; sign 000110",
                "offline: nobody listens at the scale unit's address | (COLA 1.00) | due 0.00 | ! offline: nobody listens at the scale unit's address · go on selling; nothing is lost",
            ),
        ],
    );
}

#[test]
fn a_lent_right_is_recorded_with_both_operators() {
    let mut shop = trainee();
    shop.play("scan cola; 102; sign 000110; 102; sign 200; no");
    let lent = Event::ManagerAuthorized { manager: "000110".into(), operation: 102 };
    let told = shop.events().into_iter().filter(|event| matches!(event, Event::ManagerAuthorized { .. }));
    assert!(told.eq([lent.clone()]));
    let record = shop.records().into_iter().find(|record| record.content == Content::Event(lent.clone()));
    assert_eq!(record.map(|record| record.operator.0), Some("200".to_owned()));
}

#[test]
fn the_tests_before_an_operation_come_in_their_order() {
    // Screen, then what it needs, then who may: an operation that cannot be is not authorized first.
    shows(&[
        ("102", "welcome | ! Void product needs a sale · scan the first product"),
        ("999", "welcome | ! there is no operation 999 · F1 shows the operations there are"),
        ("scan cola; 211", "COLA 1.00 | due 1.00 | ! no payment is selected · ↑ ↓ choose one"),
        ("scan cola; 102; 300", "(COLA 1.00) | due 0.00 | ! the line is voided · F4 brings it back"),
    ]);
}
