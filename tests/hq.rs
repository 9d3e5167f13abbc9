//! `evertill hq`, the real executable.

#![expect(clippy::unwrap_used, reason = "helpers of a test fail where they are called")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

struct Hq {
    folder: tempfile::TempDir,
}

impl Hq {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, words: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_evertill"))
            .arg("hq")
            .args(words)
            .args(["--database", &format!("sqlite:{}", self.path("hq.db").display())])
            .env("USER", "tester")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One that reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// A command that is done; what it says.
    #[track_caller]
    fn done(&self, words: &[&str]) -> String {
        let output = self.run(words, "");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[words, &["--json"]].concat())).unwrap()
    }

    /// A command that fails; what it says.
    #[track_caller]
    fn fails(&self, words: &[&str], status: i32) -> String {
        let output = self.run(words, "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(status), &b""[..]), "{words:?}: {told}");
        told
    }
}

fn sample_store() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sample-store").display().to_string()
}

#[test]
fn a_store_is_set_up_distributed_and_its_register_activated() {
    let hq = Hq::new();
    let imported = hq.json(&["import", &sample_store()]);
    assert_eq!(imported.as_array().unwrap().len(), 5);
    assert_eq!(imported[2]["new"], 1_000, "{imported}");
    assert!(hq.done(&["register", "list"]).contains("343-4"));
    let register = hq.json(&["register", "set", "343-2", "support_offline=yes", "name=Register by the door"]);
    assert_eq!((&register["support_offline"], &register["name"]), (&json!(true), &json!("Register by the door")));
    assert!(hq.done(&["channel-database", "list"]).contains("343-2"));

    let made = hq.json(&["schedule", "run", "9999"]);
    assert_eq!((&made[0]["store"], &made[0]["package"]["kind"]["kind"]), (&json!("343"), &json!("full")));
    assert_eq!(hq.done(&["schedule", "run", "1040", "--store", "343"]), "store 343: nothing has changed\n");
    let packages = hq.json(&["package", "list"]);
    let targets: Vec<&Value> = packages[0]["targets"].as_array().unwrap().iter().map(|state| &state["target"]).collect();
    assert_eq!(targets, ["343", "343-2"]);
    assert!(hq.done(&["package", "list"]).contains("available"));
    hq.done(&["schedule", "set", "1040", "--every", "15m"]);
    assert!(hq.done(&["schedule", "list"]).contains("every 15 minutes"));

    let code = hq.json(&["register", "activation-code", "343-2"]);
    assert_eq!(code["code"].as_str().unwrap().len(), 19);
    assert!(hq.done(&["device", "list"]).contains("pending"));
    let credentials = hq.path("unit.toml");
    hq.done(&["scale-unit", "add", "riverside", "--store", "343", "--out", &credentials.display().to_string()]);
    let text = std::fs::read_to_string(&credentials).unwrap();
    let fields: toml::Table = text.parse().unwrap();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["headquarters_key", "pin_key", "store", "token"]);
    assert!(!hq.done(&["scale-unit", "list", "--json"]).contains(fields["token"].as_str().unwrap()));
    assert_eq!(hq.json(&["transaction", "count"]), json!({ "transactions": 0 }));
    assert!(hq.done(&["audit", "list"]).contains("tester"));
}

#[test]
fn what_is_exported_is_imported_again_and_changes_nothing() {
    let hq = Hq::new();
    hq.done(&["import", &sample_store()]);
    for kind in ["product", "barcode", "customer", "register", "payment-method", "tax-group", "store", "permission-group"] {
        let file = hq.path(&format!("{kind}s.csv"));
        hq.done(&[kind, "export", "--out", &file.display().to_string()]);
        let again = hq.json(&["import", &file.display().to_string()]);
        assert_eq!((&again[0]["new"], &again[0]["changed"]), (&json!(0), &json!(0)), "{kind}: {again}");
        assert!(again[0]["same"].as_u64().unwrap() > 0, "{kind}");
    }
}

#[test]
fn a_pin_comes_from_standard_input_and_is_told_to_nobody() {
    let hq = Hq::new();
    hq.done(&["import", &sample_store()]);
    let output = hq.run(&["staff", "pin", "000160"], "482911\n");
    assert!(output.status.success(), "{output:?}");
    for told in [hq.done(&["staff", "show", "000160"]), hq.done(&["audit", "list", "--json"]), hq.done(&["staff", "list", "--json"])] {
        assert!(!told.contains("482911") && !told.contains("argon2"), "{told}");
    }
    assert!(hq.fails(&["staff", "set", "000160", "pin_hash=x"], 2).contains("hq staff pin"));
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let hq = Hq::new();
    hq.done(&["import", &sample_store()]);
    let bad = hq.path("products.csv");
    std::fs::write(&bad, "product_id,name,unit_price\n1,A,x\n2,,1\n3,C,1\n").unwrap();
    let file = bad.display().to_string();
    for (words, status, expected) in [
        (vec!["prodcut", "list"], 2, "did you mean product?"),
        (vec!["product", "show", "nope"], 1, "there is no product nope"),
        (vec!["product", "set", "819765", "unit_price=1,5"], 2, "unit_price: \"1,5\" is no number"),
        (vec!["product", "add", "819765", "name=A", "unit_price=1"], 2, "there is a product 819765 already"),
        (vec!["register", "add", "999-1"], 2, "store: there is no store \"999\""),
        (vec!["schedule", "run", "77"], 2, "there is no job 77"),
        (vec!["device", "reset", "343"], 2, "expected STORE-NUMBER such as 343-2"),
        (vec!["import", "/no/such/products.csv"], 2, "/no/such/products.csv"),
        (vec!["import", &file], 2, "products.csv:3: name: is empty, expected a value"),
        (vec!["import", &file], 2, "products.csv:2: unit_price: \"x\" is no number"),
        (vec!["staff", "activation-code", "343-1"], 2, "a staff has no such thing"),
        (vec!["store", "set", "343", "foo=1"], 2, "foo: is no field of a store\n  hint: fields of a store: number, name"),
    ] {
        let told = hq.fails(&words, status);
        assert!(told.contains(expected), "{words:?}: {told}");
    }
    assert_eq!(hq.done(&["gift-card", "list"]), "key  number  balance  currency\n");
    let help = hq.done(&["store", "--help"]);
    assert!(help.contains("export") && !help.contains("activation-code") && !help.contains("pin"), "{help}");
    let output = hq.run(&["import", &file, "--skip-bad", "--json"], "");
    assert!(output.status.success());
    let imported: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&imported[0]["new"], &imported[0]["bad"]), (&json!(1), &json!(2)));
}

#[test]
fn a_store_that_fails_is_told_among_the_others() {
    let hq = Hq::new();
    hq.done(&["import", &sample_store()]);
    hq.done(&["store", "add", "342", "name=Hillside"]);
    let database = rusqlite::Connection::open(hq.path("hq.db")).unwrap();
    database.execute("UPDATE records SET content = '{\"number\":\"342\"}' WHERE kind = 'store' AND key = '342'", []).unwrap();
    let output = hq.run(&["schedule", "run", "9999"], "");
    let (told, failure) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1));
    assert!(told.starts_with("store 342: failed: ") && told.contains("\nstore 343: package 1, full"), "{told}");
    assert!(failure.contains("342"), "{failure}");
    let output = hq.run(&["schedule", "run", "9999", "--json"], "");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(told[0]["error"].is_string() && told[1]["package"].is_null() && told[1]["store"] == "343", "{told}");
    assert!(hq.fails(&["schedule", "run", "9999", "--store", "342"], 1).contains("342"));
}
