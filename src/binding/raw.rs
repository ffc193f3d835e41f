//! The only unsafe code: the Node-API calls that napi-rs has no safe form of, or none as cheap.

use std::ffi::c_void;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::*;
use napi::sys;

/// Puts the UTF-16 units of a JavaScript string into `units`, as they are. Says whether it did: a text of more than `limit`
/// is not copied.
///
/// napi-rs reads strings as UTF-8, which repairs lone surrogates, or into a new vector each time.
pub fn read_utf16(env: &Env, string: &Unknown<'_>, limit: usize, units: &mut Vec<u16>) -> Result<bool> {
    // One call is enough for a text that fits into what is there already. Before more is copied, its length is asked for.
    let mut room = units.capacity().saturating_sub(1).clamp(255, 4095);
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
        if copied < room {
            return Ok(true);
        }
        // The text fills the buffer and may go on.
        let mut length = 0;
        // SAFETY: as above; without a buffer, Node-API stores how many units there are and writes nothing else.
        check_status!(unsafe {
            sys::napi_get_value_string_utf16(env.raw(), string.raw(), ptr::null_mut(), 0, &mut length)
        })?;
        if length > limit {
            units.clear();
            return Ok(false);
        }
        if length == copied {
            return Ok(true);
        }
        // One more, so that it does not fill the buffer.
        room = length + 1;
    }
}

/// Puts a JavaScript string into `text`, as UTF-8. Says whether it did: one of more than `limit` bytes is not copied, nor is
/// what is no string.
///
/// Lone surrogates become U+FFFD: it is for JSON, which has none.
pub fn read_utf8(env: &Env, string: &Unknown<'_>, limit: usize, text: &mut String) -> Result<bool> {
    let mut bytes = std::mem::take(text).into_bytes();
    // One call is enough for a text that fits into what is there already. Before more is copied, its length is asked for.
    let mut room = bytes.capacity().saturating_sub(1).clamp(1023, 16_383);
    loop {
        bytes.clear();
        bytes.reserve(room + 1);
        let mut copied = 0;
        // SAFETY: `env` and `string` are live for this call, since both are borrowed from the callback that runs. The buffer
        // has room for `room + 1` bytes, which is what its size says; Node-API writes at most `room` of them and a closing
        // zero, and stores in `copied` how many it wrote before the zero.
        let status = unsafe {
            sys::napi_get_value_string_utf8(
                env.raw(),
                string.raw(),
                bytes.as_mut_ptr().cast(),
                room + 1,
                &mut copied,
            )
        };
        if status == sys::Status::napi_string_expected {
            return Ok(false);
        }
        check_status!(status)?;
        // SAFETY: the first `copied` bytes, at most `room`, were just written.
        unsafe { bytes.set_len(copied) };
        // A character that is not written in part has four bytes at most.
        if copied + 4 <= room {
            break;
        }
        // The text fills the buffer and may go on.
        let mut length = 0;
        // SAFETY: as above; without a buffer, Node-API stores how many bytes there are and writes nothing else.
        check_status!(unsafe {
            sys::napi_get_value_string_utf8(env.raw(), string.raw(), ptr::null_mut(), 0, &mut length)
        })?;
        if length == copied {
            break;
        }
        if length > limit {
            return Ok(false);
        }
        // So many more that it does not fill the buffer.
        room = length + 4;
    }
    if bytes.len() > limit {
        return Ok(false);
    }
    *text = String::from_utf8(bytes).map_err(|error| Error::from_reason(error.to_string()))?;
    Ok(true)
}

/// A JavaScript string from UTF-8.
pub fn string<'env>(env: &'env Env, text: &[u8]) -> Result<Unknown<'env>> {
    let mut value = ptr::null_mut();
    // Latin-1 needs no decoding, and nearly every id is ASCII.
    let create = if text.is_ascii() { sys::napi_create_string_latin1 } else { sys::napi_create_string_utf8 };
    // SAFETY: `text` is that many readable bytes, which Node-API copies; `value` receives a handle that lives in the
    // scope of the running callback, as `env` does.
    check_status!(unsafe { create(env.raw(), text.as_ptr().cast(), text.len() as isize, &mut value) })?;
    // SAFETY: `value` is the handle that was just made in this environment.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), value) })
}

/// The elements of a typed array, in pairs.
pub fn pairs<'a>(array: &'a mut Uint32ArraySlice<'_>) -> &'a mut [[u32; 2]] {
    // SAFETY: JavaScript could write to the array at the same time only while it runs, and it does not run before the
    // callback that borrowed `array` returns: the array belongs to `lib/calls.js`, which shares it with no thread.
    unsafe { array.as_mut() }.as_chunks_mut::<2>().0
}

/// Has a JavaScript function called, without arguments, from any thread.
///
/// napi-rs has such a thing too, but not with an async resource, by which jest tells a handle that holds the process
/// from one that does not, and without a way to say so anew for each burst of calls.
pub struct Waker(Mutex<Option<Handle>>);

struct Handle(sys::napi_threadsafe_function);

// SAFETY: Node-API allows a threadsafe function to be called from any thread. The other calls made with it are made on
// the thread of its environment, which `hold_process` and `finalized` are handed.
unsafe impl Send for Handle {}

impl Waker {
    /// Does not hold the process open until told to. `resource` has a method `hasRef` that says whether it does.
    pub fn new(env: &Env, wake: Function<'_, (), ()>, resource: Object<'_>) -> Result<Arc<Waker>> {
        let name = string(env, b"enqueue-boundary")?;
        let waker = Arc::new(Waker(Mutex::new(None)));
        let finalize_data = Arc::into_raw(Arc::clone(&waker));
        let mut raw = ptr::null_mut();
        // SAFETY: all values are live handles of `env`, whose thread this is. Without a call_js_cb Node-API calls `wake`
        // itself. `finalize_data` is one counted reference, which `finalized` takes back, once.
        let created = check_status!(unsafe {
            sys::napi_create_threadsafe_function(
                env.raw(),
                wake.raw(),
                resource.raw(),
                name.raw(),
                0,
                1,
                finalize_data.cast_mut().cast(),
                Some(finalized),
                ptr::null_mut(),
                None,
                &mut raw,
            )
        });
        if let Err(error) = created {
            // SAFETY: nothing was created, so nothing else will take this reference back.
            drop(unsafe { Arc::from_raw(finalize_data) });
            return Err(error);
        }
        *waker.lock() = Some(Handle(raw));
        waker.hold_process(env, false)?;
        Ok(waker)
    }

    /// Has the function called soon. When the environment is going away nobody is left to hear, and nothing happens.
    pub fn wake(&self) {
        let mut handle = self.lock();
        let Some(Handle(raw)) = *handle else {
            return;
        };
        // SAFETY: `raw` is not freed before `finalized` has run, which takes it out of the lock that is held here.
        let status = unsafe {
            sys::napi_call_threadsafe_function(
                raw,
                ptr::null_mut(),
                sys::ThreadsafeFunctionCallMode::nonblocking,
            )
        };
        if status == sys::Status::napi_closing {
            *handle = None;
        }
    }

    /// Makes it keep the process alive, or lets the process end without it.
    pub fn hold_process(&self, env: &Env, hold: bool) -> Result<()> {
        let Some(Handle(raw)) = *self.lock() else {
            return Ok(());
        };
        let change =
            if hold { sys::napi_ref_threadsafe_function } else { sys::napi_unref_threadsafe_function };
        // SAFETY: as in `wake`; `env` is the environment that made it, and this is its thread.
        check_status!(unsafe { change(env.raw(), raw) })
    }

    /// Lets go of the function: it is called no more, and can be collected.
    pub fn release(&self) {
        let handle = self.lock().take();
        if let Some(Handle(raw)) = handle {
            // SAFETY: as in `wake`. Taken out of the lock first, the handle is used nowhere else, and `finalized` finds
            // it gone.
            unsafe {
                sys::napi_release_threadsafe_function(raw, sys::ThreadsafeFunctionReleaseMode::abort);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Handle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The environment is done with the function: from here on nobody may call it.
unsafe extern "C" fn finalized(_: sys::napi_env, waker: *mut c_void, _: *mut c_void) {
    // SAFETY: Node-API hands back, once, the reference that `Waker::new` gave it.
    let waker = unsafe { Arc::from_raw(waker.cast_const().cast::<Waker>()) };
    *waker.lock() = None;
}
