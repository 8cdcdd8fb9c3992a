//! One call for several files: each is done, each failure is told, and the exit status is the worst one.

use std::{ffi::OsString, process::ExitCode};

use crate::{args::Streams, exit_code::Code, failure::Failure, route, ui::Progress};

/// Runs a command for each file. Several are only worked on where each is its own output.
///
/// # Errors
/// That of the only file; several files and one output (1).
pub fn each(
    files: &[OsString],
    streams: &Streams,
    mut run: impl FnMut(&[OsString]) -> Result<(), Failure>,
) -> Result<ExitCode, Failure> {
    match files {
        [] | [_] => run(files)?,
        // compat: the reference works on one of two files that a flag stands between, and not always on the same one.
        [first, ..] if streams.are_files_apart => {
            route::warn_about_more_than_one(files);
            run(std::slice::from_ref(first))?;
        }
        _ if streams.in_place != Some(true) || streams.output.as_ref().is_some_and(|path| !path.is_empty()) => {
            let failure = Failure::new(Code::Generic, format!("{} files, and one output for all of them", files.len()));
            return Err(failure.hint("add --in-place to write each file, or name one file"));
        }
        _ => return Ok(all(files, |file| run(std::slice::from_ref(file)))),
    }
    Ok(ExitCode::SUCCESS)
}

/// Does something for each file; returns the worst status.
pub fn all(files: &[OsString], mut run: impl FnMut(&OsString) -> Result<(), Failure>) -> ExitCode {
    let mut progress = Progress::of(files.len());
    let failures = files.iter().filter_map(|file| {
        progress.next(&file.to_string_lossy());
        run(file).err()
    });
    let worst = failures.fold(0, |worst, failure| {
        let code = failure.code as u8;
        failure.print();
        worst.max(code)
    });
    ExitCode::from(worst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_files_need_several_outputs() {
        let files: Vec<OsString> = ["a", "b", "c"].map(OsString::from).to_vec();
        let count = |files: &[OsString], streams: Streams| {
            let mut done = 0;
            let result = each(files, &streams, |one| {
                done += one.len();
                Ok(())
            });
            result.map(|_| done).map_err(|failure| failure.code as u8)
        };
        let in_place = || Streams { in_place: Some(true), ..Streams::default() };
        assert_eq!(count(&files, Streams::default()), Err(1));
        assert_eq!(count(&files, Streams { output: Some("o".into()), ..in_place() }), Err(1));
        assert_eq!(count(&files, in_place()), Ok(3));
        assert_eq!(count(&files, Streams { are_files_apart: true, ..in_place() }), Ok(1));
        assert_eq!(count(&files[..1], Streams::default()), Ok(1));
    }
}
