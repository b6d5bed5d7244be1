//! A sealed trait's methods can be named by any caller that is generic over the public trait above it.
//! Each of them must therefore take something that no caller outside of the crate can make.

use super::source::{Source, sources};

/// Types that only the crate can make: no `Default`, no public constructor.
const TOKENS: [&str; 5] = [
    "Internal",
    "MadeDurable",
    "Committed",
    "Changes",
    "Witnesses",
];

/// Methods that may be called by anybody, and why.
const OPEN: [(&str, &str, &str); 6] = [
    ("TypedKey", "decode", "it reads bytes, and makes no handle"),
    ("Kind", "key", "it makes a key, and no handle"),
    ("Failure", "kind", "it describes an error"),
    ("Failure", "next", "it describes an error"),
    ("Failure", "key", "it describes an error"),
    ("Failure", "path", "it describes an error"),
];

/// Traits whose methods nobody can call, because nothing implements them.
const MET_BY_NOTHING: &str = "missing_step.rs";

#[test]
fn no_method_of_a_sealed_trait_can_be_called_from_outside() {
    let (mut found, mut guarded, mut open) = (Vec::new(), 0, 0);
    for source in sources() {
        if source.is_below("src/sim/") || source.path.ends_with(MET_BY_NOTHING) {
            continue;
        }
        for (name, methods) in source.traits() {
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
        (6, OPEN.len()),
        "the search finds what is there"
    );
}

#[test]
fn no_caller_outside_of_the_crate_can_make_a_token() {
    for token in TOKENS {
        let mut declared = 0;
        for source in sources() {
            let code = source.code();
            for (at, _) in code.match_indices(&format!("pub struct {token}")) {
                declared += 1;
                let start = code[..at].rfind(['}', ';']).unwrap_or(0);
                assert!(!code[start..at].contains("derive"), "{token}");
            }
            for implemented in ["Default", "From", "Clone", "TryFrom", "FromIterator"] {
                let line = format!("{implemented} for {token}");
                assert!(!code.contains(&line), "{}: {line}", source.path);
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
        "fn held (self , a : & mut A) -> u8".to_owned(),
    )];
    assert_eq!(source.traits(), [("Open".to_owned(), methods)]);
}
