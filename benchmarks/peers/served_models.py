"""The models that `serving.py` asks on all servers, and their data."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

ROWS, COLUMNS, TREES, DEPTH = 5000, 30, 100, 6


def make_data() -> tuple[Any, Any]:
    """Inputs of float32 and labels."""
    import numpy as np

    random = np.random.default_rng(1)
    data = random.normal(size=(ROWS, COLUMNS)).astype("float32")
    return data, (data[:, 0] * data[:, 1] + data[:, 2] > 0).astype(int)


def log_model(kind: str, data: Any, label: Any, peer: Path) -> None:
    """Train and log the model in the active run; what MLServer loads goes to the folder `peer`."""
    import mlflow
    import numpy as np
    import pandas as pd
    from mlflow.models import infer_signature

    names = ["mlflow", "numpy", "pandas", "scipy"]
    pins = {"xgboost": ["xgboost"], "sklearn": ["scikit-learn", "skops"], "onnx": ["onnxruntime"]}
    common: dict[str, Any] = {
        "name": "model",
        "pip_requirements": [f"{one}=={metadata.version(one)}" for one in (*names, *pins[kind])],
    }
    frame = pd.DataFrame(data, columns=[f"x{place}" for place in range(COLUMNS)])
    if kind == "xgboost":
        import xgboost

        matrix = xgboost.DMatrix(frame, label=label)
        options = {"objective": "binary:logistic", "max_depth": DEPTH, "nthread": 1}
        booster = xgboost.train(options, matrix, TREES)
        signature = infer_signature(frame, booster.predict(matrix))
        mlflow.xgboost.log_model(
            booster,
            signature=signature,
            input_example=frame.head(5),
            model_format="ubj",
            **common,
        )
        booster.feature_names = None
        booster.save_model(peer / "model.ubj")
    elif kind == "sklearn":
        import joblib
        from sklearn.ensemble import GradientBoostingRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        pipeline = make_pipeline(StandardScaler(), GradientBoostingRegressor(n_estimators=50))
        pipeline.fit(data, label.astype("float64"))
        signature = infer_signature(data, pipeline.predict(data))
        mlflow.sklearn.log_model(
            pipeline,
            signature=signature,
            input_example=data[:5],
            skops_trusted_types=["sklearn.tree._tree.Tree"],
            **common,
        )
        joblib.dump(pipeline, peer / "model.joblib")
    else:
        network = perceptron()
        signature = infer_signature(data, np.zeros((ROWS, 1), "float32"))
        mlflow.onnx.log_model(network, signature=signature, input_example=data[:5], **common)


def perceptron() -> Any:
    """A network of two layers with given weights, as ONNX."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(2)
    inner = random.normal(size=(COLUMNS, 64)).astype("float32") / 5
    outer = random.normal(size=(64, 1)).astype("float32") / 5
    nodes = [
        helper.make_node("MatMul", ["x", "inner"], ["summed"]),
        helper.make_node("Relu", ["summed"], ["active"]),
        helper.make_node("MatMul", ["active", "outer"], ["score"]),
        helper.make_node("Sigmoid", ["score"], ["y"]),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width])
        for name, width in (("x", COLUMNS), ("y", 1))
    ]
    weights = [
        numpy_helper.from_array(inner, "inner"),
        numpy_helper.from_array(outer, "outer"),
    ]
    graph = helper.make_graph(nodes, "perceptron", ends[:1], ends[1:], weights)
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model)
    return model
