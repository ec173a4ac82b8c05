//! NumPy's legacy random numbers, which scikit-learn's split is defined by.

use rand_mt::Mt;

/// NumPy's `RandomState`: the two methods that the split needs.
pub(crate) struct RandomState(Mt);

impl RandomState {
    /// `RandomState(seed)`.
    pub(crate) fn new(seed: u32) -> Self {
        Self(Mt::new(seed))
    }

    /// `permutation(n)`.
    pub(crate) fn permutation(&mut self, n: usize) -> Vec<u32> {
        let mut permutation: Vec<u32> = (0..n as u32).collect();
        self.shuffle(&mut permutation);
        permutation
    }

    /// `shuffle(items)`: Fisher and Yates, from the last item down.
    pub(crate) fn shuffle(&mut self, items: &mut [u32]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.interval(last as u32) as usize);
        }
    }

    /// A number in `0..=max`: keeps as many bits as `max` has, and rejects numbers above it.
    fn interval(&mut self, max: u32) -> u32 {
        let mask = u32::MAX >> max.leading_zeros();
        loop {
            let value = self.0.next_u32() & mask;
            if value <= max {
                return value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutations_are_those_of_numpy() {
        let mut random = RandomState::new(42);
        assert_eq!(random.permutation(10), [8, 1, 5, 0, 7, 2, 9, 4, 3, 6]);
    }
}
