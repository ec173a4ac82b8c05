//! The split into training and validation, index for index that of scikit-learn.

use rand_mt::Mt;

use crate::error::{Error, Result};

/// How the training pictures are divided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SplitOptions {
    /// Part that is held out for validation, in [0, 1); 0 holds nothing out.
    pub val_fraction: f64,
    /// scikit-learn's `random_state`.
    pub seed: u32,
    /// Whether both parts keep the proportions of the classes, as `stratify=labels` does.
    pub stratify: bool,
}

/// Indices of the two parts, shuffled; every index is in one of them, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Training part.
    pub train: Vec<u32>,
    /// Validation part.
    pub val: Vec<u32>,
}

/// Divides `0..labels.len()` as scikit-learn's `train_test_split` does with
/// `test_size=val_fraction, random_state=seed`.
///
/// The validation part has `ceil(val_fraction * n)` pictures, the training part all others.
///
/// # Errors
/// [`Error::Fraction`], [`Error::TooFew`] if a part (with `stratify`: a class in a part) would be
/// empty, and with `stratify` [`Error::SinglePicture`].
pub fn split(labels: &[u8], options: &SplitOptions) -> Result<Split> {
    let val_fraction = options.val_fraction;
    if !(0.0..1.0).contains(&val_fraction) {
        return Err(Error::Fraction { val_fraction });
    }
    let n = labels.len();
    let n_val = ((val_fraction * n as f64).ceil() as usize).min(n);
    let n_train = n - n_val;
    let random = RandomState(Mt::new(options.seed));
    if val_fraction == 0.0 && n > 0 {
        return Ok(plain(n, 0, random));
    }
    let classes = if options.stratify { indices_by_class(labels) } else { Vec::new() };
    let n_classes = classes.len().max(1);
    if n_train < n_classes || n_val < n_classes {
        return Err(Error::TooFew { n, n_classes, n_train, n_val });
    }
    if let Some(single) = classes.iter().find(|indices| indices.len() == 1) {
        return Err(Error::SinglePicture { class: labels[single[0] as usize] });
    }
    Ok(match options.stratify {
        true => stratified(&classes, n_train, n_val, random),
        false => plain(n, n_val, random),
    })
}

/// scikit-learn's `ShuffleSplit`: the head of one permutation is the validation part.
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
    let train_counts = random.approximate_mode(&counts, n_train);
    let rest: Vec<usize> = counts.iter().zip(&train_counts).map(|(n, taken)| n - taken).collect();
    let val_counts = random.approximate_mode(&rest, n_val);
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
fn indices_by_class(labels: &[u8]) -> Vec<Vec<u32>> {
    let mut classes = vec![Vec::new(); 256];
    for (index, &label) in (0..).zip(labels) {
        classes[usize::from(label)].push(index);
    }
    classes.retain(|indices| !indices.is_empty());
    classes
}

/// NumPy's `RandomState`, as far as the split needs it.
struct RandomState(Mt);

impl RandomState {
    /// `permutation(n)`.
    fn permutation(&mut self, n: usize) -> Vec<u32> {
        let mut permutation: Vec<u32> = (0..n as u32).collect();
        self.shuffle(&mut permutation);
        permutation
    }

    /// `shuffle(items)`: Fisher and Yates from the top.
    fn shuffle(&mut self, items: &mut [u32]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.interval(last as u32) as usize);
        }
    }

    /// A number in `0..=max`: draws, keeps the bits that `max` needs, rejects what is above it.
    fn interval(&mut self, max: u32) -> u32 {
        let mask = u32::MAX >> max.leading_zeros();
        loop {
            let value = self.0.next_u32() & mask;
            if value <= max {
                return value;
            }
        }
    }

    /// scikit-learn's `_approximate_mode`: how many of each class are among `n_draws`. Whole parts
    /// first, then the largest remainders, ties drawn by lot.
    fn approximate_mode(&mut self, counts: &[usize], n_draws: usize) -> Vec<usize> {
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
            let drawn = self.permutation(tied.len());
            let add = missing.min(tied.len());
            drawn[..add].iter().for_each(|&place| mode[tied[place as usize]] += 1);
            missing -= add;
        }
        mode
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::load::sha256;

    fn hash(indices: &[u32]) -> String {
        let bytes: Vec<u8> = indices.iter().flat_map(|index| index.to_le_bytes()).collect();
        sha256(&[&bytes])
    }

    /// Labels without a pattern that a split could hide behind.
    fn labels(n: usize, k: usize) -> Vec<u8> {
        (0..n).map(|i| ((i * i * 7 + i / 3) % k) as u8).collect()
    }

    #[test]
    fn permutations_are_numpys() {
        let mut random = RandomState(Mt::new(42));
        assert_eq!(random.permutation(10), [8, 1, 5, 0, 7, 2, 9, 4, 3, 6]);
    }

    #[test]
    fn the_tutorials_split_is_scikit_learns() {
        let options = SplitOptions { val_fraction: 0.3, seed: 42, stratify: false };
        let Split { train, val } = split(&vec![0; 60_000], &options).unwrap();
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
    fn other_sizes_fractions_and_seeds_are_scikit_learns_too() {
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
            let options = SplitOptions { val_fraction, seed, stratify };
            let split = split(&labels(n, k), &options).unwrap();
            assert_eq!(hash(&split.train), train, "{n} {stratify}");
            assert_eq!(hash(&split.val), val, "{n} {stratify}");
        }
    }

    #[test]
    fn nothing_held_out_leaves_everything_to_training() {
        for stratify in [false, true] {
            let options = SplitOptions { val_fraction: 0.0, seed: 1, stratify };
            let Split { mut train, val } = split(&[0, 1, 0, 2], &options).unwrap();
            train.sort_unstable();
            assert_eq!((train, val), (vec![0, 1, 2, 3], vec![]));
            assert!(matches!(split(&[], &options), Err(Error::TooFew { .. })));
        }
    }

    #[test]
    fn what_cannot_be_divided_is_refused() {
        let options = |val_fraction, stratify| SplitOptions { val_fraction, seed: 1, stratify };
        for val_fraction in [1.0, -0.1, 1.5, f64::NAN, f64::INFINITY] {
            let error = split(&[0; 9], &options(val_fraction, false)).unwrap_err();
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
            let error = split(labels, &options(val_fraction, stratify)).unwrap_err();
            assert!(matches!(error, Error::TooFew { .. }), "{error:?}");
        }
        let error = split(&[0, 0, 0, 0, 1, 1, 1, 5], &options(0.5, true)).unwrap_err();
        assert!(matches!(error, Error::SinglePicture { class: 5 }), "{error:?}");
    }
}
