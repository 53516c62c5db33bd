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
