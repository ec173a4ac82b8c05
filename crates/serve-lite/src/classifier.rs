//! A loaded model, ready to classify images.

use std::collections::BTreeMap;
use std::path::Path;

use images::{Background, ImageShape, Preparation};
use rayon::prelude::*;
use tract_onnx::prelude::Framework;

use crate::contract::{self, Mismatch};
use crate::error::{Error, Result};
use crate::model_file::read;
use crate::plan::{Kernels, Plan};
use crate::text::shortened;
use crate::wire::structure_bytes;

/// The largest model file that is read, in bytes: fifty times kiln's own network (4.8 MB), and small enough to refuse
/// a disk image given by mistake.
pub const MAX_MODEL_BYTES: u64 = 256 << 20;

/// The most bytes of a model file that are not weights. kiln's network has some thousands; decoded, they take up to 150
/// times as much memory.
const MAX_STRUCTURE_BYTES: usize = 2 << 20;
/// How far the sum of an image's probabilities may be from 1: rounding in float32 is far below it, and a softmax over the
/// wrong axis far above.
const SUM_TOLERANCE: f32 = 1e-3;
/// How much of tract's reason an error quotes, in bytes: it can contain a name of any length from the file.
const MAX_REASON: usize = 1000;

/// A model that is ready to classify; threads share it by reference.
#[derive(Debug)]
pub struct Classifier {
    /// The shape of one image, from the model's input.
    pub shape: ImageShape,
    /// Names of the classes, in the order of the outputs.
    pub classes: Vec<String>,
    /// How images become inputs, as in training. `kiln.prepare`; files without it prepare digits if they were trained on
    /// MNIST or on synthetic digits, and stretch other images.
    pub preparation: Preparation,
    /// An answer with a lower probability is doubtful, in [0, 1]. `kiln.doubtful_below`; 0 in files without it.
    pub doubtful_below: f32,
    /// What almost all training images have around them, where it is known. `kiln.background`.
    pub background: Option<Background>,
    /// The file's metadata, such as `kiln.dataset`, unchanged.
    pub properties: BTreeMap<String, String>,
    /// Descriptions of the operators that kiln's kernels run, in order: `dense 128 -> 10`.
    pub by_kernels: Vec<String>,
    /// tract's names of the operators that tract runs, in order.
    pub by_tract: Vec<String>,
    /// The most images in one call of the model; 1 where an image's result could depend on the others.
    pub images_per_call: usize,
    plan: Plan,
}

/// A model's outputs for `n` images.
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
    /// Loads a model and runs it once; kiln's kernels run the operators that they implement.
    ///
    /// # Errors
    /// [`Error::Read`], also for anything but a regular file, [`Error::TooLarge`] beyond [`MAX_MODEL_BYTES`], or what [`from_bytes`]
    /// returns.
    ///
    /// [`from_bytes`]: Self::from_bytes
    pub fn load(path: &Path) -> Result<Self> {
        Self::from_bytes(&read(MAX_MODEL_BYTES, path)?, path)
    }

    /// [`load`](Self::load) without kiln's kernels: tract runs all operators, for comparison.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_with_tract_ops(path: &Path) -> Result<Self> {
        Self::new(&read(MAX_MODEL_BYTES, path)?, path, Kernels::Disabled)
    }

    /// Loads a model from `bytes` and runs it once; `path` only names it in errors.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::NotOnnx`] if the bytes are empty, truncated or not ONNX,
    /// [`Error::Contract`] if the model is not a kiln classifier, [`Error::Unsupported`] if tract
    /// refuses it, [`Error::NotFinite`] if its weights or outputs are not finite, [`Error::NotProbabilities`] if what it
    /// calls probabilities are none.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self> {
        Self::new(bytes, path, Kernels::Enabled)
    }

    fn new(bytes: &[u8], path: &Path, kernels: Kernels) -> Result<Self> {
        let path = || path.to_owned();
        if bytes.len() as u64 > MAX_MODEL_BYTES {
            return Err(Error::TooLarge { path: path(), limit: MAX_MODEL_BYTES });
        }
        if bytes.is_empty() {
            return Err(Error::NotOnnx { path: path(), reason: "it is empty".into() });
        }
        let n_bytes = structure_bytes(bytes);
        if n_bytes > MAX_STRUCTURE_BYTES {
            let found = format!("{n_bytes} bytes");
            let expected = "at most 2 MiB beside the weights".into();
            return Err(Error::Contract { path: path(), expected, found });
        }
        let mut model = tract_onnx::onnx().proto_model_for_read(&mut &*bytes).map_err(|error| {
            let reason = shortened(&format!("{error:#}"), MAX_REASON);
            Error::NotOnnx { path: path(), reason }
        })?;
        let contract = contract::check(&mut model).map_err(|Mismatch { expected, found }| {
            Error::Contract { path: path(), expected, found }
        })?;
        if let Some(name) = contract::weight_not_finite(&model) {
            let what = format!("weights in {} are", shortened(name, MAX_REASON));
            return Err(Error::NotFinite { path: path(), what });
        }
        let plan = Plan::new(&model, contract.shape, contract.classes.len(), kernels)
            .map_err(|reason| shortened(&reason, MAX_REASON))
            .map_err(|reason| Error::Unsupported { path: path(), reason })?;
        let classifier = Self {
            shape: contract.shape,
            classes: contract.classes,
            preparation: contract.preparation,
            doubtful_below: contract.doubtful_below,
            background: contract.background,
            properties: contract.properties,
            by_kernels: plan.operators.by_kernels.clone(),
            by_tract: plan.operators.by_tract.clone(),
            images_per_call: plan.images_per_call,
            plan,
        };
        classifier.warm_up(&path())?;
        Ok(classifier)
    }

    /// Classifies any number of images, on all of rayon's threads.
    ///
    /// An image's outputs are the same to the last bit in any batch and with any number of threads: images share a
    /// call of the model only if each of its operators is known to compute every image independently.
    ///
    /// # Shapes
    /// - `pixels`: `[n, channels, height, width]` in the model's [`shape`](Self::shape), 0 to 255; the background is 0
    /// - outputs: `[n, classes]` each
    ///
    /// # Errors
    /// [`Error::Pixels`] if the length is not a multiple of the size of an image, [`Error::Inference`] if tract fails.
    pub fn classify(&self, pixels: &[u8]) -> Result<Outputs> {
        let image = self.shape.size();
        if !pixels.len().is_multiple_of(image) {
            return Err(Error::Pixels { length: pixels.len(), image });
        }
        let (n, classes) = (pixels.len() / image, self.classes.len());
        let mut logits = vec![0.0; n * classes];
        let mut probabilities = vec![0.0; n * classes];
        let run = |((pixels, logits), probabilities): ((&[u8], &mut [f32]), &mut [f32])| {
            self.plan.run(pixels, logits, probabilities)
        };
        // A single image is computed on the caller's thread: waking another takes longer than it saves.
        let result = if n == 1 {
            run(((pixels, &mut logits), &mut probabilities))
        } else {
            // The same number of calls for each thread, all of about the same size.
            let n_calls = n.div_ceil(self.images_per_call);
            let n_calls = n_calls.next_multiple_of(rayon::current_num_threads());
            let per_call = n.div_ceil(n_calls.max(1)).max(1);
            pixels
                .par_chunks(per_call * image)
                .zip(logits.par_chunks_mut(per_call * classes))
                .zip(probabilities.par_chunks_mut(per_call * classes))
                .try_for_each(run)
        };
        result.map_err(|reason| Error::Inference { reason })?;
        Ok(Outputs { logits, probabilities, classes })
    }

    /// Whether the metadata says that the model was trained on synthetic digits.
    #[must_use]
    pub fn is_synthetic(&self) -> bool {
        self.properties.get("kiln.synthetic").is_some_and(|value| value == "true")
    }

    /// Runs an empty and a full image, so that a model that fails is refused when it is loaded.
    fn warm_up(&self, path: &Path) -> Result<()> {
        let image = self.shape.size();
        let images = [vec![0; image], vec![u8::MAX; image]].concat();
        let outputs = self.classify(&images).map_err(|error| match error {
            Error::Inference { reason } => Error::Unsupported { path: path.to_owned(), reason },
            other => other,
        })?;
        for (name, values) in
            [("logits", &outputs.logits), ("probabilities", &outputs.probabilities)]
        {
            if values.iter().any(|value| !value.is_finite()) {
                let what = format!("the {name} of a plain image are");
                return Err(Error::NotFinite { path: path.to_owned(), what });
            }
        }
        for row in outputs.probabilities.chunks_exact(outputs.classes) {
            let sum: f32 = row.iter().sum();
            let in_range = row.iter().all(|value| (0.0..=1.0 + SUM_TOLERANCE).contains(value));
            if !in_range || (sum - 1.0).abs() > SUM_TOLERANCE {
                let (least, most) =
                    row.iter().fold((f32::MAX, f32::MIN), |(least, most), &value| {
                        (least.min(value), most.max(value))
                    });
                let found = format!("{least} to {most} with the sum {sum}");
                return Err(Error::NotProbabilities { path: path.to_owned(), found });
            }
        }
        Ok(())
    }
}

impl Outputs {
    /// The class with the highest logit of image `row`, the first one if several are equal.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn best(&self, row: usize) -> usize {
        let logits = &self.logits[row * self.classes..][..self.classes];
        (1..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best })
    }

    /// The probabilities of image `row`, one for each class.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.probabilities[row * self.classes..][..self.classes]
    }
}
