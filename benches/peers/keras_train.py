"""The tutorial in Keras, with the time of each epoch. usage: keras_train.py DATA_DIR [EPOCHS=20] [LIMIT=0] > history.csv

`seconds` covers training and validation of an epoch, not loading and building. The first epoch traces the graph.
"""
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
from keras import layers

from common import load
from keras_rows import Rows, print_test

folder = sys.argv[1]
epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 20
limit = int(sys.argv[3]) if len(sys.argv) > 3 else 0
(x, y), (xv, yv), (xt, yt) = load(folder, limit)
n_classes = int(y.max()) + 1
keras.utils.set_random_seed(42)
model = keras.Sequential([
    layers.Input((*x.shape[1:], 1)),
    layers.Conv2D(32, 3, activation="relu"),
    layers.Conv2D(64, 3, activation="relu"),
    layers.MaxPooling2D(2),
    layers.Dropout(0.25),
    layers.Flatten(),
    layers.Dense(128, activation="relu"),
    layers.Dropout(0.5),
    layers.Dense(n_classes, activation="softmax"),
])
# jit_compile keeps its default, which is off on a CPU: with XLA a step took five times as long as with oneDNN.
model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.Adam(1e-3), metrics=["accuracy"])

hot = keras.utils.to_categorical
model.fit(x[..., None], hot(y, n_classes), batch_size=128, epochs=epochs, verbose=0,
          validation_data=(xv[..., None], hot(yv, n_classes)), callbacks=[Rows()])
print_test(model, xt[..., None], hot(yt, n_classes))
