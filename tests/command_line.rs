//! What is wrong with a command line, or with a file that it names: told with its place and with what was expected, before anything starts.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn evertill(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evertill"));
    command.args(arguments).current_dir(folder).output().expect("the program runs")
}

#[test]
fn what_was_expected_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("a file");
    write("profile.toml", b"[register]\nstore = \"3\xe93\"\n");
    write("foreign.tape", "Enter\nType \"é".as_bytes().iter().chain(b"\xe9\"\n").copied().collect::<Vec<u8>>().as_slice());
    write("unknown.tape", b"Enter\nAssert foo == 3\nPress 2\n");
    write("store.toml", b"number = \"1\"\n  name = \n");
    write("products.csv", b"product_id,name,unit_price\n1,\"A,1\n2,B,1\n");
    let database = "expected sqlite:FILE or postgres://USER@HOST/NAME";
    let serve = |part, database| vec![part, "--listen", "127.0.0.1:0", "--database", database];
    for (arguments, status, words) in [
        (serve("headquarters", "mysql://x"), 2, database),
        (serve("headquarters", "sqlite:"), 2, database),
        (serve("scale-unit", "foo:x.db"), 2, database),
        (vec!["hq", "--database", "mysql://x", "store", "list"], 2, database),
        (vec!["headquarters", "--listen", "foo", "--database", "sqlite:x"], 2, "expected an IP address and a port"),
        (vec!["simulate", "--only", "foo"], 2, "expected numbers of steps"),
        (vec!["hq", "schedule", "run", "abc"], 2, "expected a job's number"),
        (vec!["profile", "check", "profile.toml"], 2, "profile.toml:2:11: is not UTF-8"),
        (vec!["demo", "foreign.tape"], 2, "foreign.tape:2:8: is not UTF-8"),
        (vec!["demo", "--headless", "unknown.tape"], 2, "unknown.tape:2:8: found `foo`, expected one of journal.transactions"),
        (vec!["demo", "--headless", "unknown.tape"], 2, "unknown.tape:3:7: found `2`, expected an operation's number"),
        (vec!["demo", "--size", "59x16"], 2, "expected COLSxROWS from 60x16"),
        (vec!["demo"], 1, "this is no terminal to play a tape on"),
        (vec!["hq", "--database", "sqlite:hq.db", "import", "store.toml"], 2, "store.toml:2:10: "),
        (vec!["hq", "--database", "sqlite:hq.db", "import", "products.csv"], 2, "products.csv:2: name: opens a quote that is not closed"),
        (vec!["--data", "profile.toml"], 2, "profile.toml: is no directory, expected the register's data directory"),
        (serve("headquarters", "sqlite:."), 1, "."),
    ] {
        let ended = evertill(folder.path(), &arguments);
        let told = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(status), "{arguments:?}: {told}");
        assert!(told.contains(words) && !told.contains("panicked"), "{arguments:?}: {told}");
        assert!(told.lines().all(|line| line.trim() != "hint:"), "{arguments:?}: {told}");
    }
}

#[test]
fn the_doctor_goes_on_behind_an_address_that_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let ended = evertill(folder.path(), &["doctor", "--data", "none", "--scale-unit", "foo"]);
    let said = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("ok    clock") && said.contains("WRONG scale unit: --scale-unit foo: expected http://"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_file_that_is_no_database_is_left_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    for (name, part) in [("one", "headquarters"), ("two", "scale-unit")] {
        let file = folder.path().join(name);
        fs::write(&file, "no database\n").expect("a file");
        fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).expect("its rights");
        let ended = evertill(folder.path(), &[part, "--listen", "127.0.0.1:0", "--database", &format!("sqlite:{name}")]);
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let mode = fs::metadata(&file).expect("the file").permissions().mode();
        assert_eq!((mode & 0o777, fs::read(&file).expect("the file")), (0o644, b"no database\n".to_vec()), "{part}");
    }
}
