//! Web servers: signed addresses, and texts to label.

use labelproof_testkit::web::{Answer, Web};

use crate::{ingest, project, written};

#[test]
fn a_signed_address_gives_the_bytes_of_a_local_file_and_no_signature_stays() {
    let project = project();
    let bytes = project.read("data/train-1.csv").into_bytes();
    let web = Web::start(move |request| match request.path.as_str() {
        "/data/train-1.csv?X-Amz-Signature=secret" => Answer::file(request, &bytes, "one"),
        _ => Answer::of(403, "<Code>AccessDenied</Code>"),
    });
    let of_file = written(&project, "", "data/train-1.csv");
    let address = format!("{}/data/train-1.csv?X-Amz-Signature=secret", web.url);
    assert!(written(&project, "", &address) == of_file);
    for path in labelproof_artifact::fs::files_below(&project.path("artifacts")).unwrap() {
        let bytes = labelproof_artifact::fs::read(&path).unwrap();
        assert!(
            !bytes.windows(6).any(|part| part == b"secret"),
            "{}",
            path.display()
        );
    }

    let other = format!("{}/data/train-1.csv?X-Amz-Signature=secrecy", web.url);
    let run = ingest(&project, "", &other);
    assert_eq!(run.code, 3);
    assert!(!run.stderr.contains("secrecy"), "{}", run.stderr);
}
