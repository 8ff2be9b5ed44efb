//! `undaunted-js-build ENGINE.wasm FOLDER`: wasm-bindgen as a library, so that its version is the one in Cargo.lock.

use std::path::PathBuf;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(engine), Some(folder)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: undaunted-js-build ENGINE.wasm FOLDER");
        return ExitCode::FAILURE;
    };
    match bind(engine, folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

/// The target `bundler` has no loader of its own: the glue takes the exports of an instance that we make.
fn bind(engine: PathBuf, folder: PathBuf) -> Result<(), String> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(engine).out_name("engine").typescript(false);
    bindgen.bundler(true).map_err(|error| error.to_string())?;
    bindgen.generate(folder).map_err(|error| format!("{error:?}"))
}
