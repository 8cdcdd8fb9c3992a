//! Times with the offset they were written with, as the reference reads and prints them.

/// A calendar time with nanoseconds and the offset it was written with.
///
/// The fields are those of the text (local time), not converted to UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timestamp {
    /// 0 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999,999,999.
    pub nanosecond: u32,
    /// Minutes east of UTC.
    pub offset_minutes: i16,
}

impl Timestamp {
    /// Parses RFC 3339 as the reference does: `YYYY-MM-DDThh:mm:ss[.frac](Z|±hh:mm)`, the hour with one digit too.
    pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
        let (year, rest) = digits(text, 4)?;
        let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
        let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
        let (hour, rest) = short(rest.strip_prefix('T')?)?;
        let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
        let (second, rest) = digits(rest.strip_prefix(':')?, 2)?;
        let (nanosecond, rest) = fraction(rest)?;
        Timestamp::checked((year, month, day), (hour, minute, second), nanosecond, offset(rest)?)
    }

    /// Parses the forms of YAML that the reference takes for a time.
    pub fn parse_yaml(text: &str) -> Option<Timestamp> {
        let (year, rest) = digits(text, 4)?;
        let (month, rest) = short(rest.strip_prefix('-')?)?;
        let (day, rest) = short(rest.strip_prefix('-')?)?;
        let date = (year, month, day);
        if rest.is_empty() {
            return Timestamp::checked(date, (0, 0, 0), 0, 0);
        }
        let spaced = rest.starts_with(' ');
        let rest = if spaced { rest.trim_start_matches(' ') } else { rest.strip_prefix(['T', 't'])? };
        let (hour, rest) = short(rest)?;
        let (minute, rest) = short(rest.strip_prefix(':')?)?;
        let (second, rest) = short(rest.strip_prefix(':')?)?;
        let (nanosecond, rest) = fraction(rest)?;
        let offset = if spaced { rest.is_empty().then_some(0)? } else { offset(rest)? };
        Timestamp::checked(date, (hour, minute, second), nanosecond, offset)
    }

    fn checked(
        date: (u32, u32, u32),
        time: (u32, u32, u32),
        nanosecond: u32,
        offset_minutes: i16,
    ) -> Option<Timestamp> {
        let (year, month, day) = date;
        let (hour, minute, second) = time;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        if day == 0 || day > days || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        Some(Timestamp {
            year: year as u16,
            month: month as u8,
            day: day as u8,
            hour: hour as u8,
            minute: minute as u8,
            second: second as u8,
            nanosecond,
            offset_minutes,
        })
    }

    /// Whether the offset can be written: below 24 hours.
    pub fn is_printable(&self) -> bool {
        self.offset_minutes.unsigned_abs() < 24 * 60
    }

    /// RFC 3339 with the fraction's trailing zeros removed; `Z` for offset 0.
    pub fn canonical(&self) -> String {
        let mut text = self.date_time();
        if self.nanosecond > 0 {
            let fraction = format!("{:09}", self.nanosecond);
            text.push('.');
            text.push_str(fraction.trim_end_matches('0'));
        }
        text.push_str(&self.zone());
        text
    }

    /// RFC 3339 with whole seconds, the form of `lastmodified` and `created_at`.
    pub fn whole_seconds(&self) -> String {
        self.date_time() + &self.zone()
    }

    fn date_time(&self) -> String {
        let Timestamp { year, month, day, hour, minute, second, .. } = self;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }

    fn zone(&self) -> String {
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        let minutes = self.offset_minutes.unsigned_abs();
        if minutes == 0 { "Z".into() } else { format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60) }
    }

    /// The UTC time of seconds since 1970.
    pub fn from_unix_seconds(seconds: i64) -> Timestamp {
        // Civil date from days, after Howard Hinnant's "chrono-compatible low-level date algorithms".
        let days = seconds.div_euclid(86_400) + 719_468;
        let rest = seconds.rem_euclid(86_400);
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Timestamp {
            year: year.clamp(0, 9999) as u16,
            month: month as u8,
            day: day as u8,
            hour: (rest / 3600) as u8,
            minute: (rest / 60 % 60) as u8,
            second: (rest % 60) as u8,
            nanosecond: 0,
            offset_minutes: 0,
        }
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(bytes.iter().fold(0, |n, b| n * 10 + u32::from(b - b'0')))
}

/// Exactly that many digits.
fn digits(text: &str, count: usize) -> Option<(u32, &str)> {
    Some((number(text.as_bytes().get(..count)?)?, &text[count..]))
}

/// One or two digits.
fn short(text: &str) -> Option<(u32, &str)> {
    let length = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    Some((number(&text.as_bytes()[..length])?, &text[length..]))
}

/// A fraction of a second, cut to nanoseconds.
fn fraction(text: &str) -> Option<(u32, &str)> {
    let Some(rest) = text.strip_prefix(['.', ',']) else { return Some((0, text)) };
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    if length == 0 {
        return None;
    }
    let mut nanos = number(&rest.as_bytes()[..length.min(9)])?;
    for _ in length.min(9)..9 {
        nanos *= 10;
    }
    Some((nanos, &rest[length..]))
}

/// `Z` or `±hh:mm`, in minutes.
fn offset(text: &str) -> Option<i16> {
    if text == "Z" {
        return Some(0);
    }
    let bytes = text.as_bytes();
    if bytes.len() != 6 || bytes[3] != b':' {
        return None;
    }
    let (hours, minutes) = (number(&bytes[1..3])?, number(&bytes[4..6])?);
    if hours > 24 || minutes > 60 {
        return None;
    }
    let total = (hours * 60 + minutes) as i16;
    match bytes[0] {
        b'+' => Some(total),
        b'-' => Some(-total),
        _ => None,
    }
}
