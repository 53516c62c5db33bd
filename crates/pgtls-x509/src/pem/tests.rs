use super::*;
use alloc::{format, vec};
use proptest::prelude::*;

fn blocks(pem: &[u8]) -> Result<Vec<(String, Vec<u8>)>, PemProblem> {
    Blocks::new(pem)
        .map(|block| match block {
            Ok(block) => Ok((block.label.clone(), block.contents.to_vec())),
            Err(X509Error::Pem { problem, .. }) => Err(problem),
            Err(other) => panic!("{other}"),
        })
        .collect()
}

#[track_caller]
fn one(pem: &str, label: &str, contents: &[u8]) {
    assert_eq!(blocks(pem.as_bytes()), Ok(vec![(label.into(), contents.to_vec())]), "{pem:?}");
}

#[track_caller]
fn bad(pem: &str, problem: PemProblem) {
    assert_eq!(blocks(pem.as_bytes()), Err(problem), "{pem:?}");
}

#[test]
fn what_openssl_reads() {
    one("-----BEGIN X-----\nAQID\n-----END X-----\n", "X", &[1, 2, 3]);
    one("-----BEGIN X-----\r\nAQID\r\n-----END X-----\r\n", "X", &[1, 2, 3]);
    one("-----BEGIN X-----\nAQID\n-----END X-----", "X", &[1, 2, 3]);
    one("text\n\n-----BEGIN X-----  \nAQ ID\n-----END X-----\t\ntrailing", "X", &[1, 2, 3]);
    one("\u{feff}-----BEGIN X-----\nAQ\nID\n-----END X-----\n", "X", &[1, 2, 3]);
    one("-----BEGIN X-----\n\nAQID\n-----END X-----\n", "X", &[1, 2, 3]);
    one("-----BEGIN X-----\nA: b\n\nAQID\n-----END X-----\n", "X", &[1, 2, 3]);
    one("-----BEGIN X-----\nAQ==\n-----END X-----\n", "X", &[1]);
    // The bits that padding leaves over are not looked at, and a hyphen ends the data.
    one("-----BEGIN X-----\nAR==\n-----END X-----\n", "X", &[1]);
    one("-----BEGIN X-----\nAQID-what\n-----END X-----\n", "X", &[1, 2, 3]);
    one(&format!("-----BEGIN X-----\n{}\n-----END X-----\n", "AQID".repeat(40)), "X", &[1, 2, 3].repeat(40));
    // Lines that only look like markers.
    assert_eq!(blocks(b" -----BEGIN X-----\nAQID\n-----END X-----\n"), Ok(vec![]));
    assert_eq!(blocks(b"-----BEGIN X----\nAQID\n-----END X-----\n"), Ok(vec![]));
    assert_eq!(blocks(b"\0-----BEGIN X-----\nAQID\n-----END X-----\n"), Ok(vec![]));
}

#[test]
fn what_openssl_refuses() {
    bad("-----BEGIN X-----\nAQID\n", PemProblem::MissingEnd);
    bad("-----BEGIN X-----\nAQID\n-----END Y-----\n", PemProblem::BadEndLine);
    bad("-----BEGIN X-----\nAQID\n-----END X-----x\n", PemProblem::BadEndLine);
    bad("-----BEGIN X-----\nAQ!D\n-----END X-----\n", PemProblem::BadBase64);
    bad("-----BEGIN X-----\nAQI\n-----END X-----\n", PemProblem::BadBase64);
    bad("-----BEGIN X-----\nA===\n-----END X-----\n", PemProblem::BadBase64);
    bad("-----BEGIN X-----\nAQ==AQID\n-----END X-----\n", PemProblem::BadBase64);
    bad("-----BEGIN X-----\n-----END X-----\n", PemProblem::Empty);
    bad("-----BEGIN X-----\nA: b\n-----END X-----\n", PemProblem::Empty);
    // After a blank line only the last line may be short, and there is no second blank line.
    bad("-----BEGIN X-----\n\nAQID\nAQID\n-----END X-----\n", PemProblem::BadEndLine);
    bad("-----BEGIN X-----\n\nAQID\n\n-----END X-----\n", PemProblem::BadEndLine);
    bad(&format!("-----BEGIN X-----\n\n{}\n-----END X-----\n", "AQID".repeat(17)), PemProblem::BadEndLine);
    // The error of a second block ends the file, too.
    bad("-----BEGIN X-----\nAQID\n-----END X-----\n-----BEGIN X-----\n", PemProblem::MissingEnd);
}

#[test]
fn errors_carry_the_byte() {
    let file = b"abc\n-----BEGIN X-----\nAQID\n-----END Y-----\n";
    match Blocks::new(file).next() {
        Some(Err(X509Error::Pem { position, .. })) => assert_eq!(position, 27),
        other => panic!("{other:?}"),
    }
}

proptest! {
    /// Whatever is encoded comes back, at any width and with any text around it.
    #[test]
    fn round_trip(contents in proptest::collection::vec(any::<u8>(), 1..300), width in 1_usize..200, before in "[a-z \n]{0,40}") {
        let strict = pem_rfc7468::encode_string("X", pem_rfc7468::LineEnding::LF, &contents).unwrap();
        let base64: String = strict.lines().filter(|line| !line.starts_with('-')).collect();
        let lines: Vec<&[u8]> = base64.as_bytes().chunks(width).collect();
        let pem = format!("{before}\n-----BEGIN X-----\n{}\n-----END X-----\n", String::from_utf8(lines.join(&b'\n')).unwrap());
        prop_assert_eq!(blocks(pem.as_bytes()), Ok(vec![("X".into(), contents)]));
    }

    #[test]
    fn arbitrary_text_does_not_panic(text in "(-----BEGIN X-----|-----END X-----|[A-Za-z0-9=:\\r\\n\u{0}-\u{ff}]){0,60}") {
        let _ = blocks(text.as_bytes());
        let _ = certificates_from_pem(text.as_bytes());
    }
}
