//! The `evertill` program: all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    evertill::cli::main()
}
