//! Checks that every test named in ARCHITECTURE.md, `docs/pitfalls.md` or the list of defects exists.

#[path = "../defects/list.rs"]
mod list;

use std::path::Path;

/// Returns the spans between backticks that are spelled like a test: `module::name` or `ui/name`.
fn named(text: &str) -> Vec<&str> {
    let mut spans: Vec<_> = text.split('`').skip(1).step_by(2).collect();
    spans.retain(|span| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_:/".contains(c);
        span.chars().all(plain) && (span.contains("::") || span.starts_with("ui/"))
    });
    spans
}

fn exists(name: &str) -> bool {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    if let Some(case) = name.strip_prefix("ui/") {
        return tests.join(format!("ui/{case}.stderr")).is_file();
    }
    let Some((module, function)) = name.rsplit_once("::") else {
        return false;
    };
    // The list of scenarios generates these tests.
    if module == "crash::scenarios::power_cut" {
        let scenarios = std::fs::read_to_string(tests.join("it/crash/scenarios/mod.rs")).unwrap();
        return scenarios.contains(&format!("    {function} => "));
    }
    let module = module.replace("::", "/");
    let files = [format!("it/{module}.rs"), format!("it/{module}/mod.rs")];
    let mut sources = files
        .iter()
        .filter_map(|file| std::fs::read_to_string(tests.join(file)).ok());
    sources.any(|text| text.contains(&format!("fn {function}(")))
}

#[test]
fn every_test_that_the_architecture_names_is_there() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(project.join(name)).unwrap();
    let texts = ["ARCHITECTURE.md", "docs/pitfalls.md"].map(read);
    let names = texts.iter().flat_map(|text| named(text));
    let names: Vec<_> = names.filter(|name| !name.starts_with("std::")).collect();
    assert!(names.len() > 60, "only {} names", names.len());
    let missing: Vec<_> = names.into_iter().filter(|name| !exists(name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
    assert!(!exists("keys::a_test_that_nobody_wrote"));
    assert!(!exists("ui/misuse_that_nobody_made"));
}

#[test]
fn every_defect_can_be_put_back_and_its_test_is_there() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let defects = list::read(include_str!("../defects/defects.toml"));
    assert!(defects.len() > 30, "only {} defects", defects.len());
    for defect in defects {
        let source = std::fs::read_to_string(project.join(&defect.file)).unwrap();
        let found = source.matches(&defect.find).count();
        assert_eq!(found, 1, "{}: {}", defect.name, defect.find);
        assert_ne!(defect.find, defect.replace, "{}", defect.name);
        let is_elsewhere = ["torture: ", "lib: ", "threads: "]
            .iter()
            .any(|target| defect.caught_by.starts_with(target));
        let is_there = is_elsewhere || exists(&defect.caught_by);
        assert!(is_there, "{}: {}", defect.name, defect.caught_by);
    }
}
