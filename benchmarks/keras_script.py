"""Transfer learning the usual way: the guide at keras.io/guides/transfer_learning, as a script.

    python keras_script.py FOLDER OUT --epochs 20 [--cache]

FOLDER has train/ and val/ with one folder a class; OUT gets model.keras and report.json.
"""

import argparse
import json

import keras
import tensorflow as tf


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("out")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--weights")
    parser.add_argument("--alpha", type=float, default=0.35)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--freeze", default="all", help="all, none, or the last frozen layer")
    parser.add_argument("--hidden", type=int)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", action="store_true")
    args = parser.parse_args()
    keras.utils.set_random_seed(args.seed)
    shape = (args.size, args.size)

    train = keras.utils.image_dataset_from_directory(
        f"{args.folder}/train", label_mode="categorical", image_size=shape, batch_size=args.batch)
    validation = keras.utils.image_dataset_from_directory(
        f"{args.folder}/val", label_mode="categorical", image_size=shape, batch_size=args.batch, shuffle=False)
    classes = train.class_names
    if args.cache:
        train = train.cache().prefetch(tf.data.AUTOTUNE)
        validation = validation.cache().prefetch(tf.data.AUTOTUNE)

    backbone = keras.applications.MobileNetV2(
        input_shape=(*shape, 3), alpha=args.alpha, include_top=False, weights=args.weights)
    freeze(backbone, args.freeze)

    inputs = keras.Input((*shape, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = backbone(x, training=False)
    x = keras.layers.GlobalAveragePooling2D()(x)
    if args.hidden:
        x = keras.layers.Dense(args.hidden, activation="relu")(x)
    x = keras.layers.Dropout(0.2)(x)
    outputs = keras.layers.Dense(len(classes), activation="softmax")(x)
    model = keras.Model(inputs, outputs)

    model.compile(keras.optimizers.Adam(args.learning_rate), "categorical_crossentropy", metrics=["accuracy"])
    best = keras.callbacks.ModelCheckpoint(f"{args.out}/model.keras", monitor="val_accuracy", save_best_only=True)
    history = model.fit(train, validation_data=validation, epochs=args.epochs, callbacks=[best], verbose=2)

    trainable = sum(int(keras.ops.size(variable)) for variable in model.trainable_variables)
    with open(f"{args.out}/report.json", "w", encoding="utf-8") as handle:
        json.dump({"val_accuracy": max(history.history["val_accuracy"]), "trainable_parameters": trainable,
                   "classes": classes}, handle)


def freeze(backbone: keras.Model, point: str) -> None:
    """Freeze everything up to a layer, and all batch normalisation."""
    if point == "all":
        backbone.trainable = False
        return
    names = [layer.name for layer in backbone.layers]
    frozen = 0 if point == "none" else names.index(point) + 1
    for index, layer in enumerate(backbone.layers):
        layer.trainable = index >= frozen and not isinstance(layer, keras.layers.BatchNormalization)


if __name__ == "__main__":
    main()
