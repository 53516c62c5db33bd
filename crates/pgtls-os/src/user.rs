//! Names of users.

/// The name of the user with this uid; `None` if the system knows no such user.
#[cfg(unix)]
pub fn user_name(uid: u32) -> Option<String> {
    uzers::get_user_by_uid(uid)?.name().to_str().map(ToOwned::to_owned)
}

#[cfg(all(test, unix))]
mod tests {
    use super::user_name;

    #[test]
    fn names() {
        assert_eq!(user_name(0).as_deref(), Some("root"));
        assert_eq!(user_name(u32::MAX - 1), None);
    }
}
