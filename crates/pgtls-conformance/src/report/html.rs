//! The report as one page that needs nothing but a browser.

use super::Report;

/// The page for these reports, each of one client.
#[expect(clippy::missing_panics_doc, reason = "a report is strings and numbers, which JSON can hold")]
pub fn page(reports: &[Report]) -> String {
    let data = serde_json::to_string(reports).expect("reports are strings and numbers");
    // Inside a script element only this could end it, or begin a comment.
    let data = data.replace('<', "\\u003c");
    include_str!("page.html").replacen("\"REPORTS\"", &data, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_says_stays_data() {
        let report = Report {
            kit: "1".to_owned(),
            client: "</script><!-- x".to_owned(),
            libpq: 18,
            scenarios: Vec::new(),
        };
        let page = page(&[report]);
        assert!(!page.contains("</script><!--"), "{page}");
        assert!(page.contains("\\u003c/script>\\u003c!-- x"));
        assert!(!page.contains("\"REPORTS\""));
    }
}
