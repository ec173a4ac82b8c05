"""What both Keras scripts print: a CSV row an epoch, and the test figures at the end."""
import sys
import time

import keras


class Rows(keras.callbacks.Callback):
    """Prints an epoch's metrics and its seconds, validation included."""

    def on_train_begin(self, logs=None):
        print("epoch,loss,accuracy,val_loss,val_accuracy,seconds")

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        row = [logs["loss"], logs["accuracy"], logs["val_loss"], logs["val_accuracy"], time.perf_counter() - self.start]
        print(epoch + 1, *(f"{v:.5f}" for v in row), sep=",", flush=True)


def print_test(model, *data):
    loss, accuracy = model.evaluate(*data, verbose=0)
    print(f"test_loss={loss:.5f} test_accuracy={accuracy:.5f} parameters={model.count_params()}", file=sys.stderr)
