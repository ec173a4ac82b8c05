//! What can go wrong when a network is made.

use images::ImageShape;

use crate::shape::Shape;

/// The result of making a network.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong when a network is made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two networks that should share weights have other layers.
    #[error(
        "the networks differ at layer {layer}: leave out the settings of network and input, or train without the other run"
    )]
    OtherLayers {
        /// The first layer that differs.
        layer: String,
    },
    /// The layers before have left nothing that this layer could take.
    #[error(
        "images of {}x{} pixels are too small for this network: layer {layer} would receive {input}; \
         use larger images, or a network with fewer layers (--architecture article, --depth 4)",
        image.height, image.width
    )]
    TooSmall {
        /// The shape of the images.
        image: ImageShape,
        /// The layer, such as `max_pool2`.
        layer: String,
        /// What it would receive.
        input: Shape,
    },
}
