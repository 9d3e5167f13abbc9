//! The shape of the project as a test: which module uses which, what has its one place, and what no file holds.
//!
//! It reads the files' text as rustfmt leaves it, with tests last in a file; it is no Rust parser. A finding says file, line and what to do.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The project's folder.
const TOP: &str = env!("CARGO_MANIFEST_DIR");

/// Which modules a module may use, from the ground up; every module may use itself. A part with a row of its own (`channel::http`) is
/// not covered by its parent's name.
const USES: &[(&str, &str)] = &[
    ("clock", ""),
    ("ids", "clock"),
    ("money", ""),
    ("place", ""),
    ("private", ""),
    ("profile", ""),
    ("round", ""),
    ("random", "ids"),
    ("secret", "random"),
    ("signature", "random secret"),
    ("fiscal", "private secret signature"),
    ("tls", "private"),
    ("retail", "clock ids money profile"),
    ("connection", "clock profile"),
    ("view", "clock desk money retail"),
    ("desk", "channel clock connection ids money retail view"),
    ("import", "money retail"),
    ("master_data", "ids money retail"),
    ("pin", "random retail secret"),
    ("package", "channel clock ids private secret signature"),
    ("realtime", "channel clock ids package retail secret"),
    ("sample_store", "import master_data money retail"),
    ("channel", "clock connection ids master_data money package retail"),
    ("protocol", "channel clock ids money package realtime retail secret"),
    ("channel::http", "channel clock connection ids money package protocol realtime retail secret tls wire"),
    ("channel::postgres", "channel channel::sqlite clock ids master_data money package pin retail"),
    ("channel::sqlite", "channel clock ids master_data money package pin place private retail"),
    ("device", "channel ids private realtime retail secret"),
    ("wire", ""),
    ("deadline", "channel connection wire"),
    ("journal", "channel clock fiscal ids money place private retail signature"),
    ("sync", "channel clock connection deadline desk ids journal package private retail"),
    ("road", ""),
    ("server", "channel clock protocol"),
    ("till", "channel clock connection deadline desk ids journal money profile retail secret sync till::operations view wire"),
    ("till::operations", "channel clock connection desk ids journal money retail secret till view"),
    (
        "register",
        "channel channel::http channel::sqlite clock connection deadline desk device ids journal package pin private profile realtime retail round secret sync till view wire",
    ),
    ("scale_unit", "channel channel::http clock ids package private protocol realtime retail round secret server sync wire"),
    ("chain", "channel channel::http channel::sqlite clock device headquarters headquarters::server ids private road scale_unit secret"),
    (
        "headquarters",
        "channel channel::postgres channel::sqlite clock ids import master_data money package pin place private profile realtime retail sample_store secret",
    ),
    ("headquarters::server", "channel clock headquarters package protocol realtime retail round secret server"),
    ("ui", "clock connection desk ids money profile retail till::operations view"),
    (
        "demo",
        "chain channel channel::sqlite clock desk device headquarters ids journal money out private profile register retail road sample_store scale_unit till till::operations ui view",
    ),
    (
        "replay",
        "chain channel clock desk headquarters ids import journal money profile register retail road sample_store secret till till::operations view",
    ),
    (
        "simulation",
        "channel channel::sqlite clock desk device headquarters headquarters::server ids import journal pin profile random register retail sample_store scale_unit secret server till till::operations view wire",
    ),
    ("simulation::disk", "ids"),
    (
        "cli",
        "chain channel channel::http channel::postgres channel::sqlite clock deadline demo desk device headquarters headquarters::server ids import journal money package pin private profile register replay retail sample_store scale_unit secret server signature simulation till::operations tls ui view",
    ),
    ("main", "cli"),
];

/// What has its place: words, the modules that alone may or never may have them, and what to do instead.
const PLACES: &[(&str, Place, &str)] = &[
    (
        "rusqlite refinery",
        Place::Only("journal channel::postgres channel::sqlite headquarters place replay simulation simulation::disk"),
        "SQL stays in the stores (and in the replay and the simulation, which read behind their backs): ask one of them for a function",
    ),
    ("ureq", Place::Only("channel::http scale_unit sync"), "these alone call a scale unit: go through `Channel`"),
    ("tokio axum", Place::Only("headquarters::server scale_unit server"), "servers alone are asynchronous: use a thread and a channel"),
    ("std::net", Place::Never("ui"), "the screen knows no socket: let the till publish what it shows"),
    (
        "std::fs std::net Instant::now SystemTime::now Utc::now thread::sleep",
        Place::Never("retail connection till till::operations"),
        "rules read no clock, file or socket: have it handed in",
    ),
];

enum Place {
    Only(&'static str),
    Never(&'static str),
}

/// Lines of a source file at most, its tests aside.
const LINES_MAX: usize = 600;
const LEFT_UNDONE: &str = "TODO FIXME XXX todo! unimplemented! #[ignore";
const NO_FILE: &str = "correct its name, add the file, or say in place what it says";
/// Where machines keep what is somebody's or was mounted.
const OUTSIDE: &str = "/home/ /root/ /Users/ /mnt/ /media/ /srv/";

#[test]
fn the_project_keeps_its_shape() {
    let mut files = Vec::new();
    walk(Path::new(TOP), &mut files);
    assert!(files.iter().any(|file| file.path == "src/lib.rs"), "the walk finds the library");
    let findings = findings(&files);
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), Vec::from_iter(findings).join("\n"));
}

#[test]
fn each_rule_can_fail() {
    let long = "fn line() {}\n".repeat(LINES_MAX + 1);
    for (path, text, finding) in [
        (
            "src/till/stop.rs",
            "use crate::money;\nuse crate::{clock, ui::{Screen, theme}};\n",
            "src/till/stop.rs:2: `till` must not use `ui`",
        ),
        (
            "src/till.rs",
            "use crate::channel::{\n    Channel,\n    http::HttpChannel,\n};",
            "src/till.rs:1: `till` must not use `channel::http`",
        ),
        ("src/retail/tax.rs", "use super::super::journal::Journal;", "src/retail/tax.rs:1: `retail` must not use `journal`"),
        ("src/ui.rs", "fn draw(till: &crate::till::Till) {}", "src/ui.rs:1: `ui` must not use `till`"),
        ("src/main.rs", "fn main() { evertill::till::run::<Desk>() }", "src/main.rs:1: `main` must not use `till`"),
        ("src/extra.rs", "", "src/extra.rs:1: `extra` has no row"),
        ("src/sync/upload.rs", "fn send(file: rusqlite::Connection) {}", "src/sync/upload.rs:1: `rusqlite` has no place in `sync`"),
        ("src/till.rs", "use std::{\n    fs,\n};", "src/till.rs:1: `std::fs` has no place in `till`"),
        ("src/connection.rs", "\nlet start = Instant::now();", "src/connection.rs:2: `Instant::now` has no place"),
        ("src/road.rs", &long, "src/road.rs:601: 601 lines"),
        ("src/till/mod.rs", "", "src/till/mod.rs:1: put `x.rs` beside"),
        ("assets/demo/a.tape", "Enter\n# TODO: more", "assets/demo/a.tape:2: `TODO` leaves"),
        ("tests/a.rs", "#[test]\n#[ignore = \"slow\"]", "tests/a.rs:2: `#[ignore` leaves"),
        ("src/road.rs", "#[cfg(test)]\nmod tests {\n    thread::sleep(time);", "src/road.rs:3: a test must not sleep"),
        ("README.md", "See [it](docs/no-such-file.md#top).", "README.md:1: there is no `docs/no-such-file.md`"),
        ("README.md", "It stands in /home/tom/till.", "README.md:1: `/home/` lies outside"),
        ("tests/a.rs", "include!(\"../src/a.rs\");\ninclude!(\"../../a.rs\");", "tests/a.rs:2: `../../` lies outside"),
        ("src/road.rs", "\n//! See operations.md, part C.", "src/road.rs:2: there is no `operations.md`"),
        ("Cargo.toml", "[dependencies]\ncsv = \"1\" # files\nregex = \"1\"", "Cargo.toml:3: a dependency says why"),
        ("tests/a.rs", "#![expect(\n    dead_code,\n)]", "tests/a.rs:1: an exception from a lint"),
    ] {
        let found = findings(&[File { path: path.to_owned(), text: text.to_owned() }]);
        assert!(
            found.len() == 1 && found.iter().all(|found| found.starts_with(finding)),
            "{finding}\nis wanted of {path}, found {found:#?}"
        );
    }
}

#[test]
fn what_the_rules_allow_is_not_found() {
    let tests =
        "use crate::money::Money; // crate::ui\n\n#[cfg(test)]\nmod tests {\n    use crate::ui::Ui;\n".to_owned() + &"\n".repeat(LINES_MAX);
    let found = findings(
        &[
            ("src/till.rs", tests.as_str()),
            ("src/ui.rs", "use crate::till::operations::{self as operations, TABLE};\n#[expect(dead_code, reason = \"of the test\")]"),
            ("src/connection.rs", "//! [`crate::till`], thread::sleep\n#[cfg(test)]\nmod properties;"),
            ("src/connection/properties.rs", "use crate::till::Till;\nfn hand_ureq_over() {}"),
            ("README.md", "[here](#here), [a](https://example.org/a), [b](src/lib.rs)\n```\na[0](b)\n```"),
        ]
        .map(|(path, text)| File { path: path.to_owned(), text: text.to_owned() }),
    );
    assert_eq!(found, BTreeSet::new());
}

/// A file and its path from the top; what is no text reads as empty.
struct File {
    path: String,
    text: String,
}

/// Every file of the project but this one, which has to name what it forbids.
fn walk(folder: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("the project's folders can be read") {
        let path = entry.expect("and their entries").path();
        let name = path.strip_prefix(TOP).expect("they lie under the top").to_string_lossy().replace('\\', "/");
        match name.as_str() {
            ".git" | "target" | "tests/tidy.rs" => {}
            _ if path.is_dir() => walk(&path, files),
            _ => files.push(File { path: name, text: fs::read_to_string(&path).unwrap_or_default() }),
        }
    }
}

fn findings(files: &[File]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let test_files: Vec<String> = files.iter().flat_map(test_files_of).collect();
    for File { path, text } in files {
        let mut report = |line: usize, what: String| _ = found.insert(format!("{path}:{line}: {what}"));
        words(path, text, &mut report);
        outside(path, text, &mut report);
        pages(path, text, &mut report);
        match path.rsplit('.').next() {
            Some("rs") => {
                let (code, tests) = split(text, path.starts_with("tests/") || test_files.contains(path));
                if let Some(module) = path.strip_prefix("src/").and_then(|path| path.strip_suffix(".rs")) {
                    source(&module.replace('/', "::"), &code, &mut report);
                }
                for (line, _) in (1..).zip(tests.lines()).filter(|(_, text)| has_word(text, "thread::sleep")) {
                    report(line, "a test must not sleep: wait for a condition or use a virtual clock".to_owned());
                }
                exceptions(text, &mut report);
            }
            Some("md") => links(path, text, &mut report),
            Some("toml") if path == "Cargo.toml" => dependencies(text, &mut report),
            _ => {}
        }
    }
    found
}

fn source(module: &str, code: &str, report: &mut impl FnMut(usize, String)) {
    if module.ends_with("::mod") {
        return report(1, "put `x.rs` beside the folder `x`, not a `mod.rs` into it".to_owned());
    }
    let lines = code.lines().count();
    if lines > LINES_MAX {
        report(LINES_MAX + 1, format!("{lines} lines without tests are too many: make it two files"));
    }
    if module == "lib" {
        return;
    }
    let Some((row, allowed)) = row_of(module) else {
        return report(1, format!("`{module}` has no row in USES of tests/tidy.rs: say there what it may use"));
    };
    // Enough `super::` lead to the crate as well, and the executable knows it by its name.
    let to_the_top = "super::".repeat(module.split("::").count());
    let rooted = code.replace(&to_the_top, "crate::").replace("evertill::", "crate::").replace("::<", "<");
    for (line, path) in paths_under("crate", &rooted) {
        if let Some((used, _)) = row_of(&path).filter(|(used, _)| used != row && !allowed.split(' ').any(|allowed| allowed == *used)) {
            report(line, format!("`{row}` must not use `{used}`: have it handed in from above, or move what both need below"));
        }
    }
    let mut mentions: Vec<(usize, String)> = (1..).zip(code.lines().map(str::to_owned)).collect();
    mentions.extend(paths_under("std", code).into_iter().map(|(line, path)| (line, format!("std::{path}"))));
    for (words, place, instead) in PLACES {
        let is_welcome = match place {
            Place::Only(rows) => rows.split(' ').any(|welcome| welcome == *row),
            Place::Never(rows) => rows.split(' ').all(|unwelcome| unwelcome != *row),
        };
        for (line, mention) in mentions.iter().filter(|_| !is_welcome) {
            for word in words.split(' ').filter(|word| has_word(mention, word)) {
                report(*line, format!("`{word}` has no place in `{row}`: {instead}"));
            }
        }
    }
}

/// The row of a module, or of the nearest one that it is a part of.
fn row_of(path: &str) -> Option<&'static (&'static str, &'static str)> {
    let covers = |row: &str| path.strip_prefix(row).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    USES.iter().filter(|(row, _)| covers(row)).max_by_key(|(row, _)| row.len())
}

fn exceptions(text: &str, report: &mut impl FnMut(usize, String)) {
    for (start, _) in text.match_indices("[allow(").chain(text.match_indices("[expect(")) {
        let attribute = text[start..].split(")]").next().unwrap_or_default();
        if text[..start].ends_with(['#', '!']) && !attribute.contains("reason = ") {
            report(line_of(text, start), "an exception from a lint says why: `reason = \"…\"`".to_owned());
        }
    }
}

fn words(path: &str, text: &str, report: &mut impl FnMut(usize, String)) {
    let is_source = ["src/", "tests/", "benches/", "assets/"].iter().any(|folder| path.starts_with(folder));
    for (line, text) in (1..).zip(text.lines()) {
        for word in LEFT_UNDONE.split(' ').filter(|word| is_source && has_word(text, word)) {
            report(line, format!("`{word}` leaves something undone: do it now or leave it out"));
        }
    }
}

/// Places of one machine, and steps up that lead out of the project.
fn outside(path: &str, text: &str, report: &mut impl FnMut(usize, String)) {
    // In a folder for temporary files that folder is no sign: tapes and deployments have their own.
    let own = TOP.split_inclusive('/').take(2).collect::<String>();
    let places = OUTSIDE.split(' ').chain((own != "/tmp/").then_some(own.as_str()));
    let way_out = "../".repeat(path.matches('/').count() + 1);
    for (line, text) in (1..).zip(text.lines()) {
        for word in places.clone().chain([way_out.as_str()]).filter(|word| text.contains(word)) {
            report(line, format!("`{word}` lies outside the project: do without"));
        }
    }
}

/// The pages that a file names are the project's.
fn pages(path: &str, text: &str, report: &mut impl FnMut(usize, String)) {
    let top = Path::new(TOP);
    let folder = top.join(path).parent().expect("a file lies in a folder").to_owned();
    for (line, text) in (1..).zip(text.lines()) {
        let names = text.split(|letter| !is_of_a_word(letter) && !matches!(letter, '/' | '.' | '-')).map(|name| name.trim_end_matches('.'));
        for name in names.filter(|name| name.rsplit('.').next() == Some("md") && !name.starts_with("//")) {
            if !top.join(name).exists() && !folder.join(name).exists() {
                report(line, format!("there is no `{name}`: {NO_FILE}"));
            }
        }
    }
}

fn links(path: &str, text: &str, report: &mut impl FnMut(usize, String)) {
    let folder = Path::new(TOP).join(path).parent().expect("a file lies in a folder").to_owned();
    let mut is_quoted = false;
    for (line, text) in (1..).zip(text.lines()) {
        is_quoted ^= text.trim_start().starts_with("```");
        let targets = ["](", "]: ", "src=\"", "href=\""].iter().flat_map(|start| text.split(start).skip(1));
        for target in targets.filter_map(|target| target.split([')', '"', ' ', '#', '>']).next()) {
            let is_elsewhere = target.contains("://") || target.starts_with("mailto:");
            if !is_quoted && !is_elsewhere && !folder.join(target).exists() {
                report(line, format!("there is no `{target}`: {NO_FILE}"));
            }
        }
    }
}

fn dependencies(text: &str, report: &mut impl FnMut(usize, String)) {
    let mut is_among_them = false;
    for (line, text) in (1..).zip(text.lines()) {
        if text.starts_with('[') {
            is_among_them = text.contains("dependencies");
        } else if is_among_them && text.contains('=') && !text.contains(" # ") {
            report(line, "a dependency says why it is there: `name = \"1\" # why`".to_owned());
        }
    }
}

/// A file's code and its tests' code, without comments, both on the lines where they were.
fn split(text: &str, mut is_test: bool) -> (String, String) {
    let (mut code, mut tests) = (String::new(), String::new());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        is_test |= line == "#[cfg(test)]" && lines.peek().is_some_and(|next| has_word(next, "mod") && next.ends_with('{'));
        if !line.trim_start().starts_with("//") {
            *(if is_test { &mut tests } else { &mut code }) += line.split(" // ").next().unwrap_or_default();
        }
        tests.push('\n');
        if !is_test {
            code.push('\n');
        }
    }
    (code, tests)
}

/// The files that a file declares as tests: `#[cfg(test)]` and then `mod name;`.
fn test_files_of(file: &File) -> Vec<String> {
    let pairs = file.text.lines().zip(file.text.lines().skip(1)).filter(|(first, _)| *first == "#[cfg(test)]");
    let names = pairs.filter_map(|(_, second)| second.strip_suffix(';')?.split_once("mod "));
    names.map(|(_, name)| format!("{}/{name}.rs", file.path.trim_end_matches(".rs"))).collect()
}

/// The paths that follow `root::`, groups taken apart, each with its line.
fn paths_under(root: &str, code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices(root).filter(|(start, _)| !code[..*start].ends_with(is_of_a_word)) {
        let mut paths = Vec::new();
        if let Some(tree) = code[start + root.len()..].strip_prefix("::") {
            take_apart(tree, "", &mut paths);
        }
        found.extend(paths.into_iter().map(|path| (line_of(code, start), path)));
    }
    found
}

/// `a::{b, c::d}` is `a::b` and `a::c::d`. Returns what follows.
fn take_apart<'a>(tree: &'a str, above: &str, paths: &mut Vec<String>) -> &'a str {
    let (name, mut rest) = tree.split_at(tree.find(|letter| !is_of_a_word(letter) && letter != '*').unwrap_or(tree.len()));
    let path = format!("{above}{name}");
    if let Some(below) = rest.strip_prefix("::") {
        return take_apart(below, &format!("{path}::"), paths);
    }
    if !name.is_empty() {
        paths.push(path);
        return rest;
    }
    while let Some(member) = rest.strip_prefix(['{', ',']) {
        rest = take_apart(member.trim_start(), above, paths);
        rest = &rest[rest.find([',', '}']).unwrap_or(rest.len())..];
    }
    rest.strip_prefix('}').unwrap_or(rest)
}

fn is_of_a_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Whether the text has the word by itself, not as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let is_cut = |left: &str, right: &str| left.ends_with(is_of_a_word) && right.starts_with(is_of_a_word);
    text.match_indices(word).any(|(start, _)| {
        let end = start + word.len();
        !is_cut(&text[..start], word) && !is_cut(word, &text[end..])
    })
}

fn line_of(text: &str, position: usize) -> usize {
    text[..position].matches('\n').count() + 1
}
