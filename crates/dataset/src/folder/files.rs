//! The image files of a class: by extension, and by content where the extension says nothing.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::layout::entries;

// A file with one of these extensions must be an image; any other is one if its content says so, and is skipped with a
// notice if not, since folders collect notes and thumbnails.
pub(crate) use images::EXTENSIONS;

/// Folders in folders of a class that are looked into.
const DEPTH: usize = 8;
/// How image formats begin: PNG, JPEG, BMP, GIF, TIFF of both byte orders. TIFF, HEIC and AVIF, which are not decoded, are
/// errors rather than skipped: whoever put them there meant them as images.
const SIGNATURES: [&[u8]; 6] =
    [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"GIF8", b"II*\0", b"MM\0*"];

/// What a class's folder contains.
#[derive(Default)]
pub(super) struct ClassFiles {
    /// Image files, in the order of the folders' and files' names.
    pub(super) images: Vec<PathBuf>,
    /// Other files, and folders too far down.
    pub(super) others: Vec<PathBuf>,
}

/// The files in a class's folder and in the folders in it.
///
/// # Errors
/// [`Error::Read`](crate::Error::Read).
pub(super) fn of_class(folder: &Path) -> Result<ClassFiles> {
    let mut files = ClassFiles::default();
    collect(folder, DEPTH, &mut files)?;
    Ok(files)
}

fn collect(folder: &Path, depth: usize, files: &mut ClassFiles) -> Result<()> {
    for entry in entries(folder)? {
        let path = entry.path();
        // A link may lead back up, and its images would count again and again.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && depth > 0 {
            collect(&path, depth - 1, files)?;
        } else if is_image(&path) {
            files.images.push(path);
        } else {
            files.others.push(path);
        }
    }
    Ok(())
}

/// Whether there is an image file in a folder or in the folders in it.
pub(super) fn has_image(folder: &Path) -> bool {
    holds_image(folder, DEPTH)
}

fn holds_image(folder: &Path, depth: usize) -> bool {
    let is_folder = |path: &Path| path.is_dir() && !path.is_symlink();
    let paths: Vec<_> = entries(folder).unwrap_or_default().iter().map(|e| e.path()).collect();
    // Files first: usually the first one decides.
    paths.iter().any(|path| !path.is_dir() && is_image(path))
        || depth > 0 && paths.iter().any(|path| is_folder(path) && holds_image(path, depth - 1))
}

/// Whether a path is a regular file that is an image, or claims to be one. A pipe or a device is never opened.
pub(super) fn is_image(path: &Path) -> bool {
    path.is_file() && (images::has_extension(path) || starts_as_image(path))
}

fn starts_as_image(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(16).read_to_end(&mut start));
    let is_webp = start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP");
    // PBM, PGM and PPM, as text and binary: `P1` to `P6`, then white space.
    let is_pnm = matches!(start[..], [b'P', b'1'..=b'6', b' ' | b'\t' | b'\n' | b'\r', ..]);
    // HEIC and AVIF, by their brands.
    let is_telephones = start.get(4..8) == Some(b"ftyp")
        && matches!(start.get(8..12), Some(b"heic" | b"heix" | b"hevc" | b"mif1" | b"avif"));
    let is_bmp = |signature: &[u8]| signature == b"BM";
    // Text may begin with BM; a BMP has four zero bytes behind its length.
    let plausible = |signature: &&&[u8]| !is_bmp(signature) || start.get(6..10) == Some(&[0; 4]);
    let known = SIGNATURES.iter().filter(plausible).any(|signature| start.starts_with(signature));
    read.is_ok() && (known || is_pnm || is_webp || is_telephones)
}
