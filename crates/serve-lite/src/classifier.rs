//! A loaded model and what it says about pictures.

use std::collections::BTreeMap;
use std::path::Path;

use images::SIDE;
use rayon::prelude::*;
use tract_onnx::prelude::Framework;

use crate::contract::{self, Mismatch};
use crate::error::{Error, Result};
use crate::input::read_file;
use crate::plan::{Kernels, Plan};

/// Bytes of one picture: 28 rows of 28 grey levels.
pub const PIXELS: usize = SIDE * SIDE;
/// The largest model file that is read, in bytes: fifty times kiln's own network (4.8 MB), and
/// little enough to refuse a disk image given by mistake.
pub const MAX_MODEL_BYTES: u64 = 256 << 20;

/// A model that is ready to classify; share it between threads by reference.
#[derive(Debug)]
pub struct Classifier {
    /// Names of the classes, in the order of the outputs.
    pub classes: Vec<String>,
    /// The file's metadata, such as `kiln.dataset`, as it stands there.
    pub properties: BTreeMap<String, String>,
    /// The operators that kiln's kernels run, in words and in order: `dense 128 -> 10`.
    pub by_kernels: Vec<String>,
    /// The operators that tract runs, by tract's names and in order.
    pub by_tract: Vec<String>,
    /// The most pictures that go through the model at once; 1 where tract's operators would let
    /// them depend on one another.
    pub pictures_at_once: usize,
    plan: Plan,
}

/// What a model says about `n` pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// `n * classes` logits, row by row.
    pub logits: Vec<f32>,
    /// `n * classes` probabilities, row by row; each row sums to 1.
    pub probabilities: Vec<f32>,
    /// Number of classes, the length of a row; at least 1.
    pub classes: usize,
}

impl Classifier {
    /// Loads a model and runs it once; kiln's kernels run the operators that they can.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::TooLarge`] beyond [`MAX_MODEL_BYTES`], or what [`from_bytes`]
    /// returns.
    ///
    /// [`from_bytes`]: Self::from_bytes
    pub fn load(path: &Path) -> Result<Self> {
        Self::from_bytes(&read_file(MAX_MODEL_BYTES, path)?, path)
    }

    /// [`load`](Self::load) without kiln's kernels: all operators are tract's, to compare.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_with_tract_ops(path: &Path) -> Result<Self> {
        Self::new(&read_file(MAX_MODEL_BYTES, path)?, path, Kernels::LeftOut)
    }

    /// The model in `bytes`, run once; `path` only names it in errors.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::NotOnnx`] if the bytes are empty, cut off or something else,
    /// [`Error::Contract`] if the model is not a kiln classifier, [`Error::Unsupported`] if tract
    /// refuses it, [`Error::NotFinite`] if its weights or outputs are damaged.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self> {
        Self::new(bytes, path, Kernels::Used)
    }

    fn new(bytes: &[u8], path: &Path, kernels: Kernels) -> Result<Self> {
        let path = || path.to_owned();
        if bytes.len() as u64 > MAX_MODEL_BYTES {
            return Err(Error::TooLarge { path: path(), limit: MAX_MODEL_BYTES });
        }
        if bytes.is_empty() {
            return Err(Error::NotOnnx { path: path(), reason: "it is empty".into() });
        }
        let mut model = tract_onnx::onnx()
            .proto_model_for_read(&mut &*bytes)
            .map_err(|error| Error::NotOnnx { path: path(), reason: format!("{error:#}") })?;
        let contract = contract::check(&mut model).map_err(|Mismatch { expected, found }| {
            Error::Contract { path: path(), expected, found }
        })?;
        if let Some(name) = contract::weight_not_finite(&model) {
            return Err(Error::NotFinite { path: path(), what: format!("weights in {name} are") });
        }
        let plan = Plan::new(&model, contract.classes.len(), kernels)
            .map_err(|reason| Error::Unsupported { path: path(), reason })?;
        let classifier = Self {
            classes: contract.classes,
            properties: contract.properties,
            by_kernels: plan.operators.by_kernels.clone(),
            by_tract: plan.operators.by_tract.clone(),
            pictures_at_once: plan.pictures_at_once,
            plan,
        };
        classifier.warm_up(&path())?;
        Ok(classifier)
    }

    /// Classifies any number of pictures, on all of rayon's threads.
    ///
    /// A picture's outputs are the same to the last bit in whatever company it comes, and whatever
    /// the number of threads: pictures go through the model together only where each of its
    /// operators is known to treat them one by one.
    ///
    /// # Shapes
    /// - `pixels`: `n * 784` grey levels, picture by picture, row by row; the background is 0
    /// - output: `[n, classes]` each
    ///
    /// # Errors
    /// [`Error::Pixels`] if the length is not a multiple of [`PIXELS`], [`Error::Inference`] if
    /// tract fails.
    pub fn classify(&self, pixels: &[u8]) -> Result<Outputs> {
        if !pixels.len().is_multiple_of(PIXELS) {
            return Err(Error::Pixels { length: pixels.len(), picture: PIXELS });
        }
        let (n, classes) = (pixels.len() / PIXELS, self.classes.len());
        let mut logits = vec![0.0; n * classes];
        let mut probabilities = vec![0.0; n * classes];
        let run = |((pixels, logits), probabilities): ((&[u8], &mut [f32]), &mut [f32])| {
            self.plan.run(pixels, logits, probabilities)
        };
        // A single picture stays on the caller's thread: waking another takes longer than it gains.
        let result = if n == 1 {
            run(((pixels, &mut logits), &mut probabilities))
        } else {
            // As many calls for each thread, all about as large.
            let n_calls = n.div_ceil(self.pictures_at_once);
            let n_calls = n_calls.next_multiple_of(rayon::current_num_threads());
            let at_once = n.div_ceil(n_calls.max(1)).max(1);
            pixels
                .par_chunks(at_once * PIXELS)
                .zip(logits.par_chunks_mut(at_once * classes))
                .zip(probabilities.par_chunks_mut(at_once * classes))
                .try_for_each(run)
        };
        result.map_err(|reason| Error::Inference { reason })?;
        Ok(Outputs { logits, probabilities, classes })
    }

    /// Whether the model says that it was trained on synthetic digits.
    #[must_use]
    pub fn is_synthetic(&self) -> bool {
        self.properties.get("kiln.synthetic").is_some_and(|value| value == "true")
    }

    /// Runs an empty and a full picture, so that a model which fails does so now.
    fn warm_up(&self, path: &Path) -> Result<()> {
        let pictures = [[0; PIXELS], [u8::MAX; PIXELS]].concat();
        let outputs = self.classify(&pictures).map_err(|error| match error {
            Error::Inference { reason } => Error::Unsupported { path: path.to_owned(), reason },
            other => other,
        })?;
        for (name, values) in [("logits", outputs.logits), ("probabilities", outputs.probabilities)]
        {
            if values.iter().any(|value| !value.is_finite()) {
                let what = format!("the {name} of a plain picture are");
                return Err(Error::NotFinite { path: path.to_owned(), what });
            }
        }
        Ok(())
    }
}

impl Outputs {
    /// The class with the highest logit of picture `row`, the first if several have it.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn best(&self, row: usize) -> usize {
        let logits = &self.logits[row * self.classes..][..self.classes];
        (1..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best })
    }

    /// The probabilities of picture `row`, one for each class.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.probabilities[row * self.classes..][..self.classes]
    }
}
