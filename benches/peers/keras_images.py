"""The recipe `images` in Keras, on a folder train/CLASS and test/CLASS of small colour images, with the time of each epoch.

usage: keras_images.py DATA_DIR [EPOCHS=15] [SIDE=32] [BATCH=64] > history.csv

The same network as kiln's and the same augmentation, with the settings of AdamW that suited it: Keras's Muon leaves the
filters of convolutions to AdamW. `seconds` covers training and validation of an epoch, not loading and building. The
first epoch traces the graph. Needs Pillow beside requirements.txt.
"""
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import tensorflow as tf
from keras import layers

from keras_rows import Rows, print_test

folder = sys.argv[1]
epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 15
side = int(sys.argv[3]) if len(sys.argv) > 3 else 32
BATCH = int(sys.argv[4]) if len(sys.argv) > 4 else 64
WARMUP, LEARNING_RATE = 2.0, 4e-3 * (BATCH / 64) ** 0.5
keras.utils.set_random_seed(42)


def read(part):
    """Images uint8 [n, side, side, 3] and labels of a part, in memory."""
    data = keras.utils.image_dataset_from_directory(
        f"{folder}/{part}", batch_size=1000, image_size=(side, side), shuffle=False, verbose=False)
    images, labels = zip(*((x.numpy().astype("uint8"), y.numpy()) for x, y in data))
    return np.concatenate(images), np.concatenate(labels)


(x, y), (xt, yt) = read("train"), read("test")
n_classes = int(y.max()) + 1
# A twentieth of every class for validation.
order = np.random.RandomState(42).permutation(len(x))
val = np.concatenate([order[y[order] == c][: (y == c).sum() // 20] for c in range(n_classes)])
train = np.setdiff1d(order, val)
mean, std = x[train].mean((0, 1, 2)), x[train].std((0, 1, 2))

augment = keras.Sequential([
    layers.RandomFlip("horizontal"),
    layers.RandomTranslation(0.125, 0.125, fill_mode="reflect"),
])


def batches(images, labels, training):
    data = tf.data.Dataset.from_tensor_slices((images, keras.utils.to_categorical(labels, n_classes)))
    if training:
        data = data.shuffle(len(images)).batch(BATCH)
        data = data.map(lambda x, y: (augment(tf.cast(x, tf.float32), training=True), y), num_parallel_calls=tf.data.AUTOTUNE)
    else:
        data = data.batch(BATCH)
    return data.prefetch(tf.data.AUTOTUNE)


def conv(channels):
    return layers.Conv2D(channels, 3, padding="same", activation="relu")


def whitening():
    """Filters [3, 3, 3, 24]: the principal components of 2x2 patches, each divided by its deviation, and their negatives."""
    some = (x[train[:: len(train) // 2000]] - mean) / std
    patches = np.stack([some[:, i : side - 1 + i, j : side - 1 + j] for i in (0, 1) for j in (0, 1)], axis=3)
    patches = patches.reshape(-1, 12)
    variances, components = np.linalg.eigh(patches.T @ patches / len(patches))
    filters = (components / np.sqrt(variances + 5e-4)).reshape(2, 2, 3, 12)
    return np.pad(np.concatenate([filters, -filters], axis=3), ((1, 0), (1, 0), (0, 0), (0, 0)))


def block(channels, normalise=True):
    first = [layers.BatchNormalization()] if normalise else []
    return [*first, conv(channels), layers.MaxPooling2D(2), layers.BatchNormalization(), conv(channels)]


model = keras.Sequential([
    layers.Input((side, side, 3)), layers.Normalization(mean=mean, variance=std**2),
    conv(24), *block(64, normalise=False), *block(128), *block(256), layers.BatchNormalization(),
    layers.GlobalAveragePooling2D(), layers.Dropout(0.1), layers.Dense(n_classes),
])
model.layers[1].set_weights([whitening(), np.zeros(24)])
model.layers[1].trainable = False
n_steps = -(-len(train) // BATCH)


@keras.saving.register_keras_serializable()
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Rises from a 25th along half a cosine for WARMUP epochs, then falls to zero along another."""

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        warmup, total = WARMUP * n_steps, float(epochs * n_steps)
        rising = 1 / 25 + 24 / 25 * 0.5 * (1 - tf.cos(np.pi * step / warmup))
        falling = 0.5 * (1 + tf.cos(np.pi * (step - warmup) / max(total - warmup, 1)))
        return LEARNING_RATE * tf.where(step < warmup, rising, falling)

    def get_config(self):
        return {}


model.compile(
    loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
    optimizer=keras.optimizers.AdamW(OneCycle(), weight_decay=0.05, use_ema=True, ema_momentum=0.999),
    metrics=["accuracy"])

# Without the callback that swaps in the average, since Keras does that at the end of every epoch, and here it is measured
# once: at the end, where `fit` has overwritten the weights by their average.
model.fit(batches(x[train], y[train], True), epochs=epochs, shuffle=False, verbose=0,
          validation_data=batches(x[val], y[val], False), callbacks=[Rows()])
print_test(model, batches(xt, yt, False))
