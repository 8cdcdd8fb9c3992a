//! `--user`: becoming another user before a command runs. There is no way back.

use std::ffi::OsString;

use crate::{exit_code::Code, failure::Failure};

/// Becomes the user and returns the variables that say so. Only the main thread may call this, while there is no other: the
/// system switches threads, not processes.
///
/// # Errors
/// An unknown user, or no right to switch (1).
#[cfg(target_os = "linux")]
pub fn become_user(name: &str) -> Result<Vec<(OsString, OsString)>, Failure> {
    use rustix::{
        process::{Gid, Uid},
        thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid},
    };
    let read = |path: &str| {
        std::fs::read_to_string(path)
            .map_err(|error| Failure::io(Code::Generic, std::path::Path::new(path), "--user", &error))
    };
    let user = User::find(name, &read("/etc/passwd")?)
        .ok_or_else(|| Failure::new(Code::Generic, format!("--user: unknown user {name}")))?;
    let groups: Vec<Gid> = groups_of(name, user.group, &read("/etc/group")?).into_iter().map(Gid::from_raw).collect();
    let (uid, gid) = (Uid::from_raw(user.number), Gid::from_raw(user.group));
    set_thread_groups(&groups)
        .and_then(|()| set_thread_res_gid(gid, gid, gid))
        .and_then(|()| set_thread_res_uid(uid, uid, uid))
        .map_err(|error| {
            Failure::new(
                Code::Generic,
                format!("--user: cannot become {name}: {}", crate::failure::io_text(&error.into())),
            )
            .hint("only root may run a command as somebody else")
        })?;
    let variables = [("HOME", user.home.as_str()), ("USER", name), ("LOGNAME", name)];
    Ok(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
}

/// Refuses.
///
/// # Errors
/// Always (1).
#[cfg(not(target_os = "linux"))]
pub fn become_user(_name: &str) -> Result<Vec<(OsString, OsString)>, Failure> {
    Err(Failure::new(Code::Generic, "--user is not supported on this system").hint("use sudo -u USER sops …"))
}

/// Returns the home directory of this user by `/etc/passwd`, which `$HOME` may contradict; `None` where it does not tell.
pub fn home() -> Option<std::path::PathBuf> {
    let number = rustix::process::getuid().as_raw().to_string();
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    let entry = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let home =
        entry.filter(|fields| fields.get(2) == Some(&number.as_str())).find_map(|fields| fields.get(5).copied())?;
    (!home.is_empty()).then(|| home.into())
}

/// An entry of `/etc/passwd`.
#[cfg(target_os = "linux")]
#[derive(Debug, PartialEq, Eq)]
struct User {
    number: u32,
    group: u32,
    home: String,
}

#[cfg(target_os = "linux")]
impl User {
    /// Finds a user by the name.
    fn find(name: &str, passwd: &str) -> Option<User> {
        passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find_map(|fields| match fields[..] {
            [user, _, number, group, _, home, ..] if user == name => {
                Some(User { number: number.parse().ok()?, group: group.parse().ok()?, home: home.to_owned() })
            }
            _ => None,
        })
    }
}

/// Returns the groups of a user by `/etc/group`, the own one first.
#[cfg(target_os = "linux")]
fn groups_of(name: &str, own: u32, text: &str) -> Vec<u32> {
    let others = text.lines().map(|line| line.split(':').collect::<Vec<_>>()).filter_map(|fields| match fields[..] {
        [_, _, number, members] if members.split(',').any(|member| member.trim() == name) => number.parse::<u32>().ok(),
        _ => None,
    });
    let mut groups = vec![own];
    groups.extend(others.filter(|group| *group != own));
    groups
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn users_and_their_groups_are_found_by_name() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/srv/web:/bin/false\nbad:x:y:1::/:\n";
        assert_eq!(User::find("web", passwd), Some(User { number: 33, group: 34, home: "/srv/web".into() }));
        assert_eq!(User::find("bad", passwd), None);
        assert_eq!(User::find("we", passwd), None);
        let group = "adm:x:4:syslog,web\nweb:x:34:web\nother:x:5:website\n";
        assert_eq!(groups_of("web", 34, group), [34, 4]);
    }
}
