use super::*;

const BLOCK: &str = r#"# A comment.
multihost/a/b
  server @::1 plain-only certificate=expired then ok
  server @unix scram encrypted=error:57P03
  conninfo ~ sslmode=prefer
  env PGUSER "a b"
  file .postgresql/root.crt ca/root.crt mode=640 uid=0
  text x "a\nb"
  link y /dev/null
  ticket ccache mode=600
  resolve db.test 127.0.0.1 ::1
  as nobody
  cancel 3
  libpq ssl: h0:connect h0:sslreject; sni db.test - "a b"; cert zoo; in clear
  startup {"user": "zoo"}
  libpq15 fail (eof): connect; sni x
"#;

#[test]
fn a_block_says_everything() {
    let Scenarios(scenarios) = BLOCK.parse().unwrap();
    let [scenario] = &scenarios[..] else { panic!("{scenarios:?}") };
    assert_eq!(scenario.group(), "multihost");
    assert_eq!(scenario.situation.servers[0].place, Place::IP6);
    assert_eq!(scenario.situation.servers[0].script.behaviour(0).tls.certificate, "expired");
    assert_eq!(scenario.situation.servers[0].script.behaviour(1).tls.certificate, "good");
    assert_eq!(scenario.situation.servers[1].script.behaviour(0).encrypted.to_string(), "error:57P03");
    assert_eq!(scenario.situation.conninfo, format!("{USUAL} sslmode=prefer"));
    assert_eq!(scenario.situation.environment, [("PGUSER".to_owned(), "a b".to_owned())]);
    assert_eq!(scenario.situation.files.len(), 4);
    assert_eq!((scenario.situation.files[0].mode, scenario.situation.files[0].uid), (Some(0o640), Some(0)));
    assert_eq!(scenario.situation.files[1].source, Source::Text("a\nb".to_owned()));
    assert!(scenario.situation.needs_root() && scenario.situation.needs_gss());
    assert_eq!(scenario.situation.names[0].addresses.len(), 2);
    assert_eq!(scenario.situation.cancel, Some(3));

    let new = scenario.expected(Libpq::V18);
    assert_eq!(new.sni, [Some("db.test".to_owned()), None, Some("a b".to_owned())]);
    assert_eq!(new.alpn, vec![Some("postgresql".to_owned()); 3]);
    assert!(new.startup_in_clear);
    assert_eq!(new.startup.as_ref().unwrap().as_ref().unwrap()["user"], "zoo");
    let old = scenario.expected(Libpq::V15);
    assert_eq!((old.outcome, old.reason.as_deref()), (Outcome::Fail, Some("eof")));
    assert_eq!(old.alpn, [None]);
    assert_eq!(old.startup, new.startup);
}

/// What the kit writes it reads, whatever is in it: a situation that a property test found can be kept in a file.
#[test]
fn situations_are_written_as_they_are_read() {
    let every = crate::scenarios();
    let Scenarios(block) = BLOCK.parse().unwrap();
    for scenario in every.iter().chain(&block) {
        let text = format!("{}\n{}  libpq ssl: connect\n", scenario.id, scenario.situation);
        let Scenarios(again) = text.parse().unwrap_or_else(|error| panic!("{error}:\n{text}"));
        assert_eq!(again[0].situation, scenario.situation, "{text}");
    }
}

#[test]
fn an_older_libpq_does_the_same_without_alpn() {
    let Scenarios(scenarios) = "x\n  server ok\n  conninfo ~\n  libpq ssl: connect; sni a\n".parse().unwrap();
    assert_eq!(scenarios[0].libpq15, scenarios[0].libpq18.clone().without_alpn());
    assert_ne!(scenarios[0].libpq15, scenarios[0].libpq18);
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let block = "x\n  server ok\n  conninfo ~\n  libpq ssl: connect\n";
    for (text, expected) in [
        ("  server ok\n".to_owned(), "line 1: this line belongs to no scenario"),
        (format!("{block}\n{block}"), "line 6: two scenarios have the id \"x\""),
        (format!("{block}y\n"), "line 5: lines of a scenario are indented"),
        (
            block.replace("server ok", "env A b"),
            "line 1: the scenario that begins here has no line \"server\"",
        ),
        (block.replace("server ok", "server unicorn"), "\"unicorn\" is not a named behaviour"),
        (block.replace("server ok", "server ok colour=red"), "unknown field `colour`"),
        (block.replace("server ok", "server ok then"), "the script has no"),
        (block.replace("server ok", "server @moon ok"), "\"@moon\" is no place to listen"),
        (block.replace("ssl:", "tls:"), "line 4: \"tls\" is no outcome"),
        (block.replace("connect\n", "connect; colour red\n"), "\"colour red\" is no clause"),
        (format!("{block}  colour red\n"), "\"colour\" begins no line of a scenario; known are server, "),
        (format!("{block}  conninfo ~\n"), "a second line \"conninfo\""),
        (format!("{block}  env A\n"), "is no NAME VALUE"),
        (block.replace("server ok", "server @10.0.0.1 ok"), "\"@10.0.0.1\" is no place to listen"),
        (format!("{block}  resolve a\n"), "is no NAME ADDRESS"),
        (format!("{block}  cancel soon\n"), "is no number of polls"),
        (format!("{block}  file a b mode=9\n"), "\"mode=9\" is no SETTING=WORD"),
    ] {
        let error = text.parse::<Scenarios>().unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}
