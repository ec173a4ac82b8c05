//! Settings: which network.

use clap::{ArgAction, Args, ValueEnum};
use serde::Serialize;

use super::range::{count, fraction};

/// Which network is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// The article's: two convolutions, pooling, two dense layers
    Article,
    /// Two blocks of convolutions, each followed by pooling (after Simonyan and Zisserman 2014)
    Vgg,
    /// Blocks of padded convolutions with batch normalisation, each pooled, and the mean of every channel: for images of
    /// any small size
    Blocks,
}

/// How feature maps are made smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// The largest number of each 2x2 window
    Max,
    /// The mean of each 2x2 window (LeCun and others 1998); without a kernel of kiln's, so slower
    Average,
}

/// Which network.
#[derive(Args, Clone, Copy, Debug, PartialEq, Serialize)]
#[command(next_help_heading = "Network")]
pub struct NetworkSettings {
    /// The network
    #[arg(long, value_enum, default_value_t = Architecture::Article)]
    pub architecture: Architecture,
    /// Convolutions of vgg: two, pooling, and two or three more
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = count(4..=5_usize))]
    pub depth: usize,
    /// Number of blocks of the network blocks; each is pooled, and each up to the fourth has twice the channels of what is
    /// before it. 0 takes as many as leave three pixels of the shorter side or more, five at most
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count(0..=6_usize))]
    pub blocks: usize,
    /// The first convolution of blocks is not trained: its filters, eight a channel whatever the width, whiten patches of
    /// the training images (Jordan 2024, "94% on CIFAR-10 in 3.29 seconds")
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value_t = false, action = ArgAction::Set, hide_default_value = true, value_name = "BOOL")]
    pub whiten: bool,
    /// Channels of the first convolution; later ones have twice as many
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = count(1..=1024_usize))]
    pub width: usize,
    /// Units of the dense layer before the last
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = count(1..=16_384_usize))]
    pub hidden: usize,
    /// The pooling
    #[arg(long, value_enum, default_value_t = Pooling::Max)]
    pub pooling: Pooling,
    /// Batch normalisation (Ioffe and Szegedy 2015); always on in blocks; folded into the layer after it at export
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value_t = false, action = ArgAction::Set, hide_default_value = true, value_name = "BOOL")]
    pub batch_norm: bool,
    /// Dropout before the dense layers: fraction of the features
    #[arg(long, value_name = "FRACTION", default_value_t = 0.25, value_parser = fraction)]
    pub conv_dropout: f64,
    /// Dropout between the dense layers: fraction of the features
    #[arg(long, value_name = "FRACTION", default_value_t = 0.5, value_parser = fraction)]
    pub dense_dropout: f64,
}
