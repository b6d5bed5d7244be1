//! Reading the sources as tokens, as far as the checks need it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A file of `src`.
pub struct Source {
    /// From `src` on, with slashes.
    pub path: String,
    pub lines: usize,
    pub tokens: Vec<TokenTree>,
}

/// A path in the code that begins at the crate's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    pub line: usize,
    /// Its names below the root.
    pub path: Vec<String>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let tokens: TokenStream = text.parse().unwrap();
        Self {
            path: path.to_owned(),
            lines: text.lines().count(),
            tokens: tokens.into_iter().collect(),
        }
    }

    /// The names of the modules from the root to the file.
    pub fn module(&self) -> Vec<String> {
        let below = self.path.strip_prefix("src/").unwrap();
        let below = below.strip_suffix(".rs").unwrap();
        let names = below.split('/').map(str::to_owned);
        names
            .filter(|name| name != "mod" && name != "lib")
            .collect()
    }

    /// The folder or file directly in `src`.
    pub fn layer(&self) -> String {
        let module = self.module().into_iter();
        module.take(1).next().unwrap_or_else(|| "lib".to_owned())
    }

    pub fn is_below(&self, directory: &str) -> bool {
        self.path.starts_with(directory)
    }

    /// The code without comments, with one space between two tokens.
    pub fn code(&self) -> String {
        let tokens: TokenStream = self.tokens.iter().cloned().collect();
        tokens.to_string()
    }

    /// Whether an identifier stands in the code.
    pub fn names(&self, identifier: &str) -> bool {
        let mut found = false;
        each_group(&self.tokens, &mut |trees| {
            found |= trees.iter().any(|tree| is_ident(tree, identifier));
        });
        found
    }

    /// Every path that begins with `crate`, `$crate` or `super`. In a `mod.rs`, also those that begin with one of
    /// these child modules, except where it exports them again.
    pub fn uses(&self, children: &BTreeSet<String>) -> Vec<Use> {
        let mut uses = Vec::new();
        find_uses(&self.tokens, &self.module(), children, &mut uses);
        uses
    }

    /// The names that a `mod.rs` exports from its children: each with the child.
    pub fn exports(&self, children: &BTreeSet<String>) -> Vec<(String, String)> {
        let mut exports = Vec::new();
        for (at, tree) in self.tokens.iter().enumerate() {
            let statement = &self.tokens[at..];
            if !is_ident(tree, "use") || statement.len() < 2 {
                continue;
            }
            for path in paths(&statement[1..]) {
                if let [child, name] = &path[..]
                    && children.contains(child)
                {
                    exports.push((name.clone(), child.clone()));
                }
            }
        }
        exports
    }

    /// The names that the file exports at its top, modules included.
    pub fn public_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (at, tree) in self.tokens.iter().enumerate() {
            let is_public = at > 0 && is_ident(&self.tokens[at - 1], "pub");
            let rest = &self.tokens[at + 1..];
            if is_public && is_ident(tree, "use") {
                names.extend(paths(rest).into_iter().filter_map(|mut path| path.pop()));
            } else if is_public {
                names.extend(rest.first().map(ToString::to_string));
            }
        }
        names
    }

    /// How many public types of the file are errors.
    pub fn public_errors(&self) -> usize {
        let code = self.code();
        let derived = code.match_indices("thiserror :: Error").filter(|(at, _)| {
            let rest = code[*at..].split(['{', ';']).next().unwrap_or_default();
            rest.contains("pub enum") || rest.contains("pub struct")
        });
        derived.count() + code.matches("StdError for").count()
    }

    /// Each function with its name, its line and how many lines it has.
    pub fn functions(&self) -> Vec<(String, usize, usize)> {
        let mut functions = Vec::new();
        each_group(&self.tokens, &mut |trees| {
            for (at, tree) in trees.iter().enumerate() {
                let Some(TokenTree::Ident(name)) = trees.get(at + 1) else {
                    continue;
                };
                if !is_ident(tree, "fn") {
                    continue;
                }
                // A declaration ends before a body.
                let rest = trees[at..].iter();
                let body = rest.take_while(|tree| !is_punct(tree, ';')).find_map(brace);
                if let Some(body) = body {
                    let first = tree.span().start().line;
                    let last = body.span_close().start().line;
                    functions.push((name.to_string(), first, last - first + 1));
                }
            }
        });
        functions
    }

    /// The public traits: the name of each, and its methods with their signatures.
    pub fn traits(&self) -> Vec<(String, Vec<(String, String)>)> {
        let mut traits = Vec::new();
        each_group(&self.tokens, &mut |trees| {
            for (at, tree) in trees.iter().enumerate() {
                let is_public = at > 0 && is_ident(&trees[at - 1], "pub");
                let Some(TokenTree::Ident(name)) = trees.get(at + 1) else {
                    continue;
                };
                if !is_public || !is_ident(tree, "trait") {
                    continue;
                }
                let body = trees[at..].iter().find_map(brace).unwrap();
                let body: Vec<_> = body.stream().into_iter().collect();
                let starts = (0..body.len()).filter(|at| is_ident(&body[*at], "fn"));
                let methods = starts.map(|at| {
                    let rest = body[at..].iter();
                    let ends = |tree: &&TokenTree| is_punct(tree, ';') || brace(tree).is_some();
                    let signature: TokenStream =
                        rest.take_while(|tree| !ends(tree)).cloned().collect();
                    (body[at + 1].to_string(), signature.to_string())
                });
                traits.push((name.to_string(), methods.collect()));
            }
        });
        traits
    }
}

/// The files of `src`.
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

pub fn is_ident(tree: &TokenTree, name: &str) -> bool {
    matches!(tree, TokenTree::Ident(ident) if ident == name)
}

pub fn is_punct(tree: &TokenTree, character: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn brace(tree: &TokenTree) -> Option<&proc_macro2::Group> {
    match tree {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group),
        _ => None,
    }
}

/// Shows the trees of the file, and of each group in it.
pub fn each_group(trees: &[TokenTree], visit: &mut impl FnMut(&[TokenTree])) {
    visit(trees);
    for tree in trees {
        if let TokenTree::Group(group) = tree {
            let inside: Vec<_> = group.stream().into_iter().collect();
            each_group(&inside, visit);
        }
    }
}

fn find_uses(
    trees: &[TokenTree],
    module: &[String],
    children: &BTreeSet<String>,
    uses: &mut Vec<Use>,
) {
    let mut at = 0;
    while at < trees.len() {
        let tree = &trees[at];
        if let TokenTree::Group(group) = tree {
            let inside: Vec<_> = group.stream().into_iter().collect();
            // The body of a module in this file.
            let is_module = at >= 2 && is_ident(&trees[at - 2], "mod");
            let mut inner = module.to_vec();
            if is_module {
                inner.push(trees[at - 1].to_string());
            }
            find_uses(&inside, &inner, children, uses);
        }
        let is_export = is_ident(tree, "use") && at > 0 && is_visibility(trees, at - 1);
        if is_export {
            let statement = &trees[at..];
            let names_child = statement
                .get(1)
                .is_some_and(|first| children.contains(&first.to_string()));
            if names_child {
                at += statement
                    .iter()
                    .take_while(|tree| !is_punct(tree, ';'))
                    .count();
                continue;
            }
        }
        let is_continued = at > 0 && is_punct(&trees[at - 1], ':');
        if let TokenTree::Ident(ident) = tree
            && !is_continued
        {
            let name = ident.to_string();
            let base = match name.as_str() {
                "crate" => Some(Vec::new()),
                "super" => Some(module.to_vec()),
                child if children.contains(child) => Some(module.to_vec()),
                _ => None,
            };
            if let Some(base) = base {
                let line = ident.span().start().line;
                let found = paths(&trees[at..]);
                let found = found.into_iter().filter(|path| path.len() > 1);
                uses.extend(found.map(|path| Use {
                    line,
                    path: resolved(base.clone(), &path),
                }));
            }
        }
        at += 1;
    }
}

fn is_visibility(trees: &[TokenTree], at: usize) -> bool {
    is_ident(&trees[at], "pub")
        || matches!(&trees[at], TokenTree::Group(_)) && at > 0 && is_ident(&trees[at - 1], "pub")
}

/// The path that the trees begin with, or each of the paths of its group.
fn paths(trees: &[TokenTree]) -> Vec<Vec<String>> {
    let Some(first) = trees.first() else {
        return Vec::new();
    };
    if let Some(group) = brace(first) {
        let inside: Vec<_> = group.stream().into_iter().collect();
        let parts = inside.split(|tree| is_punct(tree, ','));
        return parts.flat_map(paths).collect();
    }
    let TokenTree::Ident(name) = first else {
        return Vec::new();
    };
    let goes_on = trees.len() > 3 && trees[1..3].iter().all(|tree| is_punct(tree, ':'));
    let rest = if goes_on {
        paths(&trees[3..])
    } else {
        Vec::new()
    };
    if rest.is_empty() {
        return vec![vec![name.to_string()]];
    }
    let with_name = rest.into_iter().map(|path| {
        let name = std::iter::once(name.to_string());
        name.chain(path).collect()
    });
    with_name.collect()
}

/// The path from the root.
fn resolved(mut base: Vec<String>, path: &[String]) -> Vec<String> {
    for name in path {
        match name.as_str() {
            "crate" | "self" => {}
            "super" => {
                base.pop();
            }
            name => base.push(name.to_owned()),
        }
    }
    base
}
