//! What is kept, and what is not believed.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use super::*;

/// A folder with two files, large enough to be kept.
fn files() -> (tempfile::TempDir, [PathBuf; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a.pgm", "b.pgm"].map(PathBuf::from);
    for path in &paths {
        std::fs::write(folder.path().join(path), vec![0; LEAST as usize]).unwrap();
    }
    (folder, paths)
}

fn read(entry: &Entry) -> Option<(Vec<u8>, Vec<u8>)> {
    entry.read(|head| Some(10 * head.len()))
}

#[test]
fn what_was_written_is_read_for_the_same_files_alone() {
    let (folder, paths) = files();
    let (cache, root) = (tempfile::tempdir().unwrap(), folder.path());
    let at = |paths: &[PathBuf], how| Entry::of(cache.path(), &[&Stamp::of(root, paths)], how);
    let of = |paths: &[PathBuf], how| at(paths, how).unwrap();
    let entry = of(&paths, "28x28");
    assert_eq!(read(&entry), None);
    entry.write(&[1, 2], &[7; 20]).unwrap();
    let found = Some((vec![1, 2], vec![7; 20]));
    assert_eq!(read(&of(&paths, "28x28")), found);
    assert_eq!(entry.read(|_| Some(19)), None, "a body of another length is asked for");
    assert_eq!(read(&of(&paths, "32x32")), None);
    assert_eq!(read(&of(&paths[..1], "28x28")), None);
    assert_eq!(read(&of(&[paths[1].clone(), paths[0].clone()], "28x28")), None);
    // Other content of the same size and with the same time of modification, as archives set it.
    let file = File::options().write(true).open(root.join("a.pgm")).unwrap();
    let modified = file.metadata().unwrap().modified().unwrap();
    std::thread::sleep(Duration::from_millis(20));
    std::fs::write(root.join("a.pgm"), vec![1; LEAST as usize]).unwrap();
    file.set_modified(modified).unwrap();
    assert_eq!(read(&of(&paths, "28x28")), None);
    std::fs::remove_file(root.join("b.pgm")).unwrap();
    assert!(at(&paths, "28x28").is_none());
    std::fs::write(root.join("b.pgm"), [0; 9]).unwrap();
    assert!(at(&paths[1..], "28x28").is_none(), "too small to be kept");
}

#[test]
fn damaged_and_foreign_files_are_ignored() {
    let (folder, paths) = files();
    let cache = tempfile::tempdir().unwrap();
    let stamp = Stamp::of(folder.path(), &paths);
    let entry = Entry::of(cache.path(), &[&stamp], "").unwrap();
    entry.write(&[1, 2], &[7; 20]).unwrap();
    let path = entry.path();
    let sound = std::fs::read(&path).unwrap();
    for at in 0..sound.len() {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x40;
        std::fs::write(&path, damaged).unwrap();
        assert_eq!(read(&entry), None, "byte {at}");
    }
    for foreign in [&sound[..sound.len() - 1], &[&sound[..], &[0]].concat(), b"", &[255; 200]] {
        std::fs::write(&path, foreign).unwrap();
        assert_eq!(read(&entry), None);
    }
    std::fs::write(&path, &sound).unwrap();
    assert!(read(&entry).is_some());
}

#[test]
fn what_was_used_last_is_kept() {
    let (folder, paths) = files();
    let cache = tempfile::tempdir().unwrap();
    let stamp = Stamp::of(folder.path(), &paths);
    let of = |how: usize| Entry::of(cache.path(), &[&stamp], &how.to_string()).unwrap();
    for how in 0..KEPT {
        of(how).write(&[1], &[0; 10]).unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(read(&of(0)).is_some());
    std::thread::sleep(Duration::from_millis(10));
    for how in KEPT..KEPT + 2 {
        of(how).write(&[1], &[0; 10]).unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    let kept: Vec<usize> = (0..KEPT + 2).filter(|&how| read(&of(how)).is_some()).collect();
    let expected: Vec<usize> = [0].into_iter().chain(3..KEPT + 2).collect();
    assert_eq!(kept, expected);
    assert_eq!(std::fs::read_dir(cache.path().join(FOLDER)).unwrap().count(), KEPT);
}
