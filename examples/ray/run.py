"""The same training set from Feast's Ray store and from ours: `python run.py`.

Needs `pip install "ray[default]" jupyter-mlinfra`; Ray starts on this machine, and ends with the
program.
"""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
from definitions import demand, driver, trips, zone
from feast import FeatureStore

HERE = Path(__file__).parent
START = datetime(2026, 3, 1, tzinfo=UTC)
FEATURES = ["trips:trips_7d", "trips:rating", "demand:wait"]


def write_sources(folder: Path) -> None:
    """400 rows a view; no two rows of a key have the same time."""
    folder.mkdir(exist_ok=True)
    random.seed(7)
    minutes = iter(random.sample(range(20_000), 1_200))
    trips = [
        (driver, START + timedelta(minutes=next(minutes)), driver * 10 + n, n / 7)
        for n in range(400)
        for driver in (random.randrange(12),)
    ]
    table = pd.DataFrame(trips, columns=["driver_id", "at", "trips_7d", "rating"])
    table.assign(made=table["at"]).to_parquet(folder / "trips.parquet")
    demand = [
        (random.randrange(12), random.randrange(3), START + timedelta(minutes=next(minutes)), n / 3)
        for n in range(400)
    ]
    pd.DataFrame(demand, columns=["driver_id", "zone_id", "at", "wait"]).to_parquet(
        folder / "demand.parquet"
    )


def entities() -> pd.DataFrame:
    """300 moments, each once, some of drivers that no source knows."""
    random.seed(8)
    moments = [START + timedelta(minutes=m) for m in random.sample(range(22_000), 300)]
    return pd.DataFrame(
        {
            "driver_id": [random.randrange(14) for _ in moments],
            "zone_id": [random.randrange(3) for _ in moments],
            "event_timestamp": moments,
            "row": range(300),
        }
    )


def training_set(repo: Path, configuration: str, rows: pd.DataFrame) -> pd.DataFrame:
    """configuration: feature_store.yaml or polars.yaml."""
    store = FeatureStore(repo_path=str(repo), fs_yaml_file=repo / configuration)
    return store.get_historical_features(entity_df=rows, features=FEATURES).to_df()


def main() -> None:
    write_sources(HERE / "data")
    FeatureStore(str(HERE)).apply([driver, zone, trips, demand])
    columns = ["row", "trips_7d", "rating", "wait"]
    ray, ours = (
        training_set(HERE, name, entities())[columns].sort_values("row").reset_index(drop=True)
        for name in ("feature_store.yaml", "polars.yaml")
    )
    pd.testing.assert_frame_equal(ray, ours, check_dtype=False)
    print(f"{len(ours)} rows, equal in both stores:")
    print(ours.head())


if __name__ == "__main__":
    main()
