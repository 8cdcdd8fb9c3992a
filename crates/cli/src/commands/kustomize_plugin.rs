//! `sops kustomize-plugin [CONFIG]`, also called as `ksops`: a generator, transformer or validator for kustomize.
//!
//! Without an argument it is a KRM function (a ResourceList on standard input), with one a legacy plugin (the argument is the
//! file of the configuration). Keys come from the environment, as for any other command.

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Read},
    path::Path,
    process::ExitCode,
};

use sops_core::{Keyring, document::EncryptedDocument, document::PlainDocument, format::Format};
use sops_kube::{
    DirHandle, Links,
    plugin::{self, Host, Reach},
};
use zeroize::Zeroizing;

use crate::{
    args::{Common, Order},
    environment::Environment,
    exit_code::Code,
    failure::{Failure, Phase, io_text},
    keyring, route, ui,
};

/// Runs one call of kustomize.
///
/// # Errors
/// Exit 1 with what is wrong; nothing is printed on standard output then.
pub fn run(words: &[OsString], env: &Environment) -> Result<ExitCode, Failure> {
    let mut machine = Machine { keys: keyring::open(&Common::default(), &Order::default(), env)?, env };
    let failed = |text: String| Failure::new(Code::Generic, text);
    let output = match words {
        [] if io::stdin().is_terminal() => {
            return Err(failed("expected a ResourceList on standard input, or the file of a configuration".into())
                .hint("kustomize build --enable-alpha-plugins --enable-exec DIRECTORY calls this command"));
        }
        [] => plugin::function(&Zeroizing::new(standard_input().map_err(failed)?), &mut machine),
        [file] => {
            let config = std::fs::read(env.absolute(Path::new(file)))
                .map_err(|error| Failure::io(Code::Generic, Path::new(file), "", &error))?;
            plugin::legacy(&config, standard_input, &mut machine)
        }
        _ => return Err(failed("expected no argument, or the file of a configuration".into())),
    };
    let output = output.map_err(failed)?;
    for warning in &output.warnings {
        ui::warn(warning);
    }
    route::print(&output.text)?;
    Ok(ExitCode::SUCCESS)
}

fn standard_input() -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    match io::stdin().lock().read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(format!("standard input: {}", io_text(&error))),
    }
}

/// The files and keys of this machine.
struct Machine<'e> {
    keys: Keyring,
    env: &'e Environment,
}

impl Host for Machine<'_> {
    fn read(&mut self, path: &str, reach: &Reach) -> Result<Zeroizing<Vec<u8>>, String> {
        let text = |error: &io::Error| format!("{path}: {}", io_text(error));
        match reach {
            Reach::Anywhere => {
                std::fs::read(self.env.physical_directory().join(path)).map(Zeroizing::new).map_err(|e| text(&e))
            }
            Reach::Beneath(root) => {
                let here = self.env.physical_directory();
                let root = here.join(root).canonicalize().map_err(|error| text(&error))?;
                let below = here.canonicalize().map_err(|error| text(&error))?;
                let below = below.strip_prefix(&root).map_err(|_| "root: is not above the working directory")?;
                let place = if path.starts_with('/') { Path::new(path).to_path_buf() } else { below.join(path) };
                let root = DirHandle::open(&root).map_err(|error| error.to_string())?;
                root.read(&place.to_string_lossy(), Links::Refuse, u64::MAX).map_err(|error| error.to_string())
            }
        }
    }

    fn open(&mut self, format: Format, bytes: &[u8], is_verified: bool) -> Result<PlainDocument, String> {
        let text =
            |error| Failure::core(error, Phase::Open).render(false).trim_start_matches("error: ").trim().to_owned();
        let file = EncryptedDocument::parse(format, bytes).map_err(text)?;
        let plain = match is_verified {
            true => file.decrypt(&self.keys),
            false => file.decrypt_ignoring_mac(&self.keys),
        };
        plain.map_err(text)
    }
}
