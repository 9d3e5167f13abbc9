//! The layer itself, in the form in which `SQLite` asks for files: a VFS over the platform's own.
//!
//! A file is a [`Layered`] with the platform's file behind it. What a machine's disk has to say is asked of [`Shared`]; everything else is
//! handed on as it is. No other file of the program is unsafe.

#![expect(unsafe_code, reason = "SQLite's files are a C interface")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::{offset_of, size_of};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};

use super::log::Below;
use super::owner;
use super::state::{Opening, Shared};

const NAME: &CStr = c"evertill-simulation";

/// The platform's VFS but for what the layer does itself. Its functions find in it all that they look for, above all their own `pAppData`.
#[repr(C)]
struct Layer {
    vfs: sqlite3_vfs,
    platform: NonNull<sqlite3_vfs>,
}

/// An open file.
#[repr(C)]
struct Layered {
    file: sqlite3_file,
    /// A `Box`; null when no machine has the file.
    tracked: *mut Tracked,
}

struct Tracked {
    machine: Arc<Shared>,
    place: usize,
}

/// Where the platform's file is, behind the layered one; `SQLite` aligns files to 8 bytes.
const PLATFORM_FILE: usize = size_of::<Layered>().next_multiple_of(8);

/// Puts the layer over the platform's VFS, as the one that is used unless another is asked for by name.
pub(super) fn register() -> Result<(), c_int> {
    // SAFETY: it returns a VFS that is never freed, or null.
    let platform = NonNull::new(unsafe { ffi::sqlite3_vfs_find(ptr::null()) }).ok_or(ffi::SQLITE_ERROR)?;
    // SAFETY: as above; it is plain data.
    let mut vfs = unsafe { platform.read() };
    vfs.szOsFile += c_int::try_from(PLATFORM_FILE).map_err(|_| ffi::SQLITE_ERROR)?;
    vfs.pNext = ptr::null_mut();
    vfs.zName = NAME.as_ptr();
    vfs.xOpen = Some(open);
    vfs.xDelete = Some(delete);
    let layer: &'static mut Layer = Box::leak(Box::new(Layer { vfs, platform }));
    // SAFETY: it is a whole VFS and lives for ever.
    match unsafe { ffi::sqlite3_vfs_register(ptr::from_mut(layer).cast(), 1) } {
        ffi::SQLITE_OK => Ok(()),
        code => Err(code),
    }
}

/// The platform's own.
///
/// # Safety
/// `vfs` is the [`Layer`] that was registered.
unsafe fn platform(vfs: *mut sqlite3_vfs) -> *mut sqlite3_vfs {
    // SAFETY: by the caller's word.
    unsafe { (*vfs.cast::<Layer>()).platform.as_ptr() }
}

/// A file's name as a path; one that is no UTF-8 is no machine's.
///
/// # Safety
/// `name` is null or a string that outlives the call.
unsafe fn path<'a>(name: *const c_char) -> Option<&'a Path> {
    // SAFETY: by the caller's word.
    let name = (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) })?;
    name.to_str().ok().map(Path::new)
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives `szOsFile` bytes at `file`, a name or null, and the VFS that was registered. A file whose `pMethods` are null
    // after a failure is not closed.
    unsafe {
        let layered = file.cast::<Layered>();
        layered.write(Layered { file: sqlite3_file { pMethods: ptr::null() }, tracked: ptr::null_mut() });
        let below = file.byte_add(PLATFORM_FILE);
        (*below).pMethods = ptr::null();
        let path = path(name);
        let machine = path.and_then(owner);
        if let (Some(machine), Some(path)) = (&machine, path)
            && let Err(code) = machine.open(path, Opening::of(flags))
        {
            return code;
        }
        let platform = platform(vfs);
        let Some(open) = (*platform).xOpen else { return ffi::SQLITE_CANTOPEN };
        let code = open(platform, name, below, flags, out_flags);
        let Some(methods) = (*below).pMethods.as_ref() else { return code };
        if code != ffi::SQLITE_OK {
            methods.xClose.map(|close| close(below));
            return code;
        }
        if let (Some(machine), Some(path)) = (machine, path)
            && let Some(place) = machine.opened(path)
        {
            (*layered).tracked = Box::into_raw(Box::new(Tracked { machine, place }));
        }
        let has_log = methods.iVersion >= 3 && methods.xShmMap.is_some() && methods.xFetch.is_some();
        (*layered).file.pMethods = if has_log { &raw const WITH_LOG } else { &raw const PLAIN };
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: SQLite gives a name, and the VFS that was registered.
    unsafe {
        if let Some(path) = path(name)
            && let Some(machine) = owner(path)
            && let Err(code) = machine.delete(path)
        {
            return code;
        }
        let platform = platform(vfs);
        (*platform).xDelete.map_or(ffi::SQLITE_IOERR_DELETE, |delete| delete(platform, name, sync_folder))
    }
}

/// A file that SQLite has open, and the platform's behind it.
struct Open<'a> {
    tracked: Option<&'a Tracked>,
    below: *mut sqlite3_file,
    methods: &'a sqlite3_io_methods,
}

impl Open<'_> {
    /// # Safety
    /// `file` is one that [`open`] opened and nobody has closed.
    unsafe fn of(file: *mut sqlite3_file) -> Self {
        // SAFETY: by the caller's word; `open` has filled both.
        unsafe {
            let below = file.byte_add(PLATFORM_FILE);
            Self { tracked: (*file.cast::<Layered>()).tracked.as_ref(), below, methods: &*(*below).pMethods }
        }
    }

    fn is_dead(&self) -> bool {
        self.tracked.is_some_and(|tracked| tracked.machine.is_dead())
    }
}

/// Asks the platform for a method of the file behind, with the same arguments; `$missing` when it has none.
macro_rules! below {
    ($file:expr, $method:ident($($argument:expr),*), $missing:expr) => {{
        let open = $file;
        match open.methods.$method {
            // SAFETY: it is the platform's own file, and the arguments are SQLite's, or such as SQLite might give.
            Some(method) => unsafe { method(open.below, $($argument),*) },
            None => $missing,
        }
    }};
}

fn result(code: c_int) -> Result<(), c_int> {
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(code) }
}

fn code(result: Result<(), c_int>) -> c_int {
    result.err().unwrap_or(ffi::SQLITE_OK)
}

fn offset(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}

fn amount(length: usize) -> c_int {
    c_int::try_from(length).unwrap_or(c_int::MAX)
}

impl Below for Open<'_> {
    fn size(&mut self) -> Result<u64, i32> {
        let mut size = 0;
        result(below!(&*self, xFileSize(&raw mut size), ffi::SQLITE_IOERR_FSTAT))?;
        Ok(u64::try_from(size).unwrap_or(0))
    }

    fn read(&mut self, buffer: &mut [u8], from: u64) -> Result<(), i32> {
        result(below!(&*self, xRead(buffer.as_mut_ptr().cast(), amount(buffer.len()), offset(from)), ffi::SQLITE_IOERR_READ))
    }

    fn write(&mut self, data: &[u8], to: u64) -> Result<(), i32> {
        result(below!(&*self, xWrite(data.as_ptr().cast(), amount(data.len()), offset(to)), ffi::SQLITE_IOERR_WRITE))
    }

    fn truncate(&mut self, size: u64) -> Result<(), i32> {
        result(below!(&*self, xTruncate(offset(size)), ffi::SQLITE_IOERR_TRUNCATE))
    }
}

// SAFETY of the methods below: SQLite calls them with a file that `open` opened and nobody has closed, and with buffers as large as it says.

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: see above.
    let code = below!(unsafe { Open::of(file) }, xClose(), ffi::SQLITE_OK);
    // SAFETY: see above; this is the file's last call, and `tracked` came from a `Box`.
    unsafe {
        let tracked = (*file.cast::<Layered>()).tracked;
        if !tracked.is_null() {
            let Tracked { machine, place } = *Box::from_raw(tracked);
            machine.closed(place);
        }
    }
    code
}

unsafe extern "C" fn read(file: *mut sqlite3_file, buffer: *mut c_void, amount: c_int, offset: i64) -> c_int {
    // SAFETY: see above.
    let open = unsafe { Open::of(file) };
    if open.is_dead() {
        return ffi::SQLITE_IOERR_READ;
    }
    below!(open, xRead(buffer, amount, offset), ffi::SQLITE_IOERR_READ)
}

unsafe extern "C" fn write(file: *mut sqlite3_file, data: *const c_void, amount: c_int, offset: i64) -> c_int {
    // SAFETY: see above.
    let mut open = unsafe { Open::of(file) };
    let Some(tracked) = open.tracked else { return below!(open, xWrite(data, amount, offset), ffi::SQLITE_IOERR_WRITE) };
    let (Ok(length), Ok(offset)) = (usize::try_from(amount), u64::try_from(offset)) else { return ffi::SQLITE_IOERR_WRITE };
    // SAFETY: see above.
    let data = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length) };
    code(tracked.machine.write(tracked.place, &mut open, data, offset))
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    // SAFETY: see above.
    let mut open = unsafe { Open::of(file) };
    let Some(tracked) = open.tracked else { return below!(open, xTruncate(size), ffi::SQLITE_IOERR_TRUNCATE) };
    let Ok(size) = u64::try_from(size) else { return ffi::SQLITE_IOERR_TRUNCATE };
    code(tracked.machine.truncate(tracked.place, &mut open, size))
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: see above.
    let open = unsafe { Open::of(file) };
    let Some(tracked) = open.tracked else { return below!(open, xSync(flags), ffi::SQLITE_IOERR_FSYNC) };
    code(tracked.machine.sync(tracked.place))
}

unsafe extern "C" fn fetch(file: *mut sqlite3_file, offset: i64, amount: c_int, page: *mut *mut c_void) -> c_int {
    // SAFETY: see above.
    let open = unsafe { Open::of(file) };
    if open.is_dead() {
        // SAFETY: see above. Without a page in memory SQLite reads it.
        unsafe { *page = ptr::null_mut() };
        return ffi::SQLITE_OK;
    }
    below!(open, xFetch(offset, amount, page), ffi::SQLITE_IOERR_MMAP)
}

/// Methods that are handed on as they are.
macro_rules! handed_on {
    ($($name:ident = $method:ident($($argument:ident: $kind:ty),*) or $missing:expr;)*) => {$(
        unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $argument: $kind)*) -> c_int {
            // SAFETY: see above.
            below!(unsafe { Open::of(file) }, $method($($argument),*), $missing)
        }
    )*};
}

handed_on! {
    file_size = xFileSize(size: *mut i64) or ffi::SQLITE_IOERR_FSTAT;
    acquire = xLock(level: c_int) or ffi::SQLITE_IOERR_LOCK;
    release = xUnlock(level: c_int) or ffi::SQLITE_IOERR_UNLOCK;
    is_reserved = xCheckReservedLock(found: *mut c_int) or ffi::SQLITE_IOERR_CHECKRESERVEDLOCK;
    control = xFileControl(operation: c_int, argument: *mut c_void) or ffi::SQLITE_NOTFOUND;
    sector_size = xSectorSize() or 0;
    characteristics = xDeviceCharacteristics() or 0;
    shared_map = xShmMap(page: c_int, size: c_int, extend: c_int, memory: *mut *mut c_void) or ffi::SQLITE_IOERR_SHMMAP;
    shared_lock = xShmLock(offset: c_int, count: c_int, flags: c_int) or ffi::SQLITE_IOERR_SHMLOCK;
    shared_unmap = xShmUnmap(delete: c_int) or ffi::SQLITE_OK;
    unfetch = xUnfetch(offset: i64, page: *mut c_void) or ffi::SQLITE_OK;
}

unsafe extern "C" fn shared_barrier(file: *mut sqlite3_file) {
    // SAFETY: see above.
    below!(unsafe { Open::of(file) }, xShmBarrier(), ());
}

/// For files that have no log, such as those opened as immutable.
static PLAIN: sqlite3_io_methods = sqlite3_io_methods { iVersion: 1, ..WITH_LOG };

static WITH_LOG: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 3,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(acquire),
    xUnlock: Some(release),
    xCheckReservedLock: Some(is_reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shared_map),
    xShmLock: Some(shared_lock),
    xShmBarrier: Some(shared_barrier),
    xShmUnmap: Some(shared_unmap),
    xFetch: Some(fetch),
    xUnfetch: Some(unfetch),
};

/// `SQLite` takes a file's memory for its beginning.
const _: () = assert!(offset_of!(Layered, file) == 0 && offset_of!(Layer, vfs) == 0);
