//! The language of comments and documents: each sentence names its subject.

use std::path::{Path, PathBuf};

/// Words that begin a sentence without its subject.
const OPENINGS: [&str; 12] = [
    "What", "Who", "Whoever", "Whatever", "Nobody", "Somebody", "None", "Where", "Wherever", "So",
    "Also", "Whose",
];

/// The share of such sentences that is allowed, in percent.
const ALLOWED_PERCENT: usize = 2;

fn files(directory: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|end| end == extension) {
            found.push(path);
        }
    }
}

/// The texts of the comments: lines that follow one another are one text.
fn comments(source: &str) -> Vec<String> {
    let mut texts = vec![String::new()];
    for line in source.lines() {
        let line = line.trim_start();
        let text = line
            .strip_prefix("//")
            .map(|rest| rest.trim_start_matches(['/', '!']).trim());
        match text {
            Some(text) if !text.is_empty() => {
                let last = texts.last_mut().unwrap();
                last.push_str(text);
                last.push(' ');
            }
            _ => texts.push(String::new()),
        }
    }
    texts
}

/// The sentences of a text, and those of them that do not name their subject.
fn sentences(text: &str) -> (usize, Vec<String>) {
    let (mut count, mut without) = (0, Vec::new());
    for sentence in text.split_inclusive(". ") {
        let sentence = sentence.trim_start_matches(['-', '*', '#', '|', ' ', '1', '2', '3']);
        let Some(first) = sentence
            .split([' ', ','])
            .next()
            .filter(|word| !word.is_empty())
        else {
            continue;
        };
        count += 1;
        if OPENINGS.contains(&first) {
            without.push(sentence.trim().to_owned());
        }
    }
    (count, without)
}

#[test]
fn sentences_name_their_subject() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut count, mut without) = (0, Vec::new());
    let mut add = |text: &str| {
        let (sentences, found) = sentences(text);
        count += sentences;
        without.extend(found);
    };
    for directory in ["src", "tests", "examples", "benches"] {
        let mut sources = Vec::new();
        files(&project.join(directory), "rs", &mut sources);
        for path in sources {
            let source = std::fs::read_to_string(path).unwrap();
            for text in comments(&source) {
                add(&text);
            }
        }
    }
    let mut documents = Vec::new();
    files(&project.join("docs"), "md", &mut documents);
    let top = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"];
    documents.extend(top.map(|name| project.join(name)));
    for path in documents {
        let document = std::fs::read_to_string(path).unwrap();
        document
            .split("\n\n")
            .for_each(|text| add(&text.replace('\n', " ")));
    }
    assert!(count > 3_000, "{count} sentences");
    assert!(
        100 * without.len() <= ALLOWED_PERCENT * count,
        "{} of {count} sentences:\n{}",
        without.len(),
        without.join("\n")
    );
}

#[test]
fn a_sentence_without_its_subject_is_found() {
    let (count, without) = sentences("The file is there. What is lost is lost. Nobody knows. ");
    assert_eq!((count, without.len()), (3, 2));
    let texts = comments("/// One\n/// text.\nfn f() {}\n// Another one.\n");
    let texts: Vec<_> = texts.iter().filter(|text| !text.is_empty()).collect();
    assert_eq!(texts, ["One text. ", "Another one. "]);
}
