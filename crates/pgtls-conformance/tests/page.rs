//! The report's page in a real browser, without a window: its script runs, and says what the report says.

use pgtls_conformance::report::{Report, page};
use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// No browser takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn a_browser_shows_the_matrix_and_what_differs() {
    let Some(browser) = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|browser| Command::new(browser).arg("--version").output().is_ok())
    else {
        // Not even CI must have a browser.
        return eprintln!("skipped: the report's page: no Chromium is installed");
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    // The first difference is opened as a click would do it.
    let click = "<script>document.querySelector('#list details').open = true;</script></html>";
    std::fs::write(&file, page(&[report("one"), report("other")]).replace("</html>", click)).unwrap();
    let output = folder.path().join("dom.html");
    let mut child = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--virtual-time-budget=5000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("file://{}", file.display()))
        .stdout(std::fs::File::create(&output).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(ends(&mut child), "the browser did not end");
    let dom = std::fs::read_to_string(&output).unwrap();
    for part in [
        // The matrix: both clients, their groups, and the share that agrees.
        ">one (libpq 18)</th>",
        ">other (libpq 18)</th>",
        ">cert</th>",
        ">50.0 %</button>",
        ">100 %</button>",
        "1 of 2 agree, 0 skipped",
        // The list, and a sequence diagram on each side.
        ">2 differ</p>",
        "<code>cert/b</code>",
        "ClientHello (db.test; postgresql)",
        // What differs is marked, and told to who does not see it.
        ">≠ StartupMessage</text>",
        "aria-label=\"connect; client: SSLRequest; server: S; client: ClientHello (db.test; postgresql)\"",
        "scope=\"row\"",
        "aria-pressed=\"false\"",
        "too lax: connects where libpq refuses",
        "See docs/verification.md",
    ] {
        assert!(dom.contains(part), "{part:?} is missing in:\n{dom}");
    }
    assert_eq!(dom.matches("<svg").count(), 2, "{dom}");
    assert!(!dom.contains("<b>"), "what a client says stays text:\n{dom}");
}

fn report(client: &str) -> Report {
    let trace = |outcome: &str, events: &[&str]| {
        serde_json::json!({
            "outcome": outcome, "reason": "<b>no</b>", "events": events, "sni": ["db.test"], "alpn": [["postgresql"]],
            "certificates": [], "startup_in_clear": false,
        })
    };
    serde_json::from_value(serde_json::json!({
        "kit": "0", "client": client, "libpq": 18, "scenarios": [
            {"id": "cert/a", "verdict": "agree"},
            {"id": "cert/b", "verdict": "differ", "detail": {
                "differences": ["accepts-what-libpq-refuses"], "sentences": ["connects where libpq refuses"], "lax": true,
                "section": "docs/verification.md#x (y)", "conninfo": "~",
                "expected": trace("fail", &["connect", "sslaccept"]),
                "observed": trace("ssl", &["connect", "sslaccept", "authok"]),
            }},
            {"id": "name/a", "verdict": "agree"},
        ],
    }))
    .expect("it is a report")
}

/// Waits for the browser, and ends it when it takes too long.
fn ends(child: &mut Child) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if child.try_wait().expect("it is our child").is_some() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = child.kill();
    let _ = child.wait();
    false
}
