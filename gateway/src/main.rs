//! The `heatmine` binary: reads the command line, runs the command, and turns what went wrong into one clear paragraph and
//! an exit code.

fn main() -> std::process::ExitCode {
    gateway::cli::main()
}
