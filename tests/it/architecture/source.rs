//! Reading Rust source, as far as the checks need it.

use std::path::{Path, PathBuf};

/// A file of `src`.
pub struct Source {
    /// From `src` on, with slashes.
    pub path: String,
    pub text: String,
    /// The text with comments and literals blanked.
    pub code: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: blank(text),
        }
    }

    /// The module below the crate's root that the file is, or is a part of.
    pub fn module(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap();
        let first = below.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// How many `super` lead from the file to the crate's root.
    pub fn depth(&self) -> usize {
        let below = self.path.strip_prefix("src/").unwrap();
        let modules = below.split('/').filter(|part| *part != "mod.rs");
        modules.count()
    }

    pub fn is_below(&self, directory: &str) -> bool {
        self.path.starts_with(directory)
    }
}

pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    find_sources(&root.join("src"), &mut paths);
    paths.sort();
    let read = |path: &PathBuf| {
        let below = path.strip_prefix(root).unwrap();
        let names: Vec<_> = below.iter().map(|name| name.to_str().unwrap()).collect();
        Source::new(&names.join("/"), &std::fs::read_to_string(path).unwrap())
    };
    let sources: Vec<_> = paths.iter().map(read).collect();
    assert!(sources.len() > 40, "the sources are where they were");
    sources
}

fn find_sources(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_sources(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// The text with a space in place of each character of a comment, a string or a character literal.
/// Line ends stay.
pub fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let length = literal_length(&code, rest);
        if length == 0 {
            code.push(next);
            rest = &rest[next.len_utf8()..];
            continue;
        }
        let (blanked, after) = rest.split_at(length);
        code.extend(blanked.chars().map(|c| if c == '\n' { c } else { ' ' }));
        rest = after;
    }
    code
}

/// How many bytes the comment or the literal has that the text begins with; 0 if it is neither.
fn literal_length(before: &str, rest: &str) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return rest.find("*/").map_or(rest.len(), |end| end + 2);
    }
    if rest.starts_with('"') {
        return quoted_length(rest, '"');
    }
    let in_name = before.ends_with(is_name);
    if !in_name && rest.starts_with(['r', 'b']) {
        let quote = rest.trim_start_matches(['r', 'b']);
        let bare = quote.trim_start_matches('#');
        let marks = quote.len() - bare.len();
        if bare.starts_with('"') && rest[..rest.len() - quote.len()].contains('r') {
            let end = format!("\"{}", "#".repeat(marks));
            let start = rest.len() - bare.len() + 1;
            return rest[start..]
                .find(&end)
                .map_or(rest.len(), |found| start + found + end.len());
        }
    }
    if rest.starts_with('\'') {
        // A lifetime has no quote behind its first character.
        let mut chars = rest.chars().skip(1);
        let (first, second) = (chars.next(), chars.next());
        if first == Some('\\') || second == Some('\'') {
            return quoted_length(rest, '\'');
        }
    }
    0
}

fn quoted_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (position, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return position + 1,
            _ => {}
        }
    }
    rest.len()
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn line_of(code: &str, position: usize) -> usize {
    code[..position].matches('\n').count() + 1
}

/// Where the word stands in the code, as a whole name.
pub fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let found = code.match_indices(word);
    found.map(|(position, _)| position).filter(move |position| {
        let before = code[..*position].chars().next_back();
        let after = code[position + word.len()..].chars().next();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

/// What follows `root::` in the code, with its line: one name, or each name of a group.
pub fn names_in(code: &str, root: &str) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    for position in words(code, root) {
        let line = line_of(code, position);
        let rest = code[position + root.len()..].trim_start();
        if let Some(rest) = rest.strip_prefix("::") {
            names.extend(first_names(rest).into_iter().map(|name| (line, name)));
        }
    }
    names
}

/// The name that a path goes on with, or each of them where a group follows.
fn first_names(rest: &str) -> Vec<String> {
    let rest = rest.trim_start();
    let name = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| is_name(*c))
            .collect()
    };
    let Some(group) = rest.strip_prefix('{') else {
        return vec![name(rest)];
    };
    let mut depth = 1;
    let mut starts = vec![0];
    for (position, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => starts.push(position + 1),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    let names = starts.into_iter().map(|start| name(&group[start..]));
    names.filter(|name| !name.is_empty()).collect()
}

/// Each function with its name, its line and how many lines it has.
pub fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut functions = Vec::new();
    for position in words(code, "fn") {
        let rest = code[position + 2..].trim_start();
        let name: String = rest.chars().take_while(|c| is_name(*c)).collect();
        // A function's type has no name, and a declaration no body.
        let Some(end) = body_end(&code[position..]).filter(|_| !name.is_empty()) else {
            continue;
        };
        let first = line_of(code, position);
        let last = line_of(code, position + end);
        functions.push((name, first, last - first + 1));
    }
    functions
}

/// Where the body that follows ends.
fn body_end(code: &str) -> Option<usize> {
    let mut brackets = 0;
    let mut braces = 0;
    for (position, character) in code.char_indices() {
        match character {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            ';' if brackets == 0 && braces == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces == 0 {
                    return Some(position);
                }
            }
            _ => {}
        }
    }
    None
}
