//! The split into training and validation images, with the same indices as scikit-learn's.

use run::DataSettings;

use crate::error::{Error, Result};
use crate::random_state::RandomState;

/// Indices of the training and the validation images, shuffled; every index is in one of the two, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Training images.
    pub train: Vec<u32>,
    /// Validation images.
    pub val: Vec<u32>,
}

/// Splits `0..labels.len()` as scikit-learn's `train_test_split` does with `test_size=val_fraction,
/// random_state=split_seed` and, if `stratify` is set, `stratify=labels`.
///
/// `ceil(val_fraction * n)` images are for validation, all others for training. `settings.limit` is not applied.
///
/// # Errors
/// [`Error::Fraction`]; [`Error::TooFew`] if either set (with `stratify`: a class in either set) would be empty; with
/// `stratify`, [`Error::SingleImage`].
pub fn split(labels: &[u16], settings: &DataSettings) -> Result<Split> {
    let &DataSettings { val_fraction, split_seed, stratify, .. } = settings;
    if !(0.0..1.0).contains(&val_fraction) {
        return Err(Error::Fraction { val_fraction });
    }
    let n = labels.len();
    let n_val = ((val_fraction * n as f64).ceil() as usize).min(n);
    let n_train = n - n_val;
    let random = RandomState::new(split_seed);
    if val_fraction == 0.0 && n > 0 {
        return Ok(plain(n, 0, random));
    }
    let classes = if stratify { indices_by_class(labels) } else { Vec::new() };
    let n_classes = classes.len().max(1);
    if n_train < n_classes || n_val < n_classes {
        return Err(Error::TooFew { n, n_classes, n_train, n_val });
    }
    if let Some(single) = classes.iter().find(|indices| indices.len() == 1) {
        return Err(Error::SingleImage { class: labels[single[0] as usize] });
    }
    Ok(match stratify {
        true => stratified(&classes, n_train, n_val, random),
        false => plain(n, n_val, random),
    })
}

/// `limit` of the indices `0..n`, drawn at random by `seed`, ascending; all of them where there are no more, or where
/// `limit` is 0.
///
/// The first images of a file are no sample: those of a folder are all of its first class.
pub(crate) fn subset(n: usize, limit: usize, seed: u32) -> Vec<u32> {
    if limit == 0 || limit >= n {
        return (0..n as u32).collect();
    }
    let mut drawn = RandomState::new(seed).permutation(n);
    drawn.truncate(limit);
    drawn.sort_unstable();
    drawn
}

/// scikit-learn's `ShuffleSplit`: one permutation, of which the first `n_val` indices are for validation.
fn plain(n: usize, n_val: usize, mut random: RandomState) -> Split {
    let mut val = random.permutation(n);
    let train = val.split_off(n_val);
    Split { train, val }
}

/// scikit-learn's `StratifiedShuffleSplit`.
fn stratified(
    classes: &[Vec<u32>],
    n_train: usize,
    n_val: usize,
    mut random: RandomState,
) -> Split {
    let counts: Vec<usize> = classes.iter().map(Vec::len).collect();
    let train_counts = approximate_mode(&counts, n_train, &mut random);
    let rest: Vec<usize> = counts.iter().zip(&train_counts).map(|(n, taken)| n - taken).collect();
    let val_counts = approximate_mode(&rest, n_val, &mut random);
    let mut split = Split { train: Vec::with_capacity(n_train), val: Vec::with_capacity(n_val) };
    for (class, indices) in classes.iter().enumerate() {
        let permutation = random.permutation(indices.len());
        let mut shuffled = permutation.iter().map(|&place| indices[place as usize]);
        split.train.extend(shuffled.by_ref().take(train_counts[class]));
        split.val.extend(shuffled.take(val_counts[class]));
    }
    random.shuffle(&mut split.train);
    random.shuffle(&mut split.val);
    split
}

/// The indices of each class that occurs, ascending, classes ascending too.
fn indices_by_class(labels: &[u16]) -> Vec<Vec<u32>> {
    let n_classes = labels.iter().max().map_or(0, |&label| usize::from(label) + 1);
    let mut classes = vec![Vec::new(); n_classes];
    for (index, &label) in (0..).zip(labels) {
        classes[usize::from(label)].push(index);
    }
    classes.retain(|indices| !indices.is_empty());
    classes
}

/// scikit-learn's `_approximate_mode`: how many images of each class are among `n_draws`. Integer parts first, then the
/// largest remainders; ties are drawn at random.
fn approximate_mode(counts: &[usize], n_draws: usize, random: &mut RandomState) -> Vec<usize> {
    let total: usize = counts.iter().sum();
    let exact: Vec<f64> =
        counts.iter().map(|&n| n as f64 / total as f64 * n_draws as f64).collect();
    let mut mode: Vec<usize> = exact.iter().map(|n| n.floor() as usize).collect();
    let remainders: Vec<f64> = exact.iter().map(|n| n - n.floor()).collect();
    let mut missing = n_draws.saturating_sub(mode.iter().sum());
    let mut values = remainders.clone();
    values.sort_by(|a, b| b.total_cmp(a));
    values.dedup();
    for value in values {
        if missing == 0 {
            break;
        }
        let tied: Vec<usize> =
            (0..counts.len()).filter(|&class| remainders[class] == value).collect();
        let drawn = random.permutation(tied.len());
        let add = missing.min(tied.len());
        drawn[..add].iter().for_each(|&place| mode[tied[place as usize]] += 1);
        missing -= add;
    }
    mode
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::hash::sha256;

    fn hash(indices: &[u32]) -> String {
        let bytes: Vec<u8> = indices.iter().flat_map(|index| index.to_le_bytes()).collect();
        sha256(&[&bytes])
    }

    fn settings(val_fraction: f64, split_seed: u32, stratify: bool) -> DataSettings {
        DataSettings { val_fraction, split_seed, stratify, ..run::Config::default().data }
    }

    /// Labels without a regular pattern.
    fn labels(n: usize, k: usize) -> Vec<u16> {
        (0..n).map(|i| ((i * i * 7 + i / 3) % k) as u16).collect()
    }

    #[test]
    fn the_default_split_is_that_of_scikit_learn() {
        let Split { train, val } = split(&vec![0; 60_000], &settings(0.3, 42, false)).unwrap();
        assert_eq!((train.len(), val.len()), (42_000, 18_000));
        assert_eq!(train[..8], [918, 17141, 15558, 27327, 11606, 27687, 55547, 4619]);
        assert_eq!(train[41_996..], [38158, 860, 15795, 56422]);
        assert_eq!(val[..8], [12628, 37730, 39991, 8525, 8279, 51012, 14871, 15127]);
        assert_eq!(val[17_996..], [1807, 2861, 19732, 8897]);
        let train_hash = "f736fb4d5d91d3daa636964318b211665e7b177ad2e7861b368b4cfd206e8142";
        let val_hash = "1cf03ee14307e38f188b8e9b3173e80f4e29458551dc65a1dde7cd66759f7d9b";
        assert_eq!((hash(&train).as_str(), hash(&val).as_str()), (train_hash, val_hash));
    }

    /// SHA-256 of scikit-learn 1.x's indices as little-endian u32, from
    /// `train_test_split(arange(n), test_size=f, random_state=seed, stratify=None | labels(n, k))`.
    #[test]
    fn other_sizes_fractions_and_seeds_match_scikit_learn_too() {
        #[rustfmt::skip]
        let cases = [
            (1003, 7, 0.25, 7, false,
             "663f10392247f53137c4edf57d6bb38b6c28df18c5fe2adf14defa3ed1e650a8",
             "e78eeb0e4b1461d1441eed6b8b9d780b00e989a717a3a5ac586a3d1a979a1047"),
            (101, 3, 0.1, 0, false,
             "bcf1f4a4626cf0f368dc02793aed56d9d2e5d9269daba56b1992e729fe284615",
             "e518d0aecc2f73ca00b1d896fc659385e00e595610de1aadff4b56c88ecde0d7"),
            (997, 10, 1.0 / 3.0, u32::MAX, false,
             "2b4b665362ab9c32ca088a44319fc173e446242ba942ccc4d7cf04572d4dc758",
             "12d572630dee8b61ccf3dd691d2a6387f259c9c410f6919211b6e39a00a49219"),
            (60_000, 10, 0.3, 42, true,
             "4fda89f802b99259b55be473b7a735f84cb8418801dc82e44914bd4bf2fa0de5",
             "7e3f76bbe655661c250ea46dde775ef0147fcbbbaa11a10df0854c02c85fa5b2"),
            (1003, 7, 0.25, 7, true,
             "b8bc649c42942cb29c8ad655ac95e8e558715676a5ea6e2040b6615c27457b2c",
             "8e7253220a35468d3e1c8fb7a721017f8f2240183c98f96029da94f8c934a5f3"),
            (101, 3, 0.1, 0, true,
             "d2a1904c754ed837a12598c9e79baa6740c3b10d788b1b2252bfbffbdb4477fd",
             "ab99813c3f172dc0740b95bb79812e9b3b31e426815b714674218bd01a5d1e71"),
            (997, 10, 1.0 / 3.0, u32::MAX, true,
             "887cb195e2f5e8d998fca6361299fb326b5349b82ec14dbc2207b92ef8c08282",
             "2bc7ef1500f561f39315c9865cc0d978cd58ef5910e30e6e0371f28294a2ca08"),
        ];
        for (n, k, val_fraction, seed, stratify, train, val) in cases {
            let split = split(&labels(n, k), &settings(val_fraction, seed, stratify)).unwrap();
            assert_eq!(hash(&split.train), train, "{n} {stratify}");
            assert_eq!(hash(&split.val), val, "{n} {stratify}");
        }
    }

    #[test]
    fn a_subset_is_drawn_from_everywhere_by_the_seed() {
        let drawn = subset(4000, 300, 42);
        assert_eq!(drawn.len(), 300);
        assert!(drawn.is_sorted_by(|a, b| a < b), "each once: {drawn:?}");
        // Ten classes of 400, one after the other: 30 of each are expected, with a standard deviation of 5.
        for class in 0..10 {
            let n = drawn.iter().filter(|&&index| index / 400 == class).count();
            assert!((10..=50).contains(&n), "{n} of class {class}");
        }
        assert_eq!(subset(4000, 300, 42), drawn);
        assert_ne!(subset(4000, 300, 43), drawn);
        for limit in [0, 5, 6] {
            assert_eq!(subset(5, limit, 1), [0, 1, 2, 3, 4]);
        }
    }

    #[test]
    fn a_fraction_of_zero_keeps_every_image_for_training() {
        for stratify in [false, true] {
            let Split { mut train, val } =
                split(&[0, 1, 0, 2], &settings(0.0, 1, stratify)).unwrap();
            train.sort_unstable();
            assert_eq!((train, val), (vec![0, 1, 2, 3], vec![]));
            assert!(matches!(split(&[], &settings(0.0, 1, stratify)), Err(Error::TooFew { .. })));
        }
    }

    #[test]
    fn impossible_splits_are_errors() {
        for val_fraction in [1.0, -0.1, 1.5, f64::NAN, f64::INFINITY] {
            let error = split(&[0; 9], &settings(val_fraction, 1, false)).unwrap_err();
            assert!(matches!(error, Error::Fraction { .. }), "{error:?}");
        }
        for (labels, val_fraction, stratify) in [
            (&[][..], 0.5, false),
            (&[0], 0.5, false),
            (&[0, 0, 0], 0.999, false),
            (&[0, 0, 1, 1, 2, 2], 0.2, true),
            (&[0, 0, 1, 1, 2, 2], 0.8, true),
            (&[], 0.5, true),
        ] {
            let error = split(labels, &settings(val_fraction, 1, stratify)).unwrap_err();
            assert!(matches!(error, Error::TooFew { .. }), "{error:?}");
        }
        let error = split(&[0, 0, 0, 0, 1, 1, 1, 5], &settings(0.5, 1, true)).unwrap_err();
        assert!(matches!(error, Error::SingleImage { class: 5 }), "{error:?}");
    }
}
