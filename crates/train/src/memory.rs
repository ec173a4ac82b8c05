//! Refuses to train what does not fit into memory, before anything is allocated.

use model::NetworkConfig;
use run::{Config, available_memory};

use crate::error::{Error, Result};
use crate::evaluate;

/// Checks that training the network on `n_images` is expected to fit into the memory that is available now.
///
/// # Errors
/// [`Error::Memory`] with the estimate ([`model::memory`]), [`Error::Network`].
pub fn check_memory(config: &Config, network: &NetworkConfig, n_images: usize) -> Result<()> {
    check(config, network, n_images, available_memory())
}

fn check(config: &Config, network: &NetworkConfig, n_images: usize, available: u64) -> Result<()> {
    let batch_size = config.training.batch_size.min(n_images);
    let average = config.optimizer.average_decay > 0.0;
    let needed = model::memory(network, batch_size, evaluate::BATCH, average)?;
    if needed > available { Err(Error::Memory { needed, available }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use images::ImageShape;

    use super::*;

    fn config(settings: &[(&str, &str)]) -> Config {
        let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Config::default().with(&settings.iter().map(pair).collect::<Vec<_>>()).unwrap()
    }

    fn network(config: &Config) -> NetworkConfig {
        let article = NetworkConfig::article(10, ImageShape::DIGIT, 33.3, 78.6);
        NetworkConfig { settings: config.network, ..article }
    }

    #[test]
    fn the_article_fits_into_a_small_machine_and_the_largest_settings_do_not_fit_into_a_large_one()
    {
        let article = config(&[]);
        check(&article, &network(&article), 42_000, 1 << 30).unwrap();
        let largest = config(&[("width", "1024"), ("hidden", "16384"), ("batch_size", "65536")]);
        let error = check(&largest, &network(&largest), 42_000, 64 << 30).unwrap_err();
        let Error::Memory { needed, available } = &error else { panic!("{error}") };
        assert!(*needed > 200_000_000_000 && *available == 64 << 30, "{error}");
        let text = error.to_string();
        assert!(text.contains("68.7 GB") && text.contains("--batch-size"), "{text}");
    }

    #[test]
    fn a_batch_is_never_larger_than_the_data_set() {
        let config = config(&[("batch_size", "65536")]);
        check(&config, &network(&config), 300, 1 << 30).unwrap();
        check(&config, &network(&config), 65_536, 1 << 30).unwrap_err();
    }
}
