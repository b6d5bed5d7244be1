//! The `audit` example.

use std::path::Path;
use std::process::{Command, Output};

use frostline::Catalog;

use crate::fixture::{Data, freeze};
use crate::{examples, snapshot};

fn program(arguments: &[&str], data: &Path) -> Output {
    let mut command = Command::new(examples::binary("audit"));
    command.arg("--data-dir").arg(data).args(arguments);
    command.output().unwrap()
}

#[test]
fn the_program_tells_by_its_exit_code() {
    let data = Data::new();
    let missing = program(&[], &data.path());
    assert_eq!(missing.status.code(), Some(2));
    let text = String::from_utf8(missing.stderr).unwrap();
    assert!(text.contains("there is no catalog"), "{text}");
    assert!(!data.path().exists());

    let catalog = data.open();
    drop(freeze(&catalog, 7, b"here"));
    let clean = program(&[], &data.path());
    assert_eq!(clean.status.code(), Some(0));
    let clean = String::from_utf8(clean.stdout).unwrap();
    std::fs::remove_file(data.pack(7)).unwrap();
    let found = program(&["--json"], &data.path());
    assert_eq!(found.status.code(), Some(1));
    let found = String::from_utf8(found.stdout).unwrap();
    let json: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!(json["findings"][0]["finding"], "file_missing");
    snapshot::check("example_audit", &data.redact(&format!("{clean}\n{found}")));

    for arguments in [
        &["--data-dir", "/twice"][..],
        &["--config", "/both"],
        &["--unknown"],
        &["positional"],
    ] {
        let output = program(arguments, &data.path());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.contains("usage: audit"), "{errors}");
    }
    let nothing = Command::new(examples::binary("audit")).output().unwrap();
    assert_eq!(nothing.status.code(), Some(2));
}

#[test]
fn the_program_obeys_a_configuration() {
    let data = Data::new();
    std::fs::create_dir_all(data.path()).unwrap();
    let file = data.path().join("node.toml");
    let text = "[service]\ndefault_data_dir = \"node\"\n\
                [streaming]\ncaptive_core_config = \"core.cfg\"\n";
    std::fs::write(&file, text).unwrap();
    let run = || {
        let mut command = Command::new(examples::binary("audit"));
        command.arg("--config").arg(&file).output().unwrap()
    };
    assert_eq!(run().status.code(), Some(2));
    let roots = frostline::StorageRoots::under(data.path().join("node")).unwrap();
    drop(Catalog::open(roots.lock().unwrap()).unwrap());
    assert_eq!(run().status.code(), Some(0));
}
