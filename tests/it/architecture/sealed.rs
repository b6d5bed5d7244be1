//! A sealed trait's methods can be named by any caller that is generic over the public trait above it.
//! Each of them must therefore take something that no caller outside of the crate can make.

use super::source::{Source, sources};

/// Types that only the crate can make: no `Default`, no public constructor.
const TOKENS: [&str; 4] = ["Internal", "MadeDurable", "Committed", "Changes<'_>"];

/// Methods that may be called by anybody, and why.
const OPEN: [(&str, &str, &str); 1] =
    [("TypedKey", "decode", "it reads bytes, and makes no handle")];

/// Traits whose methods nobody can call, because nothing implements them.
const MET_BY_NOTHING: &str = "src/missing_step.rs";

/// The public traits of a file: the name of each, and its methods with their signatures.
fn traits(source: &Source) -> Vec<(String, Vec<(String, String)>)> {
    let mut found = Vec::new();
    for (start, _) in source.code.match_indices("pub trait ") {
        let rest = &source.code[start + "pub trait ".len()..];
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
        let open = rest.find('{').unwrap();
        let mut depth = 0;
        let end = rest[open..].find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0
        });
        let body = &rest[open + 1..open + end.unwrap()];
        let methods = body.match_indices("fn ").map(|(at, _)| {
            let signature = body[at..].split([';', '{']).next().unwrap();
            let name: String = signature["fn ".len()..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            (
                name,
                signature.split_whitespace().collect::<Vec<_>>().join(" "),
            )
        });
        found.push((name, methods.collect()));
    }
    found
}

#[test]
fn no_method_of_a_sealed_trait_can_be_called_from_outside() {
    let (mut found, mut guarded, mut open) = (Vec::new(), 0, 0);
    for source in sources() {
        if source.is_below("src/sim/") || source.path == MET_BY_NOTHING {
            continue;
        }
        for (name, methods) in traits(&source) {
            for (method, signature) in methods {
                let has_token = TOKENS.iter().any(|token| signature.contains(token));
                let is_open = OPEN.iter().any(|(t, m, _)| (*t, *m) == (&*name, &*method));
                guarded += usize::from(has_token);
                open += usize::from(is_open);
                if !has_token && !is_open {
                    found.push(format!("{}: {name}::{method}: {signature}", source.path));
                }
            }
        }
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    assert_eq!(
        (guarded, open),
        (5, OPEN.len()),
        "the search finds what is there"
    );
}

#[test]
fn no_caller_outside_of_the_crate_can_make_a_token() {
    for token in TOKENS.map(|token| token.split('<').next().unwrap()) {
        let mut declared = 0;
        for source in sources() {
            for (at, _) in source.code.match_indices(&format!("pub struct {token}")) {
                declared += 1;
                let before = source.code[..at].lines().rev().take(3);
                let derived: Vec<_> = before.filter(|line| line.contains("derive")).collect();
                assert!(derived.is_empty(), "{token}: {derived:?}");
            }
            for implemented in ["Default", "From", "Clone", "TryFrom", "FromIterator"] {
                let line = format!("{implemented} for {token}");
                assert!(!source.code.contains(&line), "{}: {line}", source.path);
            }
        }
        assert_eq!(declared, 1, "{token}");
    }
}

#[test]
fn the_check_finds_an_open_method() {
    let text = "pub trait Open: Sized {\n    type A;\n    fn held(self, a: &mut A) -> u8;\n}\n";
    let source = Source::new("src/open.rs", text);
    let methods = vec![(
        "held".to_owned(),
        "fn held(self, a: &mut A) -> u8".to_owned(),
    )];
    assert_eq!(traits(&source), [("Open".to_owned(), methods)]);
}
