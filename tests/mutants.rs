//! The mistakes of `tests/simulation/mutants.toml` fit the code as it stands, and docs/reliability.md tells of each: what `.ci/mutants` would
//! find out after an hour.

use std::fs;
use std::path::Path;

use serde::Deserialize;

#[derive(Deserialize)]
struct Mutants {
    mutant: Vec<Mutant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    name: String,
    file: String,
    old: String,
    new: String,
    and_old: Option<String>,
    and_new: Option<String>,
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn mutants() -> Vec<Mutant> {
    let mutants: Mutants = toml::from_str(&read("tests/simulation/mutants.toml")).expect("tests/simulation/mutants.toml is well-formed");
    mutants.mutant
}

#[test]
fn what_each_mutant_changes_stands_once_in_its_file() {
    for Mutant { name, file, old, new, and_old, and_new } in mutants() {
        let text = read(&file);
        assert_eq!(and_old.is_some(), and_new.is_some(), "{name}: a second place has both");
        for (old, new) in [(Some(old), Some(new)), (and_old, and_new)] {
            let (Some(old), Some(new)) = (old, new) else { continue };
            assert_eq!(text.matches(&old).count(), 1, "{name}: in {file}\n{old}");
            assert_ne!(old, new, "{name}: nothing is changed");
        }
    }
}

#[test]
fn the_page_tables_every_mutant_in_order() {
    let page = read("docs/reliability.md");
    let (_, table) = page.split_once("| Mistake | Its lines |").expect("docs/reliability.md has the table of mistakes");
    let rows = table.lines().skip(2).map_while(|row| row.strip_prefix("| ")?.split(" | ").next());
    let names: Vec<String> = mutants().into_iter().map(|mutant| mutant.name).collect();
    assert_eq!(rows.collect::<Vec<_>>(), names);
}
