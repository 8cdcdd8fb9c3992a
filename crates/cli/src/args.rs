//! Flags, environment names and aliases, in the spelling of the reference.
//!
//! Each command is one struct made of shared groups. Parsing is two steps: [`words`] brings the words into one spelling, clap
//! converts the values. Only the command that runs is built: start-up is part of every call.
//!
//! Flags before the command count for it where it knows them (the reference ignores most of them there).

mod changes;
mod completion;
mod exec;
mod flags;
mod groups;
mod publish;
mod words;

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
};

use clap::{CommandFactory, Parser};

use crate::ui::Volume;
use words::{Scope, Words};

pub use changes::{Edit, KeyChanges, Name, Rotate, Set, Unset, UpdateKeys};
pub use completion::{Shell, candidates, program};
pub use exec::{ExecEnv, ExecFile};
pub use flags::{Common, Keys, Opening, Order, Selection, Streams, Types};
pub use groups::{GroupsAdd, GroupsDelete, GroupsTarget};
pub use publish::Publish;
pub use words::{Usage, boolean};

/// What a call asks for.
pub enum Invocation {
    /// Print this help.
    Help(String),
    /// Print the version.
    Version {
        /// And ask whether there is a newer one.
        check: bool,
    },
    /// No command: `-e`, `-d` and so on.
    Legacy(Box<Legacy>),
    /// `encrypt`.
    Encrypt(Box<Encrypt>),
    /// `decrypt`.
    Decrypt(Box<Decrypt>),
    /// `edit`.
    Edit(Box<Edit>),
    /// `set`.
    Set(Box<Set>),
    /// `unset`.
    Unset(Box<Unset>),
    /// `rotate`.
    Rotate(Box<Rotate>),
    /// `updatekeys`.
    UpdateKeys(Box<UpdateKeys>),
    /// `filestatus`.
    FileStatus(Box<FileStatus>),
    /// `keygen`.
    Keygen(Box<Keygen>),
    /// `exec-env`.
    ExecEnv(Box<ExecEnv>),
    /// `exec-file`.
    ExecFile(Box<ExecFile>),
    /// `groups add`.
    GroupsAdd(Box<GroupsAdd>),
    /// `groups delete`.
    GroupsDelete(Box<GroupsDelete>),
    /// `publish`.
    Publish(Box<Publish>),
    /// `completion`: print the script of a shell.
    Completion(Shell),
    /// `completion man`: print the page of a command, or of all of them.
    Manual(Option<String>),
    /// A script asks what may stand behind these words.
    Candidates(Vec<OsString>),
    /// A command of the reference that is not built yet.
    Later(&'static str),
    /// Help on something that does not exist.
    NoTopic(String),
}

impl Invocation {
    /// Returns how much the call wants to hear.
    pub fn volume(&self) -> Volume {
        let common = match self {
            Invocation::Legacy(args) => &args.common,
            Invocation::Encrypt(args) => &args.common,
            Invocation::Decrypt(args) => &args.common,
            Invocation::Edit(args) => &args.common,
            Invocation::Set(args) => &args.common,
            Invocation::Unset(args) => &args.common,
            Invocation::Rotate(args) => &args.common,
            Invocation::UpdateKeys(args) => &args.common,
            Invocation::FileStatus(args) => &args.common,
            Invocation::ExecEnv(args) => &args.common,
            Invocation::ExecFile(args) => &args.common,
            Invocation::GroupsAdd(args) => &args.common,
            Invocation::GroupsDelete(args) => &args.common,
            Invocation::Publish(args) => &args.common,
            Invocation::Keygen(args) => &args.common,
            _ => return Volume::Normal,
        };
        match (common.quiet, common.verbose) {
            (Some(true), _) => Volume::Quiet,
            (_, Some(true)) => Volume::Verbose,
            _ => Volume::Normal,
        }
    }
}

/// Encrypt a file
#[derive(Parser, Debug, Default)]
#[command(name = "sops encrypt", disable_help_flag = true, args_override_self = true)]
pub struct Encrypt {
    /// The common flags.
    #[command(flatten)]
    pub common: Common,
    /// The streams.
    #[command(flatten)]
    pub streams: Streams,
    /// The formats.
    #[command(flatten)]
    pub types: Types,
    /// The master keys.
    #[command(flatten)]
    pub keys: Keys,
    /// The selection.
    #[command(flatten)]
    pub selection: Selection,
    /// The file; standard input if there is none
    pub file: Vec<OsString>,
}

/// Decrypt a file
#[derive(Parser, Debug, Default)]
#[command(name = "sops decrypt", disable_help_flag = true, args_override_self = true)]
pub struct Decrypt {
    /// The common flags.
    #[command(flatten)]
    pub common: Common,
    /// The streams.
    #[command(flatten)]
    pub streams: Streams,
    /// The formats.
    #[command(flatten)]
    pub types: Types,
    /// How it is opened.
    #[command(flatten)]
    pub opening: Opening,
    /// Print only this part, for example '["db"]["password"]'
    #[arg(long)]
    pub extract: Option<String>,
    /// The file; standard input if there is none
    pub file: Vec<OsString>,
}

/// Tell whether a file is encrypted
#[derive(Parser, Debug, Default)]
#[command(name = "sops filestatus", disable_help_flag = true, args_override_self = true)]
pub struct FileStatus {
    /// The common flags.
    #[command(flatten)]
    pub common: Common,
    /// Format of the file
    #[arg(long)]
    pub input_type: Option<String>,
    /// The file; of several each is named
    pub file: Vec<OsString>,
}

/// Make a new age identity
#[derive(Parser, Debug, Default)]
#[command(name = "sops keygen", disable_help_flag = true, args_override_self = true)]
pub struct Keygen {
    /// The common flags.
    #[command(flatten)]
    pub common: Common,
    /// Write the identity to this new file
    #[arg(long, short = 'o')]
    pub output: Option<OsString>,
    /// Nothing: keygen takes no argument
    #[arg(hide = true)]
    pub file: Vec<OsString>,
}

/// Encrypted files that people can read and git can diff
#[derive(Parser, Debug, Default)]
#[command(name = "sops", disable_help_flag = true, disable_version_flag = true, args_override_self = true)]
#[command(override_usage = "sops [OPTIONS] FILE\n       sops COMMAND [OPTIONS] …")]
pub struct Legacy {
    /// Decrypt the file
    #[arg(long, short = 'd', value_parser = boolean)]
    pub decrypt: Option<bool>,
    /// Encrypt the file
    #[arg(long, short = 'e', value_parser = boolean)]
    pub encrypt: Option<bool>,
    /// Give the file a new data key
    #[arg(long, short = 'r', value_parser = boolean)]
    pub rotate: Option<bool>,
    /// Set a value: '["path"] JSON'
    #[arg(long)]
    pub set: Option<String>,
    /// The common flags.
    #[command(flatten)]
    pub common: Common,
    /// The streams.
    #[command(flatten)]
    pub streams: Streams,
    /// The formats.
    #[command(flatten)]
    pub types: Types,
    /// The master keys.
    #[command(flatten)]
    pub keys: Keys,
    /// The selection.
    #[command(flatten)]
    pub selection: Selection,
    /// How it is opened.
    #[command(flatten)]
    pub opening: Opening,
    /// Print only this part, for example '["db"]["password"]'
    #[arg(long)]
    pub extract: Option<String>,
    /// The changes of keys.
    #[command(flatten)]
    pub changes: KeyChanges,
    /// Show the metadata in the editor
    #[arg(long, short = 's', value_parser = boolean)]
    pub show_master_keys: Option<bool>,
    /// Ask whether there is a newer version
    #[arg(long, value_parser = boolean)]
    pub check_for_updates: Option<bool>,
    /// Do not ask [$SOPS_DISABLE_VERSION_CHECK]
    #[arg(long, value_parser = boolean)]
    pub disable_version_check: Option<bool>,
    /// Print the version
    #[arg(long, short = 'v', value_parser = boolean)]
    pub version: Option<bool>,
    /// The file, or a command
    pub file: Vec<OsString>,
}

/// The commands in the order of the reference, then ours; one line each.
const COMMANDS: [(&str, &str); 15] = [
    ("completion", "Print a completion script"),
    ("exec-env", "Run a command with the values in its environment"),
    ("exec-file", "Run a command with the plain text in a file"),
    ("publish", "Publish an encrypted file"),
    ("keyservice", "Serve key operations to other processes"),
    ("filestatus", "Tell whether a file is encrypted"),
    ("groups", "Add or remove key groups"),
    ("updatekeys", "Bring the master keys up to date with .sops.yaml"),
    ("decrypt", "Decrypt a file"),
    ("encrypt", "Encrypt a file"),
    ("rotate", "Give a file a new data key"),
    ("edit", "Edit a file in an editor"),
    ("set", "Set one value"),
    ("unset", "Remove one value"),
    ("keygen", "Make a new age identity"),
];

/// Names under which kustomize finds this program: it means the command then.
const PLUGIN_NAMES: [&str; 2] = ["ksops", "EncryptedResources"];
/// The command of a plugin of kustomize. No other program has it, so neither help nor completion lists it among those of
/// the reference.
pub const PLUGIN: &str = "kustomize-plugin";

/// Returns the words of a call without the program's name, which may stand for a command.
pub fn words(argv: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut argv = argv.peekable();
    let name = argv.next().unwrap_or_default();
    let name = std::path::Path::new(&name).file_stem().unwrap_or_default();
    let command = PLUGIN_NAMES.iter().any(|known| name == *known).then(|| OsString::from(PLUGIN));
    command.into_iter().chain(argv).collect()
}

/// Reads a command line (without the program's name).
///
/// # Errors
/// A wrong use.
pub fn parse(argv: &[OsString]) -> Result<Invocation, Usage> {
    if let Some((last, words)) = argv.split_last()
        && last == completion::QUESTION
    {
        return Ok(Invocation::Candidates(words.to_vec()));
    }
    // The usual call begins with a command: then the definitions of the global flags are not even built.
    if let Some((first, rest)) = argv.split_first()
        && let Some(invocation) = dispatch(first, rest, &Words::default())
    {
        return invocation;
    }
    let global = Legacy::command();
    let before = words::split(&global, argv, Scope::BeforeCommand)?;
    if before.help {
        return Ok(Invocation::Help(help(global)));
    }
    let is_on = |flag: &str| {
        before.flags.iter().any(|(name, value)| name == flag && value.to_str().map(boolean) == Some(Ok(true)))
    };
    if is_on("version") {
        return Ok(Invocation::Version { check: is_on("check-for-updates") });
    }
    if let Some((first, rest)) = before.rest.split_first()
        && let Some(invocation) = dispatch(first, rest, &before)
    {
        return invocation;
    }
    let mut legacy: Legacy = convert(global, &before.flags)?;
    legacy.file = before.rest;
    Ok(Invocation::Legacy(Box::new(legacy)))
}

/// Reads the words of a command; `None` if `first` is none.
fn dispatch(first: &OsStr, rest: &[OsString], before: &Words) -> Option<Result<Invocation, Usage>> {
    Some(match first.to_str()? {
        "encrypt" => command(before, rest, Invocation::Encrypt),
        "decrypt" => command(before, rest, Invocation::Decrypt),
        "edit" => command(before, rest, Invocation::Edit),
        "set" => command(before, rest, Invocation::Set),
        "unset" => command(before, rest, Invocation::Unset),
        "rotate" => command(before, rest, Invocation::Rotate),
        "updatekeys" => command(before, rest, Invocation::UpdateKeys),
        "filestatus" => command(before, rest, Invocation::FileStatus),
        "keygen" => command(before, rest, Invocation::Keygen),
        "exec-env" => command(before, rest, Invocation::ExecEnv),
        "exec-file" => command(before, rest, Invocation::ExecFile),
        "publish" => command(before, rest, Invocation::Publish),
        "groups" => match below(rest) {
            Some(("add", rest)) => command(before, rest, Invocation::GroupsAdd),
            Some(("delete", rest)) => command(before, rest, Invocation::GroupsDelete),
            other => Ok(help_below("groups", other)),
        },
        "completion" => match below(rest) {
            Some(("man", [])) => Ok(Invocation::Manual(None)),
            Some(("man", [word])) => Ok(Invocation::Manual(Some(word.to_string_lossy().into_owned()))),
            Some((word, [])) if Shell::named(word).is_some() => {
                Ok(Shell::named(word).map_or(Invocation::NoTopic(word.to_owned()), Invocation::Completion))
            }
            other => Ok(help_below("completion", other)),
        },
        "help" | "h" => Ok(help_on(rest)),
        first => Ok(later(COMMANDS.iter().find(|(name, _)| *name == first)?.0, rest)),
    })
}

/// Splits the command below a command off.
fn below(words: &[OsString]) -> Option<(&str, &[OsString])> {
    let (first, rest) = words.split_first()?;
    Some((first.to_str().unwrap_or_default(), rest))
}

/// Returns the help on a command that only has others below it, for no word or for the wrong one.
fn help_below(name: &str, word: Option<(&str, &[OsString])>) -> Invocation {
    match word {
        None => help_on(&[name.into()]),
        Some((word, _)) if word.trim_start_matches('-') == "help" || word == "-h" => help_on(&[name.into()]),
        Some((word, _)) => Invocation::NoTopic(word.to_owned()),
    }
}

/// A command's positionals, which clap does not see: `--` and text that looks like a flag are settled before it.
trait Positionals {
    /// Takes them; `is_torn` says that a flag stands between two.
    fn take(&mut self, positionals: Vec<OsString>, is_torn: bool);
}

macro_rules! positionals {
    ($($command:ty),*) => { $(impl Positionals for $command {
        fn take(&mut self, positionals: Vec<OsString>, _is_torn: bool) {
            self.file = positionals;
        }
    })* };
}

macro_rules! several_files {
    ($($command:ty),*) => { $(impl Positionals for $command {
        fn take(&mut self, positionals: Vec<OsString>, is_torn: bool) {
            self.file = positionals;
            self.streams.are_files_apart = is_torn;
        }
    })* };
}

several_files!(Encrypt, Decrypt, Rotate);
positionals!(Edit, Set, Unset, UpdateKeys, FileStatus, Keygen, ExecEnv, ExecFile, GroupsAdd, GroupsDelete, Publish);

fn command<T: Parser + Positionals>(
    before: &Words,
    rest: &[OsString],
    wrap: impl FnOnce(Box<T>) -> Invocation,
) -> Result<Invocation, Usage> {
    let command = T::command();
    let Words { flags: after, rest, help: asks_help, is_torn } = words::split(&command, rest, Scope::Anywhere)?;
    if asks_help {
        return Ok(Invocation::Help(help(command)));
    }
    let known: HashSet<&str> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
    let mut flags: Vec<_> = before.flags.iter().filter(|(name, _)| known.contains(name.as_str())).cloned().collect();
    flags.extend(after);
    drop(known);
    let mut parsed: T = convert(command, &flags)?;
    parsed.take(rest, is_torn);
    Ok(wrap(Box::new(parsed)))
}

/// Lets clap convert the values.
fn convert<T: Parser>(command: clap::Command, flags: &[(String, OsString)]) -> Result<T, Usage> {
    let words = flags.iter().map(|(name, value)| {
        let mut word = OsString::from(format!("--{name}="));
        word.push(value);
        word
    });
    let matches = command.no_binary_name(true).try_get_matches_from(words).map_err(|error| usage(&error))?;
    T::from_arg_matches(&matches).map_err(|error| usage(&error))
}

fn usage(error: &clap::Error) -> Usage {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    Usage(line.strip_prefix("error: ").unwrap_or(line).to_owned())
}

/// Returns the help on a command, or on all of them.
fn help_on(words: &[OsString]) -> Invocation {
    let name = words.first().map(|word| word.to_string_lossy()).unwrap_or_default();
    match name.as_ref() {
        "" | "help" | "h" => Invocation::Help(help(Legacy::command())),
        name => match definition(name) {
            Some(command) => Invocation::Help(help(
                words.get(1).map_or(command.clone(), |word| command.find_subcommand(word).cloned().unwrap_or(command)),
            )),
            None => Invocation::NoTopic(name.to_owned()),
        },
    }
}

/// Returns the definition of a command: what is parsed, what help shows, and what shells complete.
fn definition(name: &str) -> Option<clap::Command> {
    Some(match name {
        "encrypt" => Encrypt::command(),
        "decrypt" => Decrypt::command(),
        "edit" => Edit::command(),
        "set" => Set::command(),
        "unset" => Unset::command(),
        "rotate" => Rotate::command(),
        "updatekeys" => UpdateKeys::command(),
        "filestatus" => FileStatus::command(),
        "keygen" => Keygen::command(),
        "exec-env" => ExecEnv::command(),
        "exec-file" => ExecFile::command(),
        "publish" => Publish::command(),
        "groups" => clap::Command::new("sops groups")
            .about("Add or remove key groups")
            .disable_help_flag(true)
            .disable_help_subcommand(true)
            .subcommand_required(true)
            .subcommands([GroupsAdd::command().name("add"), GroupsDelete::command().name("delete")]),
        "completion" => completion::definition(),
        name => {
            let (name, about) = COMMANDS.iter().find(|(known, _)| *known == name)?;
            clap::Command::new(*name)
                .about(format!("{about}\n\nThis command is not built yet."))
                .disable_help_flag(true)
        }
    })
}

/// Decides about a command that is not built: its help exists already.
fn later(name: &'static str, rest: &[OsString]) -> Invocation {
    let wants_help = rest.iter().any(|word| ["-h", "--h", "-help", "--help"].iter().any(|help| word == help));
    if wants_help { help_on(&[name.into()]) } else { Invocation::Later(name) }
}

/// Renders the help of a command; booleans are shown without a value.
fn help(command: clap::Command) -> String {
    let is_top = command.get_name() == "sops";
    let mut command = command.mut_args(without_boolean_value);
    if is_top {
        let list: String = COMMANDS.iter().map(|(name, about)| format!("  {name:12} {about}\n")).collect();
        command = command
            .after_help(format!("Commands:\n{list}\nFlags of a command may follow it: sops help COMMAND lists them."));
    }
    command.render_help().to_string()
}

/// Hides that a boolean may have a value: nobody writes one.
fn without_boolean_value(arg: clap::Arg) -> clap::Arg {
    if words::is_boolean(arg.get_value_parser()) { arg.num_args(0) } else { arg }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &[&str]) -> Result<Invocation, Usage> {
        parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    fn decrypt(words: &[&str]) -> Box<Decrypt> {
        match parse_words(words) {
            Ok(Invocation::Decrypt(parsed)) => parsed,
            _ => panic!("{words:?} is not decrypt"),
        }
    }

    fn problem(words: &[&str]) -> String {
        parse_words(words).err().map(|usage| usage.0).unwrap_or_default()
    }

    #[test]
    fn flags_may_follow_the_file_and_the_last_one_wins() {
        let parsed = decrypt(&["decrypt", "f", "-output-type", "yaml", "--output-type=json", "-i", "--in-place=false"]);
        assert_eq!(parsed.file, ["f"]);
        assert_eq!(parsed.types.output_type.as_deref(), Some("json"));
        assert_eq!(parsed.streams.in_place, Some(false));
    }

    #[test]
    fn flags_before_the_command_count_where_it_knows_them() {
        let parsed = decrypt(&["-d", "--age", "x", "--output-type", "json", "--indent", "0x2", "--", "decrypt", "f"]);
        assert_eq!(parsed.types.output_type.as_deref(), Some("json"));
        assert_eq!(parsed.common.indent, Some(2));
        let parsed = decrypt(&["--output-type", "json", "decrypt", "--output-type", "yaml"]);
        assert_eq!(parsed.types.output_type.as_deref(), Some("yaml"));
    }

    #[test]
    fn an_empty_value_is_kept() {
        let parsed = decrypt(&["decrypt", "--extract", "", "--output=", "f"]);
        assert_eq!(parsed.extract.as_deref(), Some(""));
        assert_eq!(parsed.streams.output.as_deref(), Some(OsStr::new("")));
    }

    #[test]
    fn a_positional_may_look_like_a_flag_after_two_dashes() {
        assert_eq!(decrypt(&["decrypt", "--", "-i", "--", "x"]).file, ["-i", "--", "x"]);
        assert_eq!(decrypt(&["decrypt", "-"]).file, ["-"]);
    }

    #[test]
    fn without_a_command_it_is_the_legacy_mode() {
        let Ok(Invocation::Legacy(parsed)) = parse_words(&["-e", "-age", "a,b", "-in-place", "f", "-d"]) else {
            panic!()
        };
        assert_eq!((parsed.encrypt, parsed.decrypt, parsed.streams.in_place), (Some(true), None, Some(true)));
        assert_eq!(parsed.file, ["f", "-d"]);
        assert!(matches!(parse_words(&[]), Ok(Invocation::Legacy(_))));
    }

    #[test]
    fn wrong_uses_are_errors_that_name_the_flag() {
        assert!(problem(&["--bogus"]).contains("-bogus"));
        assert!(problem(&["decrypt", "-v"]).contains("-v"));
        assert!(problem(&["decrypt", "f", "--bogus"]).contains("-bogus"));
        assert!(problem(&["encrypt", "f", "--age"]).contains("-age"));
        let text = problem(&["encrypt", "--in-place=maybe", "f"]);
        assert!(text.contains("maybe") && text.contains("in-place"), "{text}");
        assert!(problem(&["--indent", "abc", "encrypt", "f"]).contains("indent"));
    }

    #[test]
    fn help_and_version_come_first() {
        assert!(matches!(parse_words(&["--version", "decrypt"]), Ok(Invocation::Version { check: false })));
        assert!(matches!(parse_words(&["-v", "--help"]), Ok(Invocation::Help(_))));
        for words in
            [&["help"][..], &["h", "decrypt"], &["encrypt", "f", "-h"], &["set", "-h"], &["groups"], &["completion"]]
        {
            assert!(matches!(parse_words(words), Ok(Invocation::Help(text)) if text.contains("sops")), "{words:?}");
        }
        for words in [&["help", "bogus"], &["groups", "bogus"]] {
            assert!(matches!(parse_words(words), Ok(Invocation::NoTopic(word)) if word == "bogus"));
        }
    }

    #[test]
    fn help_shows_booleans_without_a_value() {
        let Ok(Invocation::Help(text)) = parse_words(&["help", "decrypt"]) else { panic!() };
        assert!(text.contains("-i, --in-place\n") && !text.contains("<IN_PLACE>"), "{text}");
    }
}
