//! The search for the key of a parser's error: its full name, and its value as written.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The number of characters of a value that a message quotes at most.
const QUOTED: usize = 60;

/// A key or a value of the file.
pub(super) struct Located {
    /// The key with its enclosing sections, such as `backfill.bsb.num_workers`; empty for the file itself.
    pub(super) key: String,
    /// The value in TOML's words and as written, or `None` for an unknown key.
    pub(super) value: Option<String>,
}

/// Finds the key or value at `span`, if the file is TOML.
pub(super) fn locate(text: &str, span: &Range<usize>) -> Option<Located> {
    let file = DeTable::parse(text).ok()?;
    find(file.get_ref(), text, span, "").or_else(|| {
        let is_file = span.is_empty() || *span == file.span();
        is_file.then(|| Located {
            key: String::new(),
            value: None,
        })
    })
}

fn find(table: &DeTable<'_>, text: &str, span: &Range<usize>, above: &str) -> Option<Located> {
    for (name, value) in table {
        let key = below(above, &text_of(text, &name.span()));
        if name.span() == *span && value.span() != *span {
            return Some(Located { key, value: None });
        }
        if value.span() == *span {
            let value = Some(describe(value, text));
            return Some(Located { key, value });
        }
        let found = find_in(value.get_ref(), text, span, &key);
        if found.is_some() {
            return found;
        }
    }
    None
}

fn find_in(value: &DeValue<'_>, text: &str, span: &Range<usize>, key: &str) -> Option<Located> {
    match value {
        DeValue::Table(table) => find(table, text, span, key),
        DeValue::Array(array) => array.iter().enumerate().find_map(|(index, item)| {
            let key = format!("{key}[{index}]");
            if item.span() == *span {
                let value = Some(describe(item, text));
                return Some(Located { key, value });
            }
            find_in(item.get_ref(), text, span, &key)
        }),
        _ => None,
    }
}

/// Returns the full key of a name in a section.
pub(super) fn below(section: &str, name: &str) -> String {
    match section {
        "" => name.to_owned(),
        section => format!("{section}.{name}"),
    }
}

/// Returns the kind of a value in TOML's words, and the value as written.
fn describe(value: &Spanned<DeValue<'_>>, text: &str) -> String {
    let written = text_of(text, &value.span());
    match value.get_ref() {
        DeValue::String(_) => format!("the string {written}"),
        DeValue::Integer(_) => format!("the integer {written}"),
        DeValue::Float(_) => format!("the number {written}"),
        DeValue::Boolean(_) => format!("the boolean {written}"),
        DeValue::Datetime(_) => format!("the date or time {written}"),
        DeValue::Array(_) => format!("the array {written}"),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// Returns the source text of a span, shortened.
fn text_of(text: &str, span: &Range<usize>) -> String {
    let written = text.get(span.clone()).unwrap_or_default();
    if written.chars().count() <= QUOTED {
        return written.to_owned();
    }
    let begins: String = written.chars().take(QUOTED).collect();
    format!("{begins}…")
}

/// Returns the section of a line of the file: the last header before the line. The function is for files
/// that are not TOML and have no other structure.
pub(super) fn section_before(before: &str) -> String {
    let header = |line: &str| {
        let line = line.trim();
        let name = line.strip_prefix('[')?.strip_suffix(']')?;
        Some(name.trim_matches(['[', ']', ' ']).to_owned())
    };
    before.lines().rev().find_map(header).unwrap_or_default()
}
