//! The only unsafe code: the Node-API calls that napi-rs has no safe form of, or none without an allocation.

use napi::bindgen_prelude::*;
use napi::sys;

/// Appends the UTF-16 units of a JavaScript string to `units`, as they are, up to `limit` of them.
///
/// napi-rs reads strings as UTF-8, which repairs lone surrogates, or into a new vector each time.
pub fn read_utf16(env: &Env, string: &Unknown<'_>, limit: usize, units: &mut Vec<u16>) -> Result<()> {
    // One call is enough for a text that fits into what is there already.
    let mut room = units.capacity().saturating_sub(1).clamp(255, limit);
    loop {
        units.clear();
        units.reserve(room + 1);
        let mut copied = 0;
        // SAFETY: `env` and `string` are live for this call, since both are borrowed from the callback that runs. The
        // buffer has room for `room + 1` units, which is what its size says; Node-API writes at most `room` of them and
        // a closing zero, and stores in `copied` how many it wrote before the zero.
        check_status!(unsafe {
            sys::napi_get_value_string_utf16(
                env.raw(),
                string.raw(),
                units.as_mut_ptr(),
                room + 1,
                &mut copied,
            )
        })?;
        // SAFETY: the first `copied` units, at most `room`, were just written.
        unsafe { units.set_len(copied) };
        if copied < room || room == limit {
            return Ok(());
        }
        // The text fills the buffer and may go on.
        room = room.saturating_mul(8).min(limit);
    }
}

/// A JavaScript string from UTF-8.
pub fn string<'env>(env: &'env Env, text: &[u8]) -> Result<Unknown<'env>> {
    let mut value = std::ptr::null_mut();
    // Latin-1 needs no decoding, and nearly every id is ASCII.
    let create = if text.is_ascii() {
        sys::napi_create_string_latin1
    } else {
        sys::napi_create_string_utf8
    };
    // SAFETY: `text` is that many readable bytes, which Node-API copies; `value` receives a handle that lives in the
    // scope of the running callback, as `env` does.
    check_status!(unsafe { create(env.raw(), text.as_ptr().cast(), text.len() as isize, &mut value) })?;
    // SAFETY: `value` is the handle that was just made in this environment.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), value) })
}

/// Makes a threadsafe function keep the process alive, or lets the process end without it.
pub fn hold_process(env: &Env, function: sys::napi_threadsafe_function, hold: bool) -> Result<()> {
    let change = if hold {
        sys::napi_ref_threadsafe_function
    } else {
        sys::napi_unref_threadsafe_function
    };
    // SAFETY: called on the thread of `env`, which made `function`; whoever passes it holds it, so it is not yet freed.
    check_status!(unsafe { change(env.raw(), function) })
}

/// The elements of a typed array, in pairs.
pub fn pairs<'a>(array: &'a mut Uint32ArraySlice<'_>) -> &'a mut [[u32; 2]] {
    // SAFETY: JavaScript could write to the array at the same time only while it runs, and it does not run before the
    // callback that borrowed `array` returns: the array belongs to `lib/pipeline.js`, which shares it with no thread.
    unsafe { array.as_mut() }.as_chunks_mut::<2>().0
}
