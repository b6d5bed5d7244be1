//! The one way in which a test compares text with a file in `snapshots/`.
#![expect(unreachable_pub, reason = "shared by the modules of this test binary")]

/// Compares the text with `snapshots/{name}.snap`.
///
/// To accept what has changed, run the test with `INSTA_UPDATE=always` and read the difference.
pub fn check(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    // Absolute: insta takes a relative path from the file that asserts.
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
