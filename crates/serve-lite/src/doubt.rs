//! Why an answer is not to be relied on.

use images::{Background, Preparation, Prepared};

use crate::classifier::Classifier;

/// Why an answer is not to be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Several digits stand side by side, of which the network can name one at most.
    Several,
    /// The image's background is bright where those of the training images are dark, or the reverse.
    Inverted {
        /// The background of the training images.
        trained: Background,
    },
    /// The probability is below the model's bound.
    Improbable,
}

impl Doubt {
    /// The reason, where the probability does not say it already.
    #[must_use]
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Several => Some("several digits stand side by side"),
            Self::Inverted { trained: Background::Dark } => {
                Some("the background is bright, the training images' is dark: inverted?")
            }
            Self::Inverted { trained: Background::Bright } => {
                Some("the background is dark, the training images' is bright: inverted?")
            }
            Self::Improbable => None,
        }
    }
}

impl Classifier {
    /// Why the answer for an image, given with this probability, is not to be relied on; `None` if it is.
    ///
    /// Digits are found on either background. Other images in grey levels keep theirs, and a network that has seen only
    /// one kind can be sure of a wrong answer on the other.
    #[must_use]
    pub fn doubt(
        &self,
        image: &Prepared,
        preparation: Preparation,
        probability: f32,
    ) -> Option<Doubt> {
        let trained = self.background.filter(|_| preparation != Preparation::Digit);
        let found = Background::of(&image.pixels, self.shape);
        if image.several {
            return Some(Doubt::Several);
        }
        if let (Some(trained), Some(found)) = (trained, found)
            && trained != found
        {
            return Some(Doubt::Inverted { trained });
        }
        (probability < self.doubtful_below).then_some(Doubt::Improbable)
    }

    /// Whether an answer with this doubt is not to be relied on; `None` where there is no doubt, but the model does not say
    /// which probabilities are too low either.
    #[must_use]
    pub fn is_doubtful(&self, doubt: Option<Doubt>) -> Option<bool> {
        (doubt.is_some() || self.doubtful_below > 0.0).then_some(doubt.is_some())
    }
}
