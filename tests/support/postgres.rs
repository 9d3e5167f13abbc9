//! PostgreSQL for tests: a server of their own in a folder of its own, or the one that `EVERTILL_POSTGRES` names.
//!
//! Where there is neither a server nor the programs of one, it says so once and the tests that need it do nothing; with
//! `EVERTILL_NEED_POSTGRES=1` they fail.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Does what it is told line by line; when the tests' process ends, however it does, so do the servers and their folder.
const SCRIPT: &str = r#"
bin=$1; dir=$2
failed() { tail -n 5 "$dir"/*.log >&2; echo failed; }
start() { "$bin/pg_ctl" -D "$dir/$1" -w -s -l "$dir/$1.log" -o "-k '$dir' -p $2 -h '' -c max_connections=200" start; }
"$bin/initdb" -D "$dir/first" -U evertill -A trust -E UTF8 --locale=C --no-sync > "$dir/initdb.log" 2>&1 && start first 5432 && echo done || failed
while read -r command; do
  case $command in
    standby)
      "$bin/pg_basebackup" -h "$dir" -p 5432 -U evertill -D "$dir/second" -R -X stream -c fast > "$dir/basebackup.log" 2>&1 &&
        start second 5433 &&
        "$bin/psql" -h "$dir" -p 5432 -U evertill -d postgres -q \
          -c "ALTER SYSTEM SET synchronous_standby_names = '*'" -c "SELECT pg_reload_conf()" > "$dir/psql.log" 2>&1 ;;
    kill) kill -9 "$(head -1 "$dir/first/postmaster.pid")" ;;
    crash) main=$(head -1 "$dir/first/postmaster.pid"); kill -9 "$main" $(cat "/proc/$main/task/$main/children" 2> /dev/null) ;;
    restart)
      tries=100
      until start first 5432 > /dev/null 2>&1; do
        tries=$((tries - 1)); [ "$tries" -gt 0 ] || break; sleep 0.1
      done
      [ "$tries" -gt 0 ] ;;
    promote) "$bin/pg_ctl" -D "$dir/second" -w -s promote ;;
  esac && echo done || failed
done
for cluster in first second; do
  "$bin/pg_ctl" -D "$dir/$cluster" -m immediate -s stop > "$dir/stop.log" 2>&1
done
rm -rf "$dir"
"#;

/// An empty database, dropped at the end.
pub(crate) struct Database {
    pub(crate) url: String,
    name: String,
    server: &'static str,
}

impl Database {
    /// A new one, or none when there is no PostgreSQL.
    pub(crate) fn new() -> Option<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let server = server()?;
        let name = format!("evertill_test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        run(server, &format!("CREATE DATABASE {name} TEMPLATE template0"));
        Some(Self { url: database_of(server, &name), name, server })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        run(self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// A primary and a standby that has every commit before it is acknowledged.
pub(crate) struct Pair {
    cluster: Cluster,
}

impl Pair {
    /// None when the programs of a server are not here.
    pub(crate) fn start() -> Option<Self> {
        let mut cluster = Cluster::start(&binaries()?);
        cluster.tell("standby");
        Some(Self { cluster })
    }

    /// Leads to whichever takes writes.
    pub(crate) fn url(&self) -> String {
        let host = encoded(&self.cluster.folder);
        format!("postgres://evertill@{host}:5432,{host}:5433/postgres?target_session_attrs=read-write&sslmode=disable")
    }

    /// The primary dies as if its machine had.
    pub(crate) fn kill_primary(&mut self) {
        self.cluster.tell("kill");
    }

    /// The standby takes writes from now on.
    pub(crate) fn promote(&mut self) {
        self.cluster.tell("promote");
    }
}

/// A server that dies without a word, and comes back with what its disk has.
pub(crate) struct Mortal {
    cluster: Cluster,
}

impl Mortal {
    /// None when the programs of a server are not here.
    pub(crate) fn start() -> Option<Self> {
        Some(Self { cluster: Cluster::start(&binaries()?) })
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://evertill@{}:5432/postgres", encoded(&self.cluster.folder))
    }

    /// All of its processes at once.
    pub(crate) fn crash(&mut self) {
        self.cluster.tell("crash");
    }

    pub(crate) fn restart(&mut self) {
        self.cluster.tell("restart");
    }
}

/// Runs a statement at a server.
pub(crate) fn run(url: &str, sql: &str) {
    postgres::Client::connect(url, postgres::NoTls).and_then(|mut client| client.batch_execute(sql)).expect(sql);
}

/// The server that all tests of a process share.
fn server() -> Option<&'static str> {
    static SERVER: OnceLock<Option<(String, Option<Cluster>)>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        if let Ok(url) = std::env::var("EVERTILL_POSTGRES") {
            return Some((url, None));
        }
        let cluster = Cluster::start(&binaries()?);
        Some((format!("postgres://evertill@{}:5432/postgres", encoded(&cluster.folder)), Some(cluster)))
    });
    server.as_ref().map(|(url, _)| url.as_str())
}

/// The folder of the programs, of the newest version there is.
fn binaries() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let search = || {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> =
            fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|version| version.path().join("bin")).collect();
        folders.sort();
        folders.reverse();
        folders.extend(std::env::split_paths(&path));
        let is_whole = |folder: &PathBuf| ["initdb", "pg_ctl", "pg_basebackup", "psql"].iter().all(|name| folder.join(name).exists());
        let found = folders.into_iter().find(is_whole);
        if found.is_none() {
            assert!(std::env::var_os("EVERTILL_NEED_POSTGRES").is_none(), "no PostgreSQL, and EVERTILL_NEED_POSTGRES asks for one");
            let words = "no PostgreSQL (EVERTILL_POSTGRES is not set, and there is no initdb): its tests do nothing";
            writeln!(std::io::stderr(), "{words}").expect("standard error is open");
        }
        found
    };
    FOUND.get_or_init(search).clone()
}

/// Servers in a folder, and who runs them.
struct Cluster {
    folder: PathBuf,
    shell: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.orders.take());
        // What is left of it then is in a folder for temporary files.
        let _ = self.shell.wait();
    }
}

impl Cluster {
    /// The server refuses to run as root: then it runs as another user.
    fn start(binaries: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder").keep();
        let is_root = fs::metadata(&folder).expect("its owner").uid() == 0;
        let mut shell = if is_root {
            let user =
                if fs::read_to_string("/etc/passwd").is_ok_and(|users| users.contains("\npostgres:")) { "postgres" } else { "nobody" };
            let owned = Command::new("chown").arg(user).arg(&folder).status().expect("chown");
            assert!(owned.success(), "the folder can be given away");
            let mut shell = Command::new("setpriv");
            shell.args(["--reuid", user, "--clear-groups", "sh"]);
            shell
        } else {
            Command::new("sh")
        };
        shell.arg("-c").arg(SCRIPT).arg("sh").arg(binaries).arg(&folder).current_dir("/");
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        let (orders, answers) = (shell.stdin.take().expect("it is piped"), shell.stdout.take().expect("it is piped"));
        let mut cluster = Self { folder, shell, orders: Some(orders), answers: BufReader::new(answers) };
        cluster.expect_done("start");
        cluster
    }

    fn tell(&mut self, command: &str) {
        let orders = self.orders.as_mut().expect("it is open until the end");
        writeln!(orders, "{command}").expect("the shell listens");
        self.expect_done(command);
    }

    fn expect_done(&mut self, command: &str) {
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the shell answers");
        assert_eq!(answer, "done\n", "{command}");
    }
}

fn database_of(server: &str, name: &str) -> String {
    let (address, parameters) = server.split_once('?').map_or((server, String::new()), |(address, rest)| (address, format!("?{rest}")));
    let (before, _) = address.rsplit_once('/').expect("an address with a database");
    format!("{before}/{name}{parameters}")
}

fn encoded(folder: &Path) -> String {
    folder.to_string_lossy().replace('/', "%2F")
}
