//! Where pointers of C become references, and values become pointers: the unsafe code that the rest is built on.
//!
//! Each function says what C must have promised; handles, texts, rows and places are those of the contract at the head of
//! the crate. References live as long as the caller likes as far as the compiler can see: nobody may keep one beyond the call of C.

use crate::{
    action::pgtls_peer,
    status::pgtls_status::{self, PGTLS_ARGUMENT, PGTLS_BUG, PGTLS_OK},
};
use pgtls_core::{param::Secret, secret::wipe};
use std::{
    ffi::{CStr, CString, c_char, c_void},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr, slice,
};

/// Runs what is behind a function of C. `?` ends it with a status, and a panic ends here.
pub(crate) fn guarded(run: impl FnOnce() -> Result<(), pgtls_status>) -> pgtls_status {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => PGTLS_OK,
        Ok(Err(status)) => status,
        Err(_) => PGTLS_BUG,
    }
}

/// The same for functions that give something or nothing.
pub(crate) fn guarded_or<T>(otherwise: T, run: impl FnOnce() -> Option<T>) -> T {
    catch_unwind(AssertUnwindSafe(run)).ok().flatten().unwrap_or(otherwise)
}

/// A handle that is looked at.
///
/// # Safety
/// It is a handle: NULL, or from [`give`] as this type and not freed, and nobody changes it while the reference lives.
pub(crate) unsafe fn handle<'a, T>(pointer: *const T) -> Result<&'a T, pgtls_status> {
    // SAFETY: `as_ref` checks for NULL; else it is the `Box` of `give`, aligned, initialised and alive, and not changed.
    unsafe { pointer.as_ref() }.ok_or(PGTLS_ARGUMENT)
}

/// A handle that is changed.
///
/// # Safety
/// It is a handle: NULL, or from [`give`] as this type and not freed, and nobody else uses it while the reference lives.
pub(crate) unsafe fn handle_mut<'a, T>(pointer: *mut T) -> Result<&'a mut T, pgtls_status> {
    // SAFETY: `as_mut` checks for NULL; else it is the `Box` of `give`, aligned, initialised and alive, and ours alone.
    unsafe { pointer.as_mut() }.ok_or(PGTLS_ARGUMENT)
}

/// A text.
///
/// # Safety
/// It is a text: NULL, or bytes up to a NUL that nobody changes while the reference lives.
pub(crate) unsafe fn text<'a>(pointer: *const c_char) -> Result<&'a str, pgtls_status> {
    if pointer.is_null() {
        return Err(PGTLS_ARGUMENT);
    }
    // SAFETY: not NULL, checked above; a text has its NUL, and nobody changes what is before it.
    unsafe { CStr::from_ptr(pointer) }.to_str().map_err(|_| PGTLS_ARGUMENT)
}

/// A text that may be missing.
///
/// # Safety
/// As for [`text`].
pub(crate) unsafe fn optional_text<'a>(pointer: *const c_char) -> Result<Option<&'a str>, pgtls_status> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: it is a text.
    unsafe { text(pointer) }.map(Some)
}

/// Several values in a row: bytes, pointers, lengths.
///
/// # Safety
/// They are a row: `length` is 0, or the pointer is NULL, or there are so many values that nobody changes while the reference
/// lives.
pub(crate) unsafe fn values<'a, T>(pointer: *const T, length: usize) -> Result<&'a [T], pgtls_status> {
    if length == 0 {
        return Ok(&[]);
    }
    // No object is larger than that, and `from_raw_parts` wants to be sure.
    let fits = length.checked_mul(size_of::<T>()).is_some_and(|bytes| isize::try_from(bytes).is_ok());
    if pointer.is_null() || !pointer.is_aligned() || !fits {
        return Err(PGTLS_ARGUMENT);
    }
    // SAFETY: not NULL, aligned and not too large, checked above; a row has so many values, and nobody changes them.
    Ok(unsafe { slice::from_raw_parts(pointer, length) })
}

/// Writes NULL where a handle or text may be given later, so that a call that fails leaves nothing there to be used.
///
/// # Safety
/// It is a place.
pub(crate) unsafe fn nothing_yet<T>(place: *mut *mut T) {
    // SAFETY: it is a place.
    unsafe { set(place, ptr::null_mut()) };
}

/// Gives a handle to the caller, who may take it to another thread. Without a place for it the call is in vain.
///
/// # Safety
/// It is a place.
pub(crate) unsafe fn give<T: Send>(place: *mut *mut T, value: T) -> Result<(), pgtls_status> {
    if place.is_null() {
        return Err(PGTLS_ARGUMENT);
    }
    // SAFETY: not NULL, checked above; a place is aligned and good for writing.
    unsafe { place.write(Box::into_raw(Box::new(value))) };
    Ok(())
}

/// Gives a plain value to the caller, without a place for which the call is in vain. What stood there is not looked at: it
/// may be no value at all.
///
/// # Safety
/// It is a place.
pub(crate) unsafe fn put<T>(place: *mut T, value: T) -> Result<(), pgtls_status> {
    if place.is_null() {
        return Err(PGTLS_ARGUMENT);
    }
    // SAFETY: it is a place.
    unsafe { set(place, value) };
    Ok(())
}

/// Gives a plain value to the caller, who may not want it.
///
/// # Safety
/// It is a place: NULL, or aligned and good for writing such a value, and no reference is to anything in it.
pub(crate) unsafe fn set<T>(place: *mut T, value: T) {
    if !place.is_null() {
        // SAFETY: not NULL, checked above; a place is aligned and good for writing.
        unsafe { place.write(value) };
    }
}

/// Gives a text to the caller, who may not want it.
///
/// # Safety
/// It is a place.
pub(crate) unsafe fn give_text(place: *mut *mut c_char, value: &str) {
    if !place.is_null() {
        // SAFETY: it is a place.
        unsafe { set(place, new_text(value)) };
    }
}

/// A text for the caller.
pub(crate) fn new_text(value: &str) -> *mut c_char {
    c_text(value).into_raw()
}

/// A text of C. It ends at the first NUL of the value, as C reads it.
pub(crate) fn c_text(value: &str) -> CString {
    let upto = value.split('\0').next().unwrap_or_default();
    CString::new(upto).unwrap_or_default()
}

/// Takes a handle back.
///
/// # Safety
/// It is a handle, and is not used again.
pub(crate) unsafe fn free<T>(pointer: *mut T) {
    if !pointer.is_null() {
        // SAFETY: not NULL, checked above; a handle comes from `Box::into_raw` in `give` with this type, and this is its end.
        // A `drop` that panics must not reach C.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(unsafe { Box::from_raw(pointer) })));
    }
}

/// Frees a text that this library has given.
///
/// # Safety
/// By the [contract](crate#the-contract) `text` is `NULL`, or was given by this library as a text, is as it was then and not
/// freed, and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_string_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: not NULL, checked above; a text that was given comes from `CString::into_raw` in `new_text`, goes back with the
        // length that it had, and this is its end.
        drop(unsafe { CString::from_raw(text) });
    }
}

/// Gives bytes to the caller.
///
/// # Safety
/// Both are places.
pub(crate) unsafe fn give_bytes(
    place: *mut *mut u8,
    length: *mut usize,
    value: Vec<u8>,
) -> Result<(), pgtls_status> {
    if place.is_null() || length.is_null() {
        return Err(PGTLS_ARGUMENT);
    }
    let value = value.into_boxed_slice();
    // SAFETY: neither is NULL, checked above; a place is aligned and good for writing.
    unsafe {
        length.write(value.len());
        place.write(Box::into_raw(value).cast());
    }
    Ok(())
}

/// Overwrites and frees bytes that this library has given, by the length that it gave with them.
///
/// # Safety
/// By the [contract](crate#the-contract) `bytes` is `NULL`, or was given by this library together with `length` and not freed, and
/// is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pgtls_bytes_free(bytes: *mut u8, length: usize) {
    if !bytes.is_null() {
        // SAFETY: not NULL, checked above; bytes that were given come from `Box::into_raw` in `give_bytes` as a slice of this
        // length, and this is their end.
        let mut bytes = unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(bytes, length)) };
        wipe(&mut bytes);
    }
}

/// Function of the program that returns the password for a server, or `NULL` if there is none. `context` is the pointer that was
/// given to `pgtls_machine_login`.
///
/// The machine calls it in `pgtls_machine_action`, on the thread of that call, at most once for each connection, when the server
/// requests a password and the parameters and the password file have none. It blocks the machine, and the time that it takes counts
/// for the deadline. The text is copied before that call returns; the machine overwrites its copy, the program its own. `peer` is
/// valid during the call. The function does not call anything with this machine, and returns in the usual way: neither `longjmp` nor
/// an exception of C++ may leave it.
pub type pgtls_password =
    Option<unsafe extern "C" fn(context: *mut c_void, peer: *const pgtls_peer) -> *const c_char>;

/// A [`pgtls_password`] with its context.
pub(crate) struct PasswordCallback {
    function: unsafe extern "C" fn(*mut c_void, *const pgtls_peer) -> *const c_char,
    context: *mut c_void,
}

// SAFETY: the context is not dereferenced here, and by the contract the function may be called with it on every thread that calls
// `pgtls_machine_action`.
unsafe impl Send for PasswordCallback {}

impl PasswordCallback {
    /// # Safety
    /// By the [contract](crate#the-contract) `function` is `NULL`, or good for calls with `context` until the machine is freed.
    pub(crate) unsafe fn new(function: pgtls_password, context: *mut c_void) -> Option<Self> {
        function.map(|function| Self { function, context })
    }

    /// Calls it.
    pub(crate) fn call(&self, peer: &pgtls_peer) -> Result<Option<Secret>, pgtls_status> {
        // SAFETY: whoever made this has promised that the function is good for calls with this context, and that it returns
        // a text.
        let password = unsafe { optional_text((self.function)(self.context, peer)) }?;
        Ok(password.map(|password| Secret::new(password.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_taken_back() {
        let mut place: *mut u32 = ptr::null_mut();
        let mut said: *mut c_char = ptr::null_mut();
        let (mut bytes, mut length) = (ptr::null_mut(), 0);
        let mut number = 0;
        // SAFETY: all pointers are to the variables above, or NULL; each is freed once.
        unsafe {
            assert_eq!(give(&raw mut place, 7), Ok(()));
            assert_eq!(handle(place), Ok(&7));
            *handle_mut(place).unwrap() = 8;
            assert_eq!(handle(place), Ok(&8));
            free(place);
            assert_eq!(give(ptr::null_mut(), 7), Err(PGTLS_ARGUMENT));
            assert_eq!(put(&raw mut number, 5), Ok(()));
            assert_eq!((number, put(ptr::null_mut(), 5)), (5, Err(PGTLS_ARGUMENT)));
            place = ptr::dangling_mut();
            nothing_yet(&raw mut place);
            assert!(place.is_null());
            nothing_yet::<u32>(ptr::null_mut());
            assert_eq!(handle::<u32>(ptr::null()), Err(PGTLS_ARGUMENT));
            free::<u32>(ptr::null_mut());

            give_text(&raw mut said, "a\0b");
            assert_eq!(text(said), Ok("a"));
            pgtls_string_free(said);
            pgtls_string_free(ptr::null_mut());
            give_text(ptr::null_mut(), "nobody wants it");
            assert_eq!(text(c"\xFF".as_ptr()), Err(PGTLS_ARGUMENT));
            assert_eq!(optional_text(ptr::null()), Ok(None));

            assert_eq!(give_bytes(&raw mut bytes, &raw mut length, vec![1, 2]), Ok(()));
            assert_eq!(values(bytes, length), Ok(&[1, 2][..]));
            pgtls_bytes_free(bytes, length);
            assert_eq!(give_bytes(&raw mut bytes, &raw mut length, Vec::new()), Ok(()));
            pgtls_bytes_free(bytes, length);
            pgtls_bytes_free(ptr::null_mut(), 5);
        }
    }

    #[test]
    fn lengths_are_looked_at() {
        // SAFETY: nothing of them is read.
        unsafe {
            assert_eq!(values::<u8>(ptr::null(), 0), Ok(&[][..]));
            assert_eq!(values::<u8>(ptr::dangling(), 0), Ok(&[][..]));
            assert_eq!(values::<u8>(ptr::null(), 1), Err(PGTLS_ARGUMENT));
            assert_eq!(values::<u8>(ptr::dangling(), usize::MAX), Err(PGTLS_ARGUMENT));
            assert_eq!(values::<u64>(ptr::dangling(), usize::MAX / 8), Err(PGTLS_ARGUMENT));
            assert_eq!(values::<u64>(ptr::without_provenance(1), 1), Err(PGTLS_ARGUMENT));
        }
    }

    #[test]
    fn a_panic_ends_at_the_boundary() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let status = guarded(|| panic!("a bug"));
        let value = guarded_or(5, || panic!("a bug"));
        std::panic::set_hook(hook);
        assert_eq!((status, value), (PGTLS_BUG, 5));
    }
}
