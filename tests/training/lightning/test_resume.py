"""A training that is stopped at any place and resumed gives the weights of one that nobody stopped:
plain Lightning is the judge.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch

from jupyter_mlinfra.training import PreemptionCheckpoint, fit, latest, trainings

spec = importlib.util.spec_from_file_location("seeded", Path(__file__).with_name("seeded.py"))
assert spec is not None
assert spec.loader is not None
seeded = importlib.util.module_from_spec(spec)
spec.loader.exec_module(seeded)


class Asks(pl.Callback):
    """A real signal in the midst of a batch, once so many before it are done; or in the validation
    of an epoch.
    """

    def __init__(
        self, batch: int = -1, *, validation: int = -1, number: int = signal.SIGTERM
    ) -> None:
        self.batch, self.validation, self.number = batch, validation, number

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.fit_loop.total_batch_idx == self.batch:
            os.kill(os.getpid(), self.number)

    def on_validation_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        if not trainer.sanity_checking and trainer.current_epoch == self.validation:
            os.kill(os.getpid(), self.number)


def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the process of another attempt."""
    monkeypatch.setattr(trainings, "_opened", set())
    monkeypatch.setattr(trainings, "_ended", set())


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


CASES: dict[str, dict[str, Any]] = {
    "in the midst of an epoch": {"asks": [13]},
    "twice in one epoch": {"asks": [12, 16]},
    "at the first batch of all": {"asks": [0]},
    "at the first batch of an epoch": {"asks": [10]},
    "at the last batch of an epoch": {"asks": [19]},
    "at the last batch of all": {"asks": [29]},
    "by SIGUSR1": {"asks": [13], "number": signal.SIGUSR1},
    "in a validation": {"asks": [], "validation": 1},
    "while gradients are added up": {"asks": [13], "trainer": {"accumulate_grad_batches": 3}},
    "with a generator of the loader's own": {
        "asks": [4, 19, 24],
        "loader": {"generator": generator},
    },
    "with workers that fetch ahead": {
        "asks": [13],
        "loader": {"num_workers": 2, "dataset": seeded.Fixed},
    },
    "with workers that persist": {
        "asks": [13, 19, 24],
        "loader": {"num_workers": 1, "dataset": seeded.Fixed, "persistent_workers": True},
    },
    "before a validation within the epoch": {"asks": [14], "trainer": {"val_check_interval": 5}},
    "counted in steps": {"asks": [13, 19], "trainer": {"max_steps": 26, "max_epochs": -1}},
    "short of the least number of epochs": {"asks": [3], "trainer": {"min_epochs": 2}},
    "with fewer batches an epoch than there are": {
        "asks": [8, 16],
        "trainer": {"limit_train_batches": 7},
    },
}


def made(case: dict[str, Any]) -> tuple[pl.Trainer, Any, Any]:
    """A trainer, a model and a loader, as a process that has just started makes them."""
    pl.seed_everything(7, verbose=False)
    options = {
        key: value() if callable(value) else value for key, value in case.get("loader", {}).items()
    }
    return seeded.trainer(**case.get("trainer", {})), seeded.Model(), seeded.loader(**options)


@pytest.mark.parametrize("name", CASES)
def test_stopped_and_resumed_it_gives_the_weights_of_plain_lightning(
    name: str, tmp_path: Path
) -> None:
    case = CASES[name]
    trainer, plain, data = made(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(plain, data, seeded.loader(shuffle=False))

        seen: list[float] = []
        stops = [Asks(batch, number=case.get("number", signal.SIGTERM)) for batch in case["asks"]]
        stops += [Asks(validation=case["validation"])] if "validation" in case else []
        for stop in stops:
            trainer, model, data = made(case)
            trainer.callbacks.append(stop)
            with pytest.raises(SystemExit) as left:
                fit(trainer, model, data, val=seeded.loader(shuffle=False), folder=tmp_path)
            assert left.value.code == 75
            seen += model.seen
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        trainer, model, data = made(case)
        fit(trainer, model, data, val=seeded.loader(shuffle=False), folder=tmp_path)
    seen += model.seen
    assert seen == plain.seen, "the same examples in the same order, none twice, none left out"
    for key, value in plain.state_dict().items():
        torch.testing.assert_close(model.state_dict()[key], value, atol=1e-6, rtol=0)


class Plateau(seeded.Model):
    """Its rate falls as soon as a metric that never changes has not become better: after the first
    epoch (or batch), each time.
    """

    def __init__(self, interval: str, monitor: str) -> None:
        super().__init__()
        self.interval, self.monitor, self.rates = interval, monitor, list[float]()

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        self.log("level", 1.0)
        self.rates.append(self.optimizers().param_groups[0]["lr"])
        return super().training_step(batch, batch_idx)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val_level", 1.0)
        super().validation_step(batch, batch_idx)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=0.5, patience=0 if self.interval == "epoch" else 4
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {
                "scheduler": plateau,
                "interval": self.interval,
                "monitor": self.monitor,
            },
        }


PLATEAUS: dict[str, dict[str, Any]] = {
    "in the midst of an epoch": {"asks": [13]},
    "at the last batch of an epoch": {"asks": [9, 19]},
    "in the midst and at the end": {"asks": [4, 9, 25]},
    "in a validation": {"asks": [], "validation": 1},
    "by a metric of the validation": {"asks": [3, 19], "monitor": "val_level"},
    "each batch": {"asks": [6, 13, 19], "interval": "step"},
    "counted in steps": {"asks": [13, 19], "trainer": {"max_steps": 36, "max_epochs": -1}},
}


@pytest.mark.parametrize("name", PLATEAUS)
def test_a_rate_that_falls_on_a_plateau_falls_as_in_plain_lightning(
    name: str, tmp_path: Path
) -> None:
    case = PLATEAUS[name]

    def made_new() -> tuple[pl.Trainer, Plateau]:
        pl.seed_everything(7, verbose=False)
        return seeded.trainer(**{"max_epochs": 4, **case.get("trainer", {})}), Plateau(
            case.get("interval", "epoch"), case.get("monitor", "level")
        )

    trainer, plain = made_new()
    trainer.fit(plain, seeded.loader(), seeded.loader(shuffle=False))
    if case.get("interval") != "step":
        assert plain.rates[::10] == [0.1, 0.1, 0.05, 0.025]
    rates = list[float]()
    stops = [Asks(batch) for batch in case["asks"]] + (
        [Asks(validation=case["validation"])] if "validation" in case else []
    )
    for stop in stops:
        trainer, model = made_new()
        trainer.callbacks.append(stop)
        with pytest.raises(SystemExit):
            fit(trainer, model, seeded.loader(), val=seeded.loader(shuffle=False), folder=tmp_path)
        rates += model.rates
    trainer, model = made_new()
    fit(trainer, model, seeded.loader(), val=seeded.loader(shuffle=False), folder=tmp_path)
    assert rates + model.rates == pytest.approx(plain.rates)
    for key, value in plain.state_dict().items():
        torch.testing.assert_close(model.state_dict()[key], value, atol=1e-6, rtol=0)


def test_without_a_signal_it_is_plain_lightning_and_what_is_saved_now_and_then_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, plain, data = made({})
    trainer.fit(plain, data, seeded.loader(shuffle=False))
    trainer, model, data = made({})
    trainer.callbacks.append(
        PreemptionCheckpoint(tmp_path, every_steps=4, keep=3, monitor="val_loss")
    )
    fit(trainer, model, data, val=seeded.loader(shuffle=False))
    found = latest(tmp_path)
    assert found is not None
    assert (found.step, found.finished) == (30, True)
    shutil.rmtree(found.folder)  # as after kill -9
    found = latest(tmp_path)
    assert found is not None
    assert found.step == 28
    assert found.metrics["loss"] > 0
    assert "val_loss" in found.metrics
    assert 2 <= len(list(tmp_path.glob("*/step-*"))) <= 3
    forgotten(monkeypatch)
    trainer, again, data = made({})
    fit(trainer, again, data, val=seeded.loader(shuffle=False), folder=tmp_path)
    assert len(again.seen) == 2 * 8
    for key, value in plain.state_dict().items():
        assert torch.equal(model.state_dict()[key], value)
        torch.testing.assert_close(again.state_dict()[key], value, atol=1e-6, rtol=0)


class Early(pl.Callback):
    """Ends a training after its second epoch, as EarlyStopping does."""

    def on_train_epoch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        trainer.should_stop = trainer.current_epoch == 1


def three_in_a_row(folder: Path, *asks: int, **options: Any) -> list[Any]:
    """A notebook with three trainings that look alike, the second one with other data; a signal
    comes at a batch of each (-1: none).
    """
    pl.seed_everything(7, verbose=False)
    done = []
    for place, ask in enumerate(asks):
        model = seeded.Model()
        trainer = seeded.trainer(callbacks=[Asks(ask), *([Early()] if place == 0 else [])])
        fit(
            trainer,
            model,
            seeded.loader(**({"shuffle": False} if place == 1 else {})),
            val=seeded.loader(shuffle=False),
            folder=folder,
            **options,
        )
        done.append((model, dict(trainer.callback_metrics), trainer.current_epoch))
    return done


@pytest.mark.parametrize("job", ["", "7f3a"])
def test_of_three_trainings_in_a_row_the_second_is_gone_on_with_and_each_gives_its_own_weights(
    job: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLINFRA_JOB", job)
    whole = three_in_a_row(tmp_path / "whole", -1, -1, -1)
    assert [len(model.seen) // 8 for model, *_ in whole] == [20, 30, 30]
    with pytest.raises(SystemExit):
        three_in_a_row(tmp_path / "stopped", -1, 13)
    for batches in ([0, 16, 30], [0, 0, 0]):
        forgotten(monkeypatch)
        found = three_in_a_row(tmp_path / "stopped", -1, -1, -1)
        assert [len(model.seen) // 8 for model, *_ in found] == batches
        for (model, metrics, epoch), (other, expected, last) in zip(found, whole, strict=True):
            assert float(metrics["val_loss"]) == pytest.approx(
                float(expected["val_loss"]), abs=1e-6
            )
            assert epoch == last
            for key, value in other.state_dict().items():
                torch.testing.assert_close(model.state_dict()[key], value, atol=1e-6, rtol=0)


def test_outside_of_a_job_other_data_code_or_hyperparameters_are_another_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wider(seeded.Model):
        def __init__(self, rate: float) -> None:
            super().__init__()
            self.save_hyperparameters()

    class Coded(Wider):
        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    def train(model: Any, values: torch.Tensor, **options: Any) -> Any:
        forgotten(monkeypatch)
        data = torch.utils.data.TensorDataset(values, values.sum(dim=1, keepdim=True))
        pl.seed_everything(7, verbose=False)
        fit(
            seeded.trainer(max_epochs=1),
            model,
            torch.utils.data.DataLoader(data, batch_size=8),
            folder=tmp_path,
            **options,
        )
        return model

    values = torch.arange(48.0).reshape(16, 3)
    first = train(Wider(0.1), values)
    assert len(first.seen) == 16
    assert train(Wider(0.1), values).seen == []
    for other in (
        train(Wider(0.1), values * 2),
        train(Wider(0.2), values),
        train(Coded(0.1), values),
        train(Wider(0.1), values, name="mine"),
    ):
        assert len(other.seen) == 16


def test_a_checkpoint_that_cannot_be_written_ends_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, model, data = made({})
    (tmp_path / "file").write_text("no folder")
    trainer.callbacks.append(PreemptionCheckpoint(tmp_path / "file", every_steps=10))
    with pytest.warns(UserWarning, match="step 10 was not saved: No checkpoint can be written"):
        fit(trainer, model, data)
    assert len(model.seen) == seeded.EPOCHS * seeded.BATCHES * 8


def test_a_data_module_and_a_model_with_data_of_its_own_resume_too(tmp_path: Path) -> None:
    class Data(pl.LightningDataModule):
        def train_dataloader(self) -> Any:
            return seeded.loader()

    class Own(seeded.Model):
        def train_dataloader(self) -> Any:
            return seeded.loader()

    for kind in ("module", "own"):
        weights = []
        for stops in ([], [13]):
            for stop in (*stops, -1):
                pl.seed_everything(7, verbose=False)
                model = Own() if kind == "own" else seeded.Model()
                trainer = seeded.trainer(callbacks=[Asks(stop)])
                folder = tmp_path / kind / str(len(stops))
                if stop >= 0:
                    with pytest.raises(SystemExit):
                        fit(trainer, model, None if kind == "own" else Data(), folder=folder)
                else:
                    fit(trainer, model, None if kind == "own" else Data(), folder=folder)
            weights.append(model.state_dict())
        for key, value in weights[0].items():
            torch.testing.assert_close(weights[1][key], value, atol=1e-6, rtol=0)


def test_the_run_that_the_checkpoint_names_is_gone_on_with_whatever_run_is_active(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    trainer, model, data = made({})
    trainer.callbacks.append(Asks(13))
    with mlflow.start_run() as first, pytest.raises(SystemExit):
        fit(trainer, model, data, folder=tmp_path / "kept")
    found = latest(tmp_path / "kept")
    assert found is not None
    assert found.run == first.info.run_id
    trainer, model, data = made({})
    with mlflow.start_run() as second:
        with pytest.warns(UserWarning, match=r"continues in run .*resumed_run"):
            fit(trainer, model, data, folder=tmp_path / "kept")
        assert mlflow.active_run().info.run_id == second.info.run_id
    client = mlflow.MlflowClient()
    assert [
        point.step for point in client.get_metric_history(first.info.run_id, "train_loss")
    ] == list(range(1, 31))
    assert client.get_run(first.info.run_id).info.status == "FINISHED"
    assert client.get_metric_history(second.info.run_id, "train_loss") == []


def test_below_slurm_it_is_not_lightning_that_saves_in_the_handler_and_requeues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {
        "NTASKS": "1",
        "JOB_NAME": "train",
        "JOB_ID": "7",
        "NODELIST": "localhost",
        "PROCID": "0",
        "LOCALID": "0",
        "NODEID": "0",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "scontrol").write_text(f"#!/bin/sh\necho $* >> {tmp_path / 'requeued'}\n")
    (tmp_path / "bin" / "scontrol").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    trainer, model, data = made({"trainer": {"default_root_dir": tmp_path}})
    trainer.callbacks.append(Asks(13, number=signal.SIGUSR1))
    with pytest.raises(SystemExit) as left:
        fit(trainer, model, data, folder=tmp_path / "kept")
    assert left.value.code == 75
    assert len(model.seen) == 14 * 8
    assert not (tmp_path / "requeued").exists()
    assert not list(tmp_path.glob("hpc_ckpt*"))
