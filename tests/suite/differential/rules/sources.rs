//! A refusal names what decided: the file that a certificate or a CRL came from, or those that lack one.

use super::{chain, checked, issuers::with_a_stranger};
use crate::differential::{
    grammar::{Change, CrlChange, EntryExtension, Moment, Scenario},
    make::make,
    options,
};
use openssl::x509::X509;
use pgtls_x509::{CrlStore, Purpose, SecurityLevel, Source, TrustStore, X509Error, verify_chain};

/// How the stores are called.
#[derive(Clone, Copy)]
enum Names {
    Given,
    None,
}

/// What decided, as it is told.
fn decided_by(scenario: &Scenario, names: Names) -> Vec<String> {
    let files = make(scenario);
    let mut trust = TrustStore::from_pem(&files.roots).unwrap();
    let mut crls = files.crls.as_ref().map(|crls| CrlStore::from_pem(crls.as_bytes()).unwrap());
    if matches!(names, Names::Given) {
        trust = trust.named("root.crt");
        crls = crls.map(|crls| crls.named("root.crl"));
    }
    if scenario.crls.is_some() {
        let crls = crls.get_or_insert_with(CrlStore::empty);
        for (number, directory) in files.crl_directories.iter().enumerate() {
            let files = directory.iter().map(|(name, content)| (name.as_str(), content.as_bytes()));
            crls.add_directory(&format!("crls {number}"), files);
        }
        trust.add_from_crl_file(crls);
    }
    let options = options(Purpose::Server, SecurityLevel::DEFAULT);
    let presented: Vec<&[u8]> = files.presented.iter().map(Vec::as_slice).collect();
    match verify_chain(&files.leaf, &presented, &trust, crls.as_ref(), &options) {
        Err(X509Error::Path(error)) => error.decided_by.iter().map(Source::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

/// The hash of an entity's name, which files of directories are called by.
fn hash(entity: usize) -> String {
    let files = make(&chain(3, vec![(2, Change::Presented)]));
    let der = if entity == 0 { &files.leaf } else { &files.presented[entity - 1] };
    format!("{:08x}", X509::from_der(der).unwrap().subject_name_hash())
}

#[test]
fn a_refusal_names_the_file() {
    let expired = |place| chain(3, vec![(place, Change::NotAfter(Moment::Past))]);
    let unknown_root = |change| with_a_stranger(chain(3, vec![(2, Change::NotInRootFile), change]));
    let without_it = || unknown_root((1, Change::Presented));
    let sent_with_it = || unknown_root((2, Change::Presented));
    let ended_below_it = || unknown_root((1, Change::InRootFile));
    let alone = || with_a_stranger(chain(1, vec![(0, Change::NotInRootFile)]));
    let of = |list, change| checked(3, vec![], vec![(list, change)]);
    let lists = || CrlChange::Lists(EntryExtension::None);
    let in_directory = |second| {
        let place = CrlChange::InDirectory(0, second);
        checked(3, vec![], vec![(0, place.clone()), (1, place), (0, lists())])
    };
    let behind_a_gap = CrlChange::InDirectory(2, true);
    let (ca, peer) = (hash(1), "what the peer sent");
    let of_directory = |number, file: &str| format!("file {file} of CRL directory \"crls {number}\"");
    for (scenario, expected) in [
        (expired(0), vec![peer.to_owned()]),
        (expired(1), vec![peer.to_owned()]),
        (expired(2), vec!["root certificates \"root.crt\"".to_owned()]),
        (without_it(), vec!["root certificates \"root.crt\"".to_owned()]),
        (sent_with_it(), vec!["root certificates \"root.crt\"".to_owned()]),
        (ended_below_it(), vec!["root certificates \"root.crt\"".to_owned()]),
        (alone(), vec!["root certificates \"root.crt\"".to_owned()]),
        (of(0, lists()), vec!["CRL file \"root.crl\"".to_owned()]),
        (of(1, lists()), vec!["CRL file \"root.crl\"".to_owned()]),
        (of(0, CrlChange::Missing), vec!["CRL file \"root.crl\"".to_owned()]),
        (in_directory(false), vec![of_directory(0, &format!("{ca}.r0"))]),
        (in_directory(true), vec![of_directory(1, &format!("{ca}.r0"))]),
        (
            of(0, behind_a_gap),
            vec![
                "CRL file \"root.crl\"".to_owned(),
                of_directory(0, &format!("{ca}.r0")),
                of_directory(1, &format!("{ca}.r0")),
            ],
        ),
    ] {
        assert_eq!(decided_by(&scenario, Names::Given), expected, "{scenario:?}");
    }
    for (scenario, expected) in
        [(expired(2), "root certificates"), (without_it(), "root certificates"), (of(0, lists()), "CRL file")]
    {
        assert_eq!(decided_by(&scenario, Names::None), [expected], "{scenario:?}");
    }
}

/// As the root file, a CRL file may hold certificates.
#[test]
fn a_certificate_of_the_crl_file_is_that_files() {
    let files = make(&checked(3, vec![(2, Change::NotAfter(Moment::Past))], vec![]));
    let crls = files.crls.unwrap() + str::from_utf8(&files.roots).unwrap();
    let crls = CrlStore::from_pem(crls.as_bytes()).unwrap().named("root.crl");
    let mut trust = TrustStore::from_der([files.presented[0].as_slice()]);
    trust.add_from_crl_file(&crls);
    let options = options(Purpose::Server, SecurityLevel::DEFAULT);
    match verify_chain(&files.leaf, &[], &trust, Some(&crls), &options) {
        Err(X509Error::Path(error)) => {
            let told: Vec<String> = error.decided_by.iter().map(Source::to_string).collect();
            assert_eq!(told, ["CRL file \"root.crl\""]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_store_counts_its_lists() {
    let files = make(&checked(3, vec![], vec![(0, CrlChange::InDirectory(0, false))]));
    let mut crls = CrlStore::empty();
    assert!(crls.is_empty());
    let directory: Vec<(&str, &[u8])> =
        files.crl_directories[0].iter().map(|(name, content)| (name.as_str(), content.as_bytes())).collect();
    crls.add_directory("crls", directory);
    assert_eq!((crls.len(), crls.is_empty()), (1, false));
    let crls = CrlStore::from_pem(files.crls.unwrap().as_bytes()).unwrap();
    assert_eq!((crls.len(), crls.is_empty()), (1, false));
}
