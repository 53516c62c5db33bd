//! What parsing costs in allocations.

use pgtls_core::param::Settings;

/// A connection string as they are.
const TYPICAL: &str = "host=db.example.com port=5432 dbname=app user=app password=secret sslmode=verify-full \
                       sslrootcert=/etc/ssl/root.crt connect_timeout=10";
const TYPICAL_URI: &str = "postgresql://app:secret@db.example.com:5432/app?sslmode=verify-full&\
                           sslrootcert=/etc/ssl/root.crt&connect_timeout=10";

#[test]
fn a_kept_value_costs_one_allocation_and_the_list_another() {
    for text in [TYPICAL, TYPICAL_URI] {
        let mut kept = 0;
        let cost = allocation_counter::measure(|| {
            kept = Settings::parse(text).map_or(0, |settings| settings.iter().count());
        });
        assert_eq!(kept, 8);
        assert!(cost.count_total <= 8 + 1, "{text}: {} allocations", cost.count_total);
        assert_eq!(cost.count_current, 0, "{text}");
    }
}

/// So that none of it is left behind in an allocation that grew.
#[test]
fn secrets_are_printed_into_one_allocation() {
    for value in ["secret", r"a \\\\ quote's worth", &"'".repeat(60)] {
        let settings = Settings::from_pairs(&[("password", value), ("sslpassword", value)], false).unwrap();
        let cost = allocation_counter::measure(|| drop(settings.with_secrets()));
        assert_eq!(cost.count_total, 1, "{value}");
    }
}
